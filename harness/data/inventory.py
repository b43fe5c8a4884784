"""Inventory: the clips that a data set's metadata names, and the numbers of the official release.

No heavy library is imported here, so that the modules of :mod:`harness.data.datasets` import quickly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.data.metadata import Row
from harness.errors import DataError
from harness.registry import Dataset

Counts = tuple[tuple[int, ...], ...]
"""Number of clips by fold and class: one tuple per fold, in the order of the data set's folds, with one number per
class."""


@dataclass(frozen=True)
class ClipEntry:
    """One clip as its metadata names it; the audio has not been read yet.

    ``origin`` says where it is named, for messages. ``promised`` is the length in seconds the metadata gives, or None.
    """

    clip_id: str
    path: Path
    label: int
    fold: int
    recording: str
    origin: str
    promised: float | None = None


@dataclass(frozen=True)
class Inventory:
    """What the metadata of one data set names.

    Attributes
    ----------
    dataset
        The data set.
    folder, source
        Its folder, and the metadata file within.
    classes
        Class names; the position is the label.
    entries
        The clips, in the file's order.
    absent
        Names of original classes without a named clip.
    expected
        Clips of each fold and class in the official release: what the description says, unless given.
    layout
        How the files are arranged where that is not the authors' way, in words.
    """

    dataset: Dataset
    folder: Path
    source: Path
    classes: tuple[str, ...]
    entries: tuple[ClipEntry, ...]
    absent: tuple[str, ...] = ()
    expected: Counts = ()
    layout: str = ""

    def __post_init__(self) -> None:
        validate_entries(self.entries, len(self.classes))
        if not self.expected:
            object.__setattr__(self, "expected", official_counts(self.dataset))

    def counts(self, entries: Sequence[ClipEntry] | None = None) -> Counts:
        """Return the clips of each official fold and class; of ``entries`` if given."""
        found = Counter((entry.fold, entry.label) for entry in (self.entries if entries is None else entries))
        return tuple(tuple(found[fold, label] for label in range(len(self.classes))) for fold in self.dataset.folds)

    def present(self) -> tuple[ClipEntry, ...]:
        """Return the entries whose file exists."""
        listed = {folder: _names(folder) for folder in {entry.path.parent for entry in self.entries}}
        return tuple(entry for entry in self.entries if entry.path.name in listed[entry.path.parent])


def official_counts(dataset: Dataset) -> Counts:
    """Return the clips of each fold and class in the official release; zeros where the study decides."""
    n_folds, n_classes = len(dataset.folds), dataset.n_classes
    return dataset.fold_counts or ((dataset.n_clips // (n_folds * n_classes),) * n_classes,) * n_folds


def validate_entries(entries: Sequence[ClipEntry], n_classes: int) -> None:
    """Check that there are clips, that their ids differ, and that labels and folds are possible.

    Raises
    ------
    DataError
        At the first invalid entry, with where it is named.
    """
    if not entries:
        raise DataError("no clips left; check the metadata file and data.folds")
    seen: dict[str, str] = {}
    for entry in entries:
        if entry.clip_id in seen:
            raise DataError(
                f"{entry.origin}: clip {entry.clip_id!r} is already listed in {seen[entry.clip_id]}; remove one of the "
                "two rows"
            )
        seen[entry.clip_id] = entry.origin
        if not 0 <= entry.label < n_classes:
            raise DataError(f"{entry.origin}: received label {entry.label}, expected 0 to {n_classes - 1}")
        if entry.fold < 1:
            raise DataError(f"{entry.origin}: received fold {entry.fold}, expected 1 or more")
        if not entry.recording:
            raise DataError(
                f"{entry.origin}: the source recording is empty; it is needed to keep all clips of a recording together"
            )


def folder_names(dataset: Dataset) -> tuple[str, ...]:
    """Return the names that the folder of a data set may have below the data root, the usual one first."""
    return dataset.source.folders if dataset.source else tuple(dict.fromkeys((dataset.name, dataset.title)))


def dataset_folder(dataset: Dataset, root: Path) -> Path:
    """Return the folder of a data set below ``root``.

    Raises
    ------
    DataError
        When there is none under any of its names.
    """
    names = folder_names(dataset)
    for name in names:
        if (root / name).is_dir():
            return root / name
    fetch = f"run `harness data fetch {dataset.name}`, or " if dataset.source else ""
    obtain = f"{dataset.obtain}; " if dataset.obtain else ""
    raise DataError(
        f"{root}: has no folder {' or '.join(names)}; {obtain}{fetch}name the folder that holds it with --data-root or "
        "HARNESS_DATA"
    )


def class_names(rows: Sequence[Row], number: str, name: str) -> dict[int, str]:
    """Return the class name of every class number that ``rows`` use; numbers and names must correspond one to one.

    ``number`` and ``name`` are the fields that hold them.

    Raises
    ------
    DataError
        At the first row whose number and name contradict an earlier row.
    """
    names: dict[int, str] = {}
    numbers: dict[str, int] = {}
    for row in rows:
        value, label = getattr(row, name), getattr(row, number)
        if names.setdefault(label, value) != value:
            row.fail(name, f"{names[label]!r}, as in earlier rows with {row.column(number)} = {label}")
        if numbers.setdefault(value, label) != label:
            row.fail(number, f"{numbers[value]}, as in earlier rows with {row.column(name)} = {value!r}")
    return names


def _names(folder: Path) -> frozenset[str]:
    # Listing a folder once is faster than checking each of thousands of files.
    return frozenset(file.name for file in folder.iterdir()) if folder.is_dir() else frozenset()
