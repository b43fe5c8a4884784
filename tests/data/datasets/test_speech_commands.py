"""Speech Commands, on small made copies."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.data.dataset_check import check_dataset
from harness.data.findings import Kind
from harness.data.inventory import official_counts
from harness.data.load_clips import read_inventory
from harness.errors import DataError
from harness.registry import DATASETS, TEST, TRAIN, VALIDATION
from tests.data.conftest import write_speech_commands, write_wav


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_speech_commands(tmp_path / "speech_commands_v0.02")
    return tmp_path / "speech_commands_v0.02"


def test_counts_are_those_of_the_release() -> None:
    known = DATASETS.get("speech-commands")
    assert list(map(sum, official_counts(known))) == [11_005, 9_981, 84_843]
    assert known.n_clips == 105_829
    # Some of table 1 of Warden 2018.
    words = dict(known.class_counts)
    assert [words[word] for word in ("backward", "five", "forward", "yes")] == [1664, 4052, 1557, 4044]


def test_lists_hold_out_clips_and_the_rest_trains(folder: Path) -> None:
    inventory = read_inventory("speech-commands", folder.parent)
    assert inventory.counts() == ((2,) * 35,) * 3
    by_id = {entry.clip_id: entry for entry in inventory.entries}
    tested, trained = by_id["bed/00000000_nohash_1"], by_id["bed/00000002_nohash_0"]
    assert (tested.fold, tested.label, tested.recording) == (TEST, 1, "00000000")
    assert (trained.fold, trained.recording, trained.origin) == (TRAIN, "00000002", str(folder / "bed"))
    assert by_id["zero/00000001_nohash_0"].fold == VALIDATION
    assert not any("background" in clip for clip in by_id)


def test_a_listed_clip_that_is_not_there_is_missing(folder: Path) -> None:
    (folder / "cat" / "00000000_nohash_0.wav").unlink()
    report = check_dataset("speech-commands", folder.parent)
    [missing] = [finding for finding in report.findings if finding.kind is Kind.MISSING]
    assert missing.file.name == "00000000_nohash_0.wav"
    assert "testing_list.txt, row 7" in missing.what


def test_files_of_another_kind_are_not_used(folder: Path) -> None:
    write_wav(folder / "cat" / "mine.wav")
    write_wav(folder / "polka" / "00000009_nohash_0.wav")
    assert len(read_inventory("speech-commands", folder.parent).entries) == 210
    report = check_dataset("speech-commands", folder.parent)
    assert [finding.file.name for finding in report.findings if finding.kind is Kind.UNLISTED] == ["cat"]


def test_short_clips_are_not_reported(folder: Path) -> None:
    write_wav(folder / "cat" / "00000000_nohash_0.wav", seconds=0.4)
    assert {finding.kind for finding in check_dataset("speech-commands", folder.parent).findings} == {Kind.COUNT}


def test_a_speaker_in_two_parts_is_an_error(folder: Path) -> None:
    write_wav(folder / "cat" / "00000000_nohash_7.wav")
    report = check_dataset("speech-commands", folder.parent)
    [leak] = [finding for finding in report.errors if finding.kind is Kind.LEAK]
    assert "1 recordings have clips in more than one part (00000000 in test, train)" in leak.what


@pytest.mark.parametrize("line", ["cat/mine.wav", "polka/00000000_nohash_0.wav", "../cat/00000000_nohash_0.wav", "cat"])
def test_faulty_lists_are_refused(folder: Path, line: str) -> None:
    with (folder / "validation_list.txt").open("a") as file:
        file.write(f"{line}\n")
    with pytest.raises(DataError, match=rf"validation_list\.txt, row 71: received '{line}', expected a clip such as"):
        read_inventory("speech-commands", folder.parent)


def test_a_clip_in_both_lists_is_refused(folder: Path) -> None:
    (folder / "validation_list.txt").write_bytes((folder / "testing_list.txt").read_bytes())
    with pytest.raises(DataError, match=r"'backward/00000000_nohash_0' is already listed in .*testing_list"):
        read_inventory("speech-commands", folder.parent)


def test_without_a_list_nothing_is_read(folder: Path) -> None:
    (folder / "validation_list.txt").unlink()
    with pytest.raises(DataError, match=r"validation_list\.txt: cannot be read"):
        read_inventory("speech-commands", folder.parent)
