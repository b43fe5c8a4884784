"""Built-in data sets conform; one that a single file adds is read, checked, split, loaded and named by a study."""

from __future__ import annotations

import importlib
import sys
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from harness.cli import cli
from harness.data.leakage import leakage_report
from harness.data.load_clips import load_clips, read_inventory
from harness.data.splits import make_splits
from harness.registry import DATASETS
from harness.study.study_file import parse_study
from harness.testing.datasets import DatasetConformance
from tests.data.conftest import (
    ESC10,
    ESC_COLUMNS,
    URBANSOUND_COLUMNS,
    write_gtzan,
    write_speech_commands,
    write_table,
    write_wav,
)


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


class TestGtzan(DatasetConformance):
    dataset = "gtzan"
    header = False

    def make(self, root: Path) -> None:
        write_gtzan(root / "gtzan")


class TestSpeechCommands(DatasetConformance):
    dataset = "speech-commands"
    header = False

    def make(self, root: Path) -> None:
        write_speech_commands(root / "speech_commands_v0.02")


def test_every_built_in_data_set_with_a_release_is_tested() -> None:
    tested = {
        kind.dataset for kind in (*DatasetConformance.__subclasses__(), *_Esc.__subclasses__()) if kind is not _Esc
    }
    assert tested >= {known.name for known in DATASETS if known.read.startswith("harness.") and not known.own}


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


def _import_toy(code: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Register the data set of a file outside the package, for as long as ``monkeypatch`` lasts."""
    folder.mkdir(exist_ok=True)
    (folder / "toy_birds.py").write_text(code)
    monkeypatch.syspath_prepend(str(folder))
    DATASETS.names()  # the built-in ones are there before the copy
    DATASETS.names()  # discovers the built-in ones, which would be lost with the copy
    monkeypatch.setattr(DATASETS, "_items", dict(DATASETS._items))
    monkeypatch.delitem(sys.modules, "toy_birds", raising=False)
    importlib.import_module("toy_birds")


@pytest.fixture
def _toy(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    _import_toy(_TOY, tmp_path_factory.mktemp("elsewhere"), monkeypatch)


class _Birds(DatasetConformance):
    dataset = "birds"

    def make(self, root: Path) -> None:
        _birds(root)


@pytest.mark.usefixtures("_toy")
class TestBirds(_Birds):
    pass


@pytest.mark.parametrize(
    ("old", "new", "test"),
    [
        ("row.bird, row.fold", "0, row.fold", "test_its_reader_agrees_with_its_description"),
        ("row.tape,", "'tape',", "test_recordings_that_cross_folds_are_known"),
        ("row.tape,", "row.tape[3],", "test_garbled_metadata_is_one_error"),
        ("dataset_folder(dataset, root)", "Path('birds')", "test_what_is_not_there_is_one_error"),
        ("(1, 2, 3, 4), 24", "(1, 2, 3, 4), 23", "test_its_description_agrees_with_itself"),
        ("(1, 2, 3, 4), 24", "(1, 2), 12", "test_its_description_agrees_with_itself"),
    ],
)
def test_a_faulty_data_set_does_not_conform(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, test: str
) -> None:
    assert old in _TOY
    _import_toy(_TOY.replace(old, new), tmp_path / "elsewhere", monkeypatch)
    run, root = getattr(_Birds(), test), tmp_path / "data"
    root.mkdir()
    given: dict[str, Any] = {"tmp_path": root}
    if "inventory" in signature(run).parameters:
        _birds(root)
        given["inventory"] = read_inventory("birds", root)
    with pytest.raises((AssertionError, IndexError)):
        run(**{name: given[name] for name in signature(run).parameters})


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
    assert "cannot be fetched; copy it to the data root" in " ".join(fetched.output.split())


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
    said = " ".join(result.output.split())
    assert "unknown data set 'birds'; allowed: " in said
    assert "esc10, esc50, esc50-categories" in said
