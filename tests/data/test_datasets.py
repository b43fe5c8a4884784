"""Built-in data sets conform; one that a single file adds is read, checked, split, loaded and named by a study."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli import cli
from harness.data import leakage_report, load_clips, make_splits
from harness.registry import DATASETS
from harness.study.load import parse_study
from harness.testing.datasets import DatasetConformance
from tests.data.conftest import ESC10, ESC_COLUMNS, URBANSOUND_COLUMNS, write_table, write_wav


class _Esc(DatasetConformance):
    targets: tuple[int, ...] = tuple(range(50))

    def make(self, root: Path) -> None:
        rows: list[dict[str, object]] = []
        for fold in range(1, 6):
            for target in self.targets:
                name, source = f"{fold}-{fold * 100 + target}-A-{target}.wav", fold * 100 + target
                values = (name, fold, target, f"class{target}", target in ESC10, source, "A")
                rows.append(dict(zip(ESC_COLUMNS, values, strict=True)))
                write_wav(root / "ESC-50" / "audio" / name)
        write_table(root / "ESC-50" / "meta" / "esc50.csv", ESC_COLUMNS, rows)


class TestEsc10(_Esc):
    dataset = "esc10"
    targets = (*ESC10, 7)


class TestEsc50(_Esc):
    dataset = "esc50"


class TestEsc50Categories(_Esc):
    dataset = "esc50-categories"


class TestUrbanSound8K(DatasetConformance):
    dataset = "urbansound8k"

    def make(self, root: Path) -> None:
        folder, rows = root / "UrbanSound8K", []
        for fold in range(1, 11):
            for label, (name, _) in enumerate(self.description.class_counts):
                file, source = f"{fold}{label}-{label}-0-0.wav", f"{fold}{label}"
                values = (file, source, 1.0, 1.02, 1, fold, label, name)
                rows.append(dict(zip(URBANSOUND_COLUMNS, values, strict=True)))
                write_wav(folder / "audio" / f"fold{fold}" / file)
        write_table(folder / "metadata" / "UrbanSound8K.csv", URBANSOUND_COLUMNS, rows)


class TestSynthetic(DatasetConformance):
    dataset = "synthetic"
    options = {"clips_per_class_and_fold": 1, "seed": 3}  # noqa: RUF012


_TOY = '''
"""Three birds."""

from pathlib import Path
from typing import Annotated

from harness.data.inventory import ClipEntry, Inventory, dataset_folder
from harness.data.metadata import FileName, Identifier, Row, between, read_rows
from harness.registry import Dataset, register
from harness.section import Section


class BirdRow(Row):
    file: FileName
    fold: Annotated[int, between(1, 4)]
    bird: Annotated[int, between(0, 2)]
    tape: Identifier


class BirdOptions(Section):
    table: str = "birds.csv"
    """Name of the table."""


def read(dataset, root, options):
    folder = dataset_folder(dataset, root)
    source = folder / options.table
    entries = [
        ClipEntry(Path(row.file).stem, folder / row.file, row.bird, row.fold, row.tape, row.origin)
        for row in read_rows(source, BirdRow)
    ]
    return Inventory(dataset, folder, source, ("wren", "rook", "kite"), tuple(entries))


register(
    Dataset(
        "birds", "Birds", 3, (1, 2, 3, 4), 24, 0.02, read=f"{__name__}:read", options=f"{__name__}:BirdOptions"
    )
)
'''


def _birds(root: Path) -> None:
    rows: list[dict[str, object]] = []
    for fold in range(1, 5):
        for bird in range(3):
            for take in "ab":
                name, tape = f"{fold}{bird}{take}.wav", f"tape{fold}{bird}"
                rows.append({"file": name, "fold": fold, "bird": bird, "tape": tape})
                write_wav(root / "birds" / name, level=1000 * fold + bird + ord(take))
    write_table(root / "birds" / "birds.csv", ("file", "fold", "bird", "tape"), rows)


@pytest.fixture
def _toy(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Register a data set whose one file is outside the package."""
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "toy_birds.py").write_text(_TOY)
    monkeypatch.syspath_prepend(str(folder))
    DATASETS.names()  # the built-in ones are there before the copy
    monkeypatch.setattr(DATASETS, "_items", dict(DATASETS._items))
    __import__("toy_birds")
    yield
    del sys.modules["toy_birds"]


@pytest.mark.usefixtures("_toy")
class TestBirds(DatasetConformance):
    dataset = "birds"

    def make(self, root: Path) -> None:
        _birds(root)


@pytest.mark.usefixtures("_toy")
def test_a_data_set_of_one_file_is_listed_checked_and_split(tmp_path: Path) -> None:
    root = ["--data-root", str(tmp_path)]
    listed = CliRunner().invoke(cli, ["data", "list", *root])
    assert "birds" in listed.output
    assert CliRunner().invoke(cli, ["data", "check", "birds", *root]).exit_code == 2
    _birds(tmp_path)
    checked = CliRunner().invoke(cli, ["data", "check", "birds", *root])
    assert checked.exit_code == 0, checked.output
    assert "24 files decoded" in checked.output
    assert "birds" in CliRunner().invoke(cli, ["data", "check", "--help"]).output
    fetched = CliRunner().invoke(cli, ["data", "fetch", "birds", *root])
    assert fetched.exit_code == 2
    assert "cannot be fetched; put it below the data root" in " ".join(fetched.output.split())


@pytest.mark.usefixtures("_toy")
def test_a_study_names_a_data_set_of_one_file_and_states_its_options(tmp_path: Path) -> None:
    _birds(tmp_path)
    (tmp_path / "birds" / "birds.csv").rename(tmp_path / "birds" / "other.csv")
    study = {
        "study": {"name": "birds"},
        "data": {"dataset": "birds", "birds": {"table": "other.csv"}},
        "arms": [{"name": "a", "model": "resnet18", "features": "image:mel"}],
    }
    spec = parse_study(study, "birds.toml")
    clips = load_clips(spec.data, tmp_path)
    assert clips.classes == ("wren", "rook", "kite")
    splits = make_splits(clips, spec.protocol.split, spec.test_folds, seed=0)
    assert [split.fold for split in splits] == [1, 2, 3, 4]
    assert all(leakage_report(clips, split, "train").n_test_sharing_recording == 0 for split in splits)
    assert parse_study(spec.model_dump(mode="json", by_alias=True), "record").data == spec.data


def test_an_unknown_data_set_is_a_usage_error_that_names_the_known_ones(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["data", "check", "birds", "--data-root", str(tmp_path)])
    assert result.exit_code == 2
    assert "unknown data set 'birds'; allowed: esc10, esc50" in " ".join(result.output.split())
