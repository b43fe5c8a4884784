"""Checking a data set finds each kind of fault, and none in a set that has none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from harness.data.dataset_check import CheckReport, check_dataset
from harness.data.datasets.synthetic import SyntheticSection, write_synthetic
from harness.errors import DataError
from harness.registry import UnknownNameError

OFF_LENGTH = {
    "1-172649-F-40",
    "1-17808-B-12",
    "4-163264-A-10",
    "4-164661-B-12",
    "4-175945-A-38",
    "5-177957-A-40",
}


def _kinds(report: CheckReport) -> dict[str, list[str]]:
    kinds: dict[str, list[str]] = {}
    for finding in report.findings:
        kinds.setdefault(f"{finding.severity} {finding.kind}", []).append(finding.file.name)
    return kinds


def test_a_whole_synthetic_set_has_no_finding(tmp_path: Path) -> None:
    spec = SyntheticSection(clips_per_class_and_fold=1)
    write_synthetic(tmp_path, spec)
    calls: list[tuple[int, int]] = []
    report = check_dataset("synthetic", tmp_path, options=spec, progress=lambda *done: calls.append(done))
    assert report.findings == ()
    assert report.ok
    assert (report.checked, report.seconds) == (50, 100.0)
    assert calls == [(done, 50) for done in range(1, 51)]
    assert report.counts.equals(report.expected)
    assert report.counts.to_numpy().tolist() == [[1] * 10] * 5


@pytest.mark.slow
def test_the_real_esc10_has_six_clips_of_other_length_and_no_error(esc_root: Path) -> None:
    report = check_dataset("esc10", esc_root)
    assert report.ok
    assert report.checked == 400
    lengths = {finding.file.stem for finding in report.findings if finding.kind == "off-length"}
    assert lengths <= OFF_LENGTH  # the later release of ESC-50 has none
    assert len(report.findings) == len(lengths)
    if (esc_root / "ESC-50" / "audio" / "1-17808-B-12.ogg").exists():
        assert lengths == OFF_LENGTH


@pytest.mark.slow
def test_the_real_urbansound8k_is_sound_where_it_is_there(urbansound_root: Path) -> None:
    report = check_dataset("urbansound8k", urbansound_root, (10,))
    assert report.findings == ()
    assert report.counts.sum(axis=1).to_dict() == {10: 837}
    assert report.checked == 837
    assert 1000 < report.seconds < 837 * 4.05


def test_each_fault_of_a_file_is_found(make_esc: Callable[..., Any], wav: Callable[..., None]) -> None:
    made = make_esc(seconds=5.0)
    paths = [made.audio(clip) for clip in range(10)]
    paths[0].unlink()
    paths[1].write_bytes(b"no audio at all")
    paths[2].write_bytes(paths[2].read_bytes()[:30000])
    wav(paths[3], seconds=0.0)
    soundfile.write(paths[4], np.full(5 * 8000, np.nan, dtype=np.float32), 8000, subtype="FLOAT")
    wav(paths[5], seconds=5.0, level=0)
    wav(paths[6], seconds=5.0, level=2)
    wav(paths[7], seconds=4.9)
    wav(paths[8], seconds=5.0, channels=2)
    wav(paths[9], seconds=5.04)
    report = check_dataset("esc10", made.root)
    assert _kinds(report) == {
        "error count": ["esc50.csv"],
        "error missing": [paths[0].name],
        "error undecodable": [paths[1].name],
        "error truncated": [paths[2].name],
        "error zero-length": [paths[3].name],
        "error non-finite": [paths[4].name],
        "warning silent": [paths[5].name, paths[6].name],
        "warning off-length": [paths[7].name],
        "warning channels": [paths[8].name],
    }
    assert not report.ok
    assert len(report.errors) == 6
    assert report.checked == 399
    assert report.counts.loc[1].tolist() == [7, *[8] * 9]
    for finding in report.findings:
        assert str(finding.file) in str(finding)
        assert finding.remedy
    by_kind = {finding.kind: finding.what for finding in report.findings}
    assert "row 2" in by_kind["missing"]
    assert by_kind["truncated"] == "the header states 80000 bytes of samples, but the file has 29956"
    assert by_kind["off-length"] == "lasts 4.90 s instead of 5 s"


def test_lengths_of_urbansound8k_follow_its_metadata(
    make_urbansound: Callable[..., Path], wav: Callable[..., None]
) -> None:
    root = make_urbansound({1: (1,) * 10}, seconds=0.5)
    folder = root / "UrbanSound8K" / "audio" / "fold1"
    files = sorted(folder.iterdir())
    wav(files[0], seconds=0.65)
    wav(files[1], seconds=0.55)
    wav(files[2], seconds=4.2)
    wav(files[3], seconds=0.5, channels=2)
    wav(folder / "extra.wav")
    (folder / ".DS_Store").write_bytes(b"x")
    report = check_dataset("urbansound8k", root, (1,))
    assert _kinds(report) == {
        "error count": ["UrbanSound8K.csv"],
        "warning off-length": [files[0].name, files[2].name],
        "warning unlisted": ["fold1"],
    }
    said = [finding.what for finding in report.findings]
    assert "fold 1 has 10 clips, the official release has 873" in said[0]
    assert said[1:3] == ["lasts 0.65 s, but the metadata states 0.50 s (end - start)", "lasts 4.20 s, longer than 4 s"]
    assert "1 audio files are not listed in the metadata, the first is extra.wav" in said[3]


def test_folds_limit_what_is_checked(make_esc: Callable[..., Any]) -> None:
    made = make_esc(folds=(1, 2, 3), seconds=5.0)
    assert check_dataset("esc10", made.root, (1, 2, 3)).ok
    report = check_dataset("esc10", made.root, workers=1)
    assert _kinds(report) == {"error count": ["esc50.csv", "esc50.csv"]}
    assert [finding.what[:6] for finding in report.findings] == ["fold 4", "fold 5"]


def test_the_subset_is_not_esc50(make_esc: Callable[..., Any]) -> None:
    made = make_esc(seconds=5.0)
    report = check_dataset("esc50", made.root)
    assert not report.ok
    assert "40 original classes have no clip" in report.errors[-1].what
    assert report.checked == 400


def test_faulty_metadata_is_a_finding_not_a_crash(make_esc: Callable[..., Any], tmp_path: Path) -> None:
    made = make_esc(clips=1)
    made.rows[4]["fold"] = 0
    report = check_dataset("esc10", made.save())
    assert [finding.kind for finding in report.findings] == ["metadata"]
    assert "row 6, column 'fold': received '0'" in report.findings[0].what
    assert [finding.kind for finding in check_dataset("urbansound8k", tmp_path).errors] == ["metadata"]


def test_a_fold_or_data_set_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="esc10 has no fold 6; it has 1, 2, 3, 4, 5"):
        check_dataset("esc10", tmp_path, (6,))
    with pytest.raises(UnknownNameError, match="unknown data set 'esc11'"):
        check_dataset("esc11", tmp_path)


def test_an_interrupt_stops_the_check(make_esc: Callable[..., Any]) -> None:
    made = make_esc()
    calls = []

    def interrupt(done: int, total: int) -> None:
        calls.append((done, total))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check_dataset("esc10", made.root, workers=1, progress=interrupt)
    assert calls == [(1, 400)]
