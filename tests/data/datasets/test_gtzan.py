"""GTZAN with its fault-filtered split, on small made copies."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile

from harness.data.dataset_check import check_dataset
from harness.data.findings import Kind
from harness.data.inventory import official_counts
from harness.data.load_clips import load_clips, read_inventory
from harness.errors import DataError, StudyError
from harness.registry import DATASETS, TEST, TRAIN, VALIDATION
from harness.study import DataSection
from harness.study.study_file import parse_study
from tests.data.conftest import write_gtzan


def test_counts_are_those_of_the_published_lists() -> None:
    counts = dict(zip(DATASETS.get("gtzan").folds, map(sum, official_counts(DATASETS.get("gtzan"))), strict=True))
    assert counts == {TEST: 290, VALIDATION: 197, TRAIN: 443}


def test_lists_become_parts(tmp_path: Path) -> None:
    write_gtzan(tmp_path / "gtzan", clips=2)
    inventory = read_inventory("gtzan", tmp_path)
    assert inventory.counts() == ((2,) * 10,) * 3
    entry = inventory.entries[0]
    assert (entry.clip_id, entry.label, entry.fold, entry.recording) == ("blues.00000", 0, TEST, "blues.00000")
    assert entry.path == tmp_path / "gtzan" / "genres" / "blues" / "blues.00000.wav"
    assert entry.origin.endswith("test_filtered.txt, row 1")


@pytest.mark.parametrize(
    ("folder", "audio", "suffix"),
    [("GTZAN", "genres", ".au"), ("gtzan", "genres_original", ".wav"), ("gtzan/gtzan", "Data/genres_original", ".wav")],
)
def test_copies_in_other_layouts_are_read(tmp_path: Path, folder: str, audio: str, suffix: str) -> None:
    write_gtzan(tmp_path / folder, audio=audio, suffix=suffix)
    if suffix == ".au":
        for file in (tmp_path / folder).rglob("*.au"):
            samples, rate = soundfile.read(file)
            soundfile.write(file, samples, rate, format="AU", subtype="PCM_16")
    inventory = read_inventory("gtzan", tmp_path)
    assert len(inventory.present()) == 30
    report = check_dataset("gtzan", tmp_path)
    assert report.checked == 30
    assert {finding.kind for finding in report.errors} == {Kind.COUNT}


def test_lines_without_folder_or_extension_are_read(tmp_path: Path) -> None:
    write_gtzan(tmp_path / "gtzan")
    file = tmp_path / "gtzan" / "train_filtered.txt"
    file.write_text("\n".join(Path(line).stem for line in file.read_text().split()) + "\n\n")
    assert len(read_inventory("gtzan", tmp_path).present()) == 30


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("polka/polka.00001.wav", "row 11: received 'polka/polka.00001.wav', expected a clip such as"),
        ("../blues/blues.00001.wav", "expected a clip such as"),
        ("/blues/blues.00001.wav", "expected a clip such as"),
        ("blues/blues.00000.wav", "clip 'blues.00000' is already listed in"),
    ],
)
def test_faulty_lists_are_refused(tmp_path: Path, line: str, said: str) -> None:
    write_gtzan(tmp_path / "gtzan")
    with (tmp_path / "gtzan" / "train_filtered.txt").open("a") as file:
        file.write(f"{line}\n")
    with pytest.raises(DataError) as raised:
        read_inventory("gtzan", tmp_path)
    assert said in str(raised.value)


def test_what_is_missing_says_where_it_can_be_had(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no folder gtzan or GTZAN; .* copies of it are published"):
        read_inventory("gtzan", tmp_path)
    write_gtzan(tmp_path / "gtzan")
    (tmp_path / "gtzan" / "test_filtered.txt").unlink()
    with pytest.raises(DataError, match=r"test_filtered\.txt: cannot be read .*/music_dataset_split into this folder"):
        read_inventory("gtzan", tmp_path)


def test_an_incomplete_copy_names_its_parts(tmp_path: Path) -> None:
    write_gtzan(tmp_path / "gtzan")
    with pytest.raises(DataError) as raised:
        load_clips(DataSection(dataset="gtzan"), tmp_path)
    assert "Complete parts: none; incomplete: test has 10 of 290, validation has 10 of 197, train has" in str(
        raised.value
    )
    assert "A study needs all parts, so none can be left out" in str(raised.value)


def test_no_folds_can_be_named() -> None:
    study = {
        "study": {"name": "genres"},
        "data": {"dataset": "gtzan", "folds": [1, 3]},
        "arms": [{"name": "a", "model": "resnet18", "features": "image:mel"}],
    }
    with pytest.raises(StudyError, match="gtzan has a train and a test part, so no folds can be named"):
        parse_study(study, "genres.toml")
