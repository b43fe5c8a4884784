"""Checking data of one's own: what is reported of good files and of each kind of bad input, one sentence each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from harness.cli import cli
from harness.data.dataset_check import CheckReport, check_table
from harness.data.datasets.csv_file import Columns
from harness.errors import DataError
from tests.data.conftest import write_table, write_wav

Row = dict[str, object]
CLASSES = ("Café, alt", "kettle", "tap")


def _rows(folds: tuple[object, ...] = (1, 2, 3)) -> list[Row]:
    return [
        {"file": f"audio/{fold}-{k}{take}.wav", "label": label, "fold": fold, "recording": f"r{fold}{k}"}
        for fold in folds
        for k, label in enumerate(CLASSES)
        for take in "ab"
    ]


def _write(folder: Path, rows: list[Row], name: str = "clips.csv") -> Path:
    """Write ``rows`` and a WAV file of its own for each."""
    for number, row in enumerate(rows):
        file = str(row.get("file", ""))
        if file.startswith("audio/"):
            write_wav(folder / file, seconds=0.02 + 0.001 * number, level=1000 + number)
    write_table(folder / name, tuple(rows[0]), rows)
    return folder / name


def _check(file: Path, **options: object) -> CheckReport:
    return check_table(file, file.parent / "nowhere", **options)  # type: ignore[arg-type]


def _kinds(report: CheckReport) -> list[str]:
    return [f"{finding.severity} {finding.kind}" for finding in report.findings]


def _run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli, ["data", "check", *arguments])
    return result.exit_code, " ".join(result.output.split())


def test_good_data_have_no_finding(tmp_path: Path) -> None:
    report = _check(_write(tmp_path, _rows()))
    assert report.findings == ()
    assert report.checked == 18
    assert report.counts.to_dict("list") == {name: [2, 2, 2] for name in CLASSES}


def test_the_command_prints_classes_and_folds(tmp_path: Path) -> None:
    code, said = _run(str(_write(tmp_path, _rows())), "--data-root", str(tmp_path))
    assert code == 0
    assert "class fold 1 fold 2 fold 3 all" in said
    assert "Café, alt 2 2 2 6" in said
    assert "clips.csv: 18 files decoded" in said
    assert "0 errors, 0 warnings" in said


def test_a_hold_out_is_counted_by_part(tmp_path: Path) -> None:
    code, said = _run(str(_write(tmp_path, _rows(("train", "validation", "test")))), "--data-root", str(tmp_path))
    assert code == 0
    assert "class test validation train all" in said


def test_columns_can_be_named(tmp_path: Path) -> None:
    renamed = {"file": "path", "label": "class", "fold": "split", "recording": "tape"}
    rows = [{renamed[key]: value for key, value in row.items()} for row in _rows()]
    for row in rows:
        write_wav(tmp_path / str(row["path"]), level=1000 + len(str(row)))
    write_table(tmp_path / "clips.csv", tuple(rows[0]), rows)
    file, root = str(tmp_path / "clips.csv"), ("--data-root", str(tmp_path))
    code, said = _run(file, *root, "--columns", "file=path,label=class,fold=split,recording=tape")
    assert code == 0, said
    code, said = _run(file, *root)
    assert code == 2
    assert "has no column 'file'" in said
    code, said = _run(file, *root, "--columns", "file=path,label=Klasse,fold=split")
    assert code == 2
    assert "has no column 'Klasse'" in said


@pytest.mark.parametrize("columns", ["path", "paths=path", "file=path,,label=class", "file"])
def test_faulty_columns_are_refused(tmp_path: Path, columns: str) -> None:
    code, said = _run(str(_write(tmp_path, _rows())), "--data-root", str(tmp_path), "--columns", columns)
    assert code != 0
    assert "expected names of columns for file, label, fold, recording, as in" in said


def test_columns_are_for_files_alone(tmp_path: Path) -> None:
    code, said = _run("esc10", "--columns", "file=path", "--data-root", str(tmp_path))
    assert code != 0
    assert "esc10 has columns of its own" in said
    code, said = _run("csv", "--data-root", str(tmp_path))
    assert code == 2
    assert "name the file of your own data instead, such as FILE.csv" in said


def test_audio_below_the_data_root_is_found(tmp_path: Path) -> None:
    file = _write(tmp_path / "root", _rows())
    moved = tmp_path / "tables" / "clips.csv"
    moved.parent.mkdir()
    file.rename(moved)
    assert check_table(moved, tmp_path / "root").findings == ()


def test_each_fault_of_a_file_is_found(tmp_path: Path) -> None:
    rows = _rows()
    file = _write(tmp_path, rows)
    paths = [tmp_path / str(row["file"]) for row in rows]
    paths[0].unlink()
    paths[1].write_bytes(b"no audio at all")
    write_wav(paths[2], level=0)
    paths[3].write_bytes(paths[3].read_bytes()[:60])
    write_wav(paths[4], seconds=0.0)
    soundfile.write(paths[5], np.full(800, np.nan, dtype=np.float32), 8000, subtype="FLOAT")
    (tmp_path / "audio" / "extra.wav").write_bytes(paths[6].read_bytes())
    report = _check(file)
    assert sorted(_kinds(report)) == [
        "error missing",
        "error non-finite",
        "error truncated",
        "error undecodable",
        "error zero-length",
        "warning silent",
        "warning unlisted",
    ]
    assert report.checked == 17
    assert all(finding.remedy for finding in report.findings)


def test_doubles_are_found_with_their_folds_and_labels(tmp_path: Path) -> None:
    rows = _rows()
    file = _write(tmp_path, rows)
    paths = [tmp_path / str(row["file"]) for row in rows]
    paths[1].write_bytes(paths[0].read_bytes())
    paths[14].write_bytes(paths[4].read_bytes())
    paths[8].write_bytes(paths[6].read_bytes())
    report = _check(file)
    assert _kinds(report) == ["warning double"] * 3
    assert [finding.what for finding in report.findings] == [
        f"has the bytes of {paths[1]}",
        f"has the bytes of {paths[14]}, in fold 1, fold 3, with the labels kettle, tap",
        f"has the bytes of {paths[8]}, with the labels Café, alt, kettle",
    ]


def test_recordings_that_cross_folds_are_found(tmp_path: Path) -> None:
    rows = _rows()
    rows[0]["recording"] = rows[17]["recording"]
    report = _check(_write(tmp_path, rows))
    assert _kinds(report) == ["warning leak"]
    assert "1 recordings have clips in more than one fold (r32 in fold 1, fold 3)" in report.findings[0].what


def test_without_recordings_leaks_cannot_be_counted(tmp_path: Path) -> None:
    rows = [{key: value for key, value in row.items() if key != "recording"} for row in _rows()]
    report = _check(_write(tmp_path, rows))
    assert _kinds(report) == ["warning leak"]
    assert "no column of recordings" in str(report.findings[0])


def test_a_class_that_a_fold_lacks_is_found(tmp_path: Path) -> None:
    rows = [row for row in _rows() if (row["fold"], row["label"]) != (2, "tap")]
    report = _check(_write(tmp_path, rows))
    assert _kinds(report) == ["warning count"]
    assert "fold 2 has no clip of 1 classes (tap)" in report.findings[0].what


def test_unequal_lengths_rates_channels_and_formats_are_no_faults(tmp_path: Path) -> None:
    rows = _rows()
    for row, suffix in zip(rows, (".wav", ".flac", ".ogg") * 6, strict=True):
        row["file"] = str(row["file"]).replace(".wav", suffix)
    (tmp_path / "audio").mkdir()
    for number, row in enumerate(rows):
        samples = 0.1 * np.random.default_rng(number).standard_normal((2000 + 300 * number, 1 + number % 2))
        soundfile.write(tmp_path / str(row["file"]), samples, (8000, 22050, 44100)[number // 6])
    write_table(tmp_path / "clips.csv", tuple(rows[0]), rows)
    assert _check(tmp_path / "clips.csv").findings == ()


@pytest.mark.parametrize("n", [1, 100, 1000])
def test_any_number_of_classes_up_to_a_thousand(tmp_path: Path, n: int) -> None:
    rows: list[Row] = [{"file": f"{k}.wav", "label": f"Straße, {k % n}", "fold": 1 + k // n} for k in range(2 * n)]
    write_table(tmp_path / "clips.csv", tuple(rows[0]), rows)
    write_wav(tmp_path / "0.wav")
    report = _check(tmp_path / "clips.csv")
    assert report.counts.shape == (2, n)
    assert report.checked == 1
    code, said = _run(str(tmp_path / "clips.csv"), "--data-root", str(tmp_path), "--folds", "1")
    assert code == (0 if n == 1 else 2)
    assert ("960 more" in said) == (n == 1000)


def _with(column: str, value: object, row: int = 4) -> Callable[[list[Row]], list[Row]]:
    return lambda rows: [{**each, column: value} if number == row else each for number, each in enumerate(rows)]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_with("fold", 0), "row 6, column 'fold': received '0', expected a whole number from 1"),
        (_with("fold", -1), "column 'fold': received '-1'"),
        (_with("fold", 1.5), "column 'fold': received '1.5'"),
        (_with("fold", "two"), "column 'fold': received 'two'"),
        (_with("fold", "test"), "holds both words (test) and numbers"),
        (_with("file", "/etc/passwd.wav"), "expected a relative path"),
        (_with("file", "../audio/1-0a.wav"), "expected a relative path"),
        (_with("file", "C:\\audio\\1-0a.wav"), "expected a relative path"),
        (_with("file", "audio/1-0a.wav"), "clip 'audio/1-0a' is already listed in"),
        (_with("label", ""), "row 6, column 'label': received ''"),
        (_with("recording", ""), "row 6, column 'recording': received ''"),
        (lambda rows: [*rows, rows[0]], "clip 'audio/1-0a' is already listed in"),
        (lambda rows: [{**row, "fold": 1} for row in rows], "has one fold, 1"),
        (lambda rows: [{**row, "fold": "train"} for row in rows], "a hold-out data set needs train and test"),
        (lambda rows: [{"file": row["file"], "fold": row["fold"]} for row in rows], "has no column 'label'"),
    ],
)
def test_a_faulty_table_is_one_sentence(tmp_path: Path, change: Callable[[list[Row]], list[Row]], said: str) -> None:
    file = _write(tmp_path, change(_rows()))
    report = _check(file)
    assert _kinds(report) == ["error metadata"]
    assert said in report.findings[0].what
    assert str(file) in report.findings[0].what
    code, printed = _run(str(file), "--data-root", str(tmp_path))
    assert code == 2
    assert "Traceback" not in printed


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    code, said = _run(str(tmp_path / "none.csv"), "--data-root", str(tmp_path))
    assert code == 2
    assert "none.csv" in said
    assert "there is no such file" in said


def test_folds_that_the_file_lacks_are_refused(tmp_path: Path) -> None:
    file = _write(tmp_path, _rows())
    assert _check(file, folds=(1, 2)).checked == 12
    with pytest.raises(DataError, match="has no fold 7; it has 1, 2, 3"):
        _check(file, folds=(7,))
    assert _check(file, columns=Columns(recording="label")).findings[0].what.startswith("3 recordings have clips")


def test_listing_data_sets_shows_how_own_data_are_checked(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["data", "list", "--data-root", str(tmp_path)])
    assert result.exit_code == 0
    assert "your own: harness data check FILE.csv" in " ".join(result.output.split())
