"""Conformance tests of data sets."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from harness.data.dataset_check import check_dataset
from harness.data.findings import Kind
from harness.data.inventory import Inventory, official_counts
from harness.data.load_clips import load_clips, read_inventory
from harness.errors import DataError
from harness.registry import DATASETS, TEST, TRAIN, VALIDATION, Dataset, code, options_of
from harness.section import Section
from harness.study import DataSection

# A value that is valid in no column of file names, folds, labels or seconds.
_GARBAGE = ("", "../x", "=1+1", "nan", "-1", "x" * 300, "\x07")


class DatasetConformance:
    """Tests of one data set; a subclass names it and writes a small copy of it.

    Attributes
    ----------
    dataset
        Its name in the registry.
    options
        Its options as a study states them, for a small copy.
    header
        Whether its metadata file begins with the names of columns.
    """

    dataset: ClassVar[str]
    options: ClassVar[dict[str, object]] = {}
    header: ClassVar[bool] = True

    def make(self, root: Path) -> None:
        """Write a small copy below the data root: at least one clip of each class in each fold, of any length.

        A generated data set (``Dataset.prepare``) need not define this.
        """
        code(self.description.prepare)(root, self.section)

    @property
    def description(self) -> Dataset:
        """The description in the registry."""
        return DATASETS.get(self.dataset)

    @property
    def section(self) -> Section:
        """The options for the small copy."""
        return options_of(self.description).model_validate(self.options)

    @pytest.fixture
    def inventory(self, tmp_path: Path) -> Inventory:
        """The inventory of the small copy, below ``tmp_path``."""
        self.make(tmp_path)
        return self._read(tmp_path)

    def _read(self, root: Path) -> Inventory:
        return read_inventory(self.dataset, root, self.section)

    def test_its_description_agrees_with_itself(self) -> None:
        """Folds can be cross-validated, or are the parts of a hold-out, and counts by fold and by class add up to the
        number of clips."""
        known = self.description
        assert known.title
        assert known.seconds > 0
        assert known.n_classes > 1
        assert len(known.folds) >= 3
        assert list(known.folds) == sorted(set(known.folds))
        assert known.folds[0] >= 1
        assert known.channels
        if known.holdout:
            assert known.folds == (TEST, VALIDATION, TRAIN)
        counts = official_counts(known)
        assert [len(row) for row in counts] == [known.n_classes] * len(known.folds)
        assert sum(map(sum, counts)) == known.n_clips
        by_class = list(map(sum, zip(*counts, strict=True)))
        if known.class_counts:
            assert [clips for _, clips in known.class_counts] == by_class
        else:
            assert len(set(by_class)) == 1, "classes of different sizes are named in class_counts"
        options_of(known)()

    def test_its_source_can_be_fetched(self) -> None:
        """It is downloaded by https into its own folder, with a checksum, if any, that names its algorithm."""
        if (source := self.description.source) is not None:
            assert source.url.startswith("https://")
            assert source.checksum is None or re.fullmatch(r"(md5|sha1|sha256|sha512):[0-9a-f]+", source.checksum)
            assert source.max_bytes > 0
            for name in (*source.folders, source.archive):
                assert Path(name).name == name

    def test_its_reader_agrees_with_its_description(self, inventory: Inventory) -> None:
        """The inventory has the classes and folds of the description, and every clip a label, recording and file."""
        known = self.description
        assert inventory.dataset is known
        assert inventory.source.is_file()
        assert inventory.absent == ()
        assert len(set(inventory.classes)) == len(inventory.classes) == known.n_classes
        assert {entry.fold for entry in inventory.entries} == set(known.folds)
        assert {entry.label for entry in inventory.entries} == set(range(known.n_classes))
        assert len({entry.clip_id for entry in inventory.entries}) == len(inventory.entries)
        assert all(entry.recording and entry.origin for entry in inventory.entries)
        assert inventory.present() == inventory.entries
        assert all(entry.path.is_relative_to(inventory.folder) for entry in inventory.entries)
        assert {name for name, _ in known.class_counts} <= set(inventory.classes)

    def test_recordings_that_cross_folds_are_known(self, inventory: Inventory) -> None:
        """No recording is in two folds, except those that the description names."""
        folds: dict[str, set[int]] = {}
        for entry in inventory.entries:
            folds.setdefault(entry.recording, set()).add(entry.fold)
        assert {recording for recording, found in folds.items() if len(found) > 1} <= set(self.description.known_leaks)

    def test_its_clips_are_loaded_and_checked(self, inventory: Inventory, tmp_path: Path) -> None:
        """A study gets a row for each clip, in a fixed order; a check decodes every file."""
        known, table = self.description, {self.dataset: self.options} if self.options else {}
        data: dict[str, object] = {"dataset": self.dataset, **table}
        with pytest.MonkeyPatch.context() as patch:
            if known.holdout:
                # No part of it can be left out, so its release is taken to be the copy.
                _assert_sentence(_refusal(load_clips, DataSection.model_validate(data), tmp_path), inventory.folder)
                patch.setitem(DATASETS._items, self.dataset, _as_small_as(known, inventory))
            else:
                data["folds"] = known.folds
            clips = load_clips(DataSection.model_validate(data), tmp_path)
        assert len(clips) == len(inventory.entries)
        assert clips.folds == self.description.folds
        assert clips.classes == inventory.classes
        report = check_dataset(self.dataset, tmp_path, options=self.section)
        assert report.checked == len(inventory.entries)
        # A small copy lacks clips; there must be no other finding.
        assert {finding.kind for finding in report.errors} <= {Kind.COUNT}

    def test_what_is_not_there_is_one_error(self, tmp_path: Path) -> None:
        """A root without the data set, and one without its metadata, are a DataError that says where and what to do."""
        _assert_sentence(_refusal(self._read, tmp_path), tmp_path)
        self.make(tmp_path)
        source = self._read(tmp_path).source
        source.unlink()
        _assert_sentence(_refusal(self._read, tmp_path), source)

    def test_garbled_metadata_is_one_error(self, inventory: Inventory, tmp_path: Path) -> None:
        """Metadata of which a value, a line or the form is wrong is a DataError that says where and what to do, or,
        where the value does not matter, an inventory of as many clips."""
        source, content = inventory.source, inventory.source.read_bytes()
        without_rows = [content[: content.index(b"\n") + 1]] if self.header else []
        for broken in (b"", b"\x00\xff\xfe" + content, *without_rows):
            source.write_bytes(broken)
            _assert_sentence(_refusal(self._read, tmp_path), source)
        lines = list(csv.reader(io.StringIO(content.decode(), newline="")))
        header, rows = lines[: self.header], lines[self.header :]
        for column in range(len(lines[0])):
            for garbage in _GARBAGE:
                changed = [list(row) for row in rows]
                changed[0][column] = garbage
                with io.StringIO(newline="") as text:
                    csv.writer(text).writerows([*header, *changed])
                    source.write_text(text.getvalue(), encoding="utf-8")
                try:
                    assert len(self._read(tmp_path).entries) in (len(rows), len(inventory.entries))
                except DataError as error:
                    _assert_sentence(str(error), source)


def _as_small_as(known: Dataset, inventory: Inventory) -> Dataset:
    """Return the description of a release with the clips of ``inventory``."""
    counts = inventory.counts()
    by_class = tuple(zip(inventory.classes, map(sum, zip(*counts, strict=True)), strict=True))
    return replace(known, n_clips=len(inventory.entries), fold_counts=counts, class_counts=by_class)


def _refusal(read: Callable[..., object], *arguments: object) -> str:
    with pytest.raises(DataError) as raised:
        read(*arguments)
    return str(raised.value)


def _assert_sentence(message: str, place: Path) -> None:
    assert str(place) in message
    assert "; " in message, f"the message says what is wrong, but not what to do: {message}"
