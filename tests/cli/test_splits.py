"""harness splits check: what is counted for split files and rules, exit codes, files, and bad input."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pytest
import soundfile
from click.testing import CliRunner

from harness.cli import cli
from tests.duplicates.conftest import RATE, noise

CLASSES = ("dog", "rain")


def _run(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(cli, ["splits", "check", *map(str, arguments)])
    return result.exit_code, " ".join(result.output.split())


def _write(path: Path, header: str, rows: list[tuple[object, ...]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header.split(","), *rows])
    return path


@pytest.fixture
def metadata(tmp_path: Path) -> Path:
    """Return metadata of 12 clips: 2 classes in 3 folds, and two takes of each of 6 recordings."""
    rows = [
        (f"{label}{fold}{take}.wav", label, fold, f"{label}-{fold}")
        for fold in (1, 2, 3)
        for label in CLASSES
        for take in "ab"
    ]
    return _write(tmp_path / "clips.csv", "file,label,fold,recording", rows)


def _parts(folder: Path, train: list[str], test: list[str], validation: list[str] = []) -> Path:  # noqa: B006
    rows = [(clip, part) for part, clips in (("train", train), ("val", validation), ("test", test)) for clip in clips]
    return _write(folder / "split.csv", "clip,part", rows)


OF_FOLD = {fold: [f"{label}{fold}{take}" for label in CLASSES for take in "ab"] for fold in (1, 2, 3)}


def test_folds_that_keep_recordings_together_are_clean(metadata: Path) -> None:
    code, said = _run("--metadata", metadata, "--split", "official")
    assert code == 0
    assert "no leak found in 3 splits with 12 test items; audio was not compared" in said


def test_a_recording_in_two_parts_is_a_leak(metadata: Path, tmp_path: Path) -> None:
    split = _parts(tmp_path, ["dog1a", "rain1a", "rain1b"], ["dog1b", *OF_FOLD[2]], OF_FOLD[3])
    code, said = _run("--metadata", metadata, "--split", split, "--json", tmp_path / "out.json")
    assert code == 1
    assert "LEAK: of 5 test items 20.0 % share a recording (1)" in said
    assert "recordings in test and other parts: dog-1" in said
    document = json.loads((tmp_path / "out.json").read_text())
    assert document["leak"] is True
    assert document["splits"][0]["recordings"] == ["dog-1"]
    assert document["splits"][0]["n_test_sharing_recording"] == 1
    assert document["splits"][0]["n_test_sharing_clip"] == 0
    assert document["splits"][0]["n_test_sharing_audio"] is None
    assert document["items_by_class"][0] == {"fold": 1, "part": "train", "items": {"dog": 1, "rain": 2}}


def test_folds_that_are_not_disjoint_are_a_leak(metadata: Path, tmp_path: Path) -> None:
    rows = [(clip, fold) for fold, clips in OF_FOLD.items() for clip in clips]
    code, said = _run("--metadata", metadata, "--split", _write(tmp_path / "f.csv", "clip,fold", rows))
    assert code == 0, said
    twice = _write(tmp_path / "f.csv", "clip,fold", [*rows, ("dog1a", 2)])
    code, said = _run("--metadata", metadata, "--split", twice)
    assert code == 1
    assert "share a clip (2)" in said


def test_each_fold_may_have_parts_of_its_own(metadata: Path, tmp_path: Path) -> None:
    rows = [
        (f"{clip}.wav", tested, "test" if fold == tested else "train")
        for tested in (1, 2)
        for fold, clips in OF_FOLD.items()
        for clip in clips
    ]
    code, said = _run("--metadata", metadata, "--split", _write(tmp_path / "f.csv", "clip,fold,part", rows))
    assert code == 0
    assert "no leak found in 2 splits with 8 test items" in said


def test_a_leak_between_training_and_validation_alone_is_one(metadata: Path, tmp_path: Path) -> None:
    split = _parts(tmp_path, ["dog1a", "rain1a", "rain1b"], OF_FOLD[2], ["dog1b"])
    code, said = _run("--metadata", metadata, "--split", split)
    assert code == 1
    assert "none shares anything, but validation items do" in said


def test_what_is_not_balanced_or_used_is_a_warning(metadata: Path, tmp_path: Path) -> None:
    split = _parts(tmp_path, [clip for clip in OF_FOLD[1] if clip.startswith("dog")], OF_FOLD[2])
    code, said = _run("--metadata", metadata, "--split", split)
    assert code == 0
    assert "warning: fold 1: the train part has no item of class rain" in said
    assert "warning: 6 clips are in no part (rain1a, rain1b, dog3a, ...)" in said


def test_without_recordings_it_says_so(metadata: Path) -> None:
    text = metadata.read_text().replace("recording", "source")
    metadata.write_text(text)
    code, said = _run("--metadata", metadata, "--split", "official")
    assert code == 0
    assert "not known" in said
    assert "recordings are not known" in said
    assert _run("--metadata", metadata, "--split", "official", "--columns", "recording=source")[0] == 0


def test_metadata_of_a_known_data_set_need_no_names_of_columns(tmp_path: Path) -> None:
    rows = [(f"{fold}-{take}.wav", fold, 0, "dog", False, f"r{fold % 2}", take) for fold in (1, 2, 3) for take in "AB"]
    esc = _write(tmp_path / "esc50.csv", "filename,fold,target,category,esc10,src_file,take", rows)
    code, said = _run("--metadata", esc, "--split", "official")
    assert code == 1
    assert "recordings in test and other parts: r1" in said
    urban = [(f"{fold}-{take}.wav", fold, 0, 4, 1, fold, 3, "dog_bark") for fold in (1, 2, 3) for take in "AB"]
    table = _write(tmp_path / "us8k.csv", "slice_file_name,fsID,start,end,salience,fold,classID,class", urban)
    code, said = _run("--metadata", table, "--split", "official")
    assert code == 0, said


def test_a_column_that_is_not_found_can_be_named(tmp_path: Path) -> None:
    table = _write(tmp_path / "own.csv", "path,label,fold", [("a.wav", "dog", 1), ("b.wav", "dog", 2)])
    code, said = _run("--metadata", table, "--split", "official")
    assert code == 2
    assert "has no column 'file'; received path, label, fold; name the column of audio files with --columns" in said
    assert "file=HEADING" in said


def test_audio_in_two_parts_is_a_leak_that_no_column_shows(metadata: Path, tmp_path: Path) -> None:
    audio = tmp_path / "audio" / "below"
    audio.mkdir(parents=True)
    for number, name in enumerate(clip for clips in OF_FOLD.values() for clip in clips):
        soundfile.write(audio / f"{name}.wav", noise(number, 1.0), RATE)
    code, said = _run("--metadata", metadata, "--split", "official", "--audio", tmp_path / "audio")
    assert code == 0
    assert "no leak found in 3 splits with 12 test items" in said
    assert "not compared" not in said
    soundfile.write(audio / "rain3a.wav", -0.3 * noise(0, 1.0)[2000:], RATE)  # of dog1a
    latex = tmp_path / "table.tex"
    code, said = _run("--metadata", metadata, "--split", "official", "--audio", tmp_path / "audio", "--latex", latex)
    assert code == 1
    assert "LEAK: of 12 test items 16.7 % share audio (2)" in said
    assert r"1 (25.0 \%)" in latex.read_text()
    (audio / "rain3a.wav").unlink()
    code, said = _run("--metadata", metadata, "--split", "official", "--audio", tmp_path / "audio")
    assert code == 2
    assert "rain3a.wav: there is no such file" in said


@pytest.mark.parametrize(
    ("header", "rows", "message"),
    [
        ("clip,part", [("dog1a", "train"), ("cat", "test")], "received 'cat', expected a clip of clips.csv"),
        ("clip,part", [("dog1a", "train")], "has no clips of the part 'test'"),
        ("clip,part", [("dog1a", "1"), ("dog2a", "2")], "train, validation or test; numbers belong into"),
        ("clip,fold", [("dog1a", 1), ("dog2a", 1)], "column 'fold' has one fold, 1"),
        ("clip,fold", [("dog1a", "x")], "received 'x', expected a whole number"),
        ("clip,set", [("dog1a", 1)], "has no column 'fold'"),
        ("name,fold", [("dog1a", 1)], "has no column 'clip'"),
        ("clip,fold", [], "has a header but no clips"),
    ],
)
def test_a_faulty_split_file_is_refused(
    metadata: Path, tmp_path: Path, header: str, rows: list[tuple[object, ...]], message: str
) -> None:
    code, said = _run("--metadata", metadata, "--split", _write(tmp_path / "bad.csv", header, rows))
    assert code == 2
    assert message in said


def test_other_bad_input_is_refused(metadata: Path, tmp_path: Path) -> None:
    for arguments, message in (
        (("--metadata", tmp_path / "none.csv", "--split", "official"), "none.csv: cannot be read"),
        (("--metadata", metadata, "--split", "offical"), "is neither a file nor a split rule; rules: csv, "),
        (("--metadata", metadata, "--split", "random-segment"), "deals segments of clips"),
        (("--metadata", metadata, "--split", "official", "--columns", "fold=part"), "has no column of folds"),
    ):
        code, said = _run(*arguments)
        assert code == 2
        assert message in said
    twice = metadata.read_text() + "dog1a.ogg,dog,2,x\n"
    metadata.write_text(twice)
    assert "clip 'dog1a' is already listed" in _run("--metadata", metadata, "--split", "official")[1]


def test_every_tenth_row_of_urbansound8k_leaks_as_published_code_deals_it(tmp_path: Path) -> None:
    """macls / AudioClassification-Pytorch tests every tenth row of the metadata."""
    place = os.environ.get("HARNESS_URBANSOUND8K_CSV", "")
    if not place:
        pytest.skip("HARNESS_URBANSOUND8K_CSV names no metadata file of UrbanSound8K")
    with Path(place).open() as file:
        names = [row["slice_file_name"] for row in csv.DictReader(file)]
    rows = [(name, "test" if number % 10 == 0 else "train") for number, name in enumerate(names)]
    split = _write(tmp_path / "tenth.csv", "clip,part", rows)
    columns = ("--columns", "file=slice_file_name,label=class,recording=fsID")
    code, said = _run("--metadata", place, "--split", split, *columns)
    assert code == 1
    assert "LEAK: of 874 test items 96.6 % share a recording (844)" in said
    # Five recordings cross the official folds.
    code, said = _run("--metadata", place, "--split", "official", *columns)
    assert code == 1
    assert "106905, 132016, 176638, 180937, 77751" in said
