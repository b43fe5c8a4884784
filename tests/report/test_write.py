"""The whole report: which files, that they are whole, equal when nothing changed, and that the document compiles."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.errors import ReportError
from harness.record import StudyRecord
from harness.report.evidence import Evidence
from harness.report.folder.place import MANIFEST
from harness.report.write import write_report
from harness.training.metrics import PUBLISHED_PRECISION, PUBLISHED_STEP

MakeRecord = Callable[..., StudyRecord]
needs_latex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
NASTY = "A_b & 100 % #1 é"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def written(record: StudyRecord, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the report of the plain record, without its PDF."""
    folder = tmp_path_factory.mktemp("reports") / "plain"
    write_report(record, folder, pdf=False)
    return folder


def test_everything_is_there(written: Path) -> None:
    names = set(contents(written))
    tables = {"accuracy", "folds", "classes", "contrasts", "contrasts-complement", "leakage", "parameters"}
    tables |= {"class-scores", "class-scores-2"}
    arms = ("lmcnet", "mcnet", "mlmc", "tscnn-ds")
    figures = {
        "fold-accuracies",
        "folds-used",
        "contrasts",
        *(f"confusion-{arm}" for arm in arms),
        *(f"curves-{arm}" for arm in arms[:3]),
    }
    assert names == (
        {"README.md", "report.html", "predictions.parquet", "curves.parquet", "results.json", "report.tex"}
        | {".harness-files.json"}
        | {f"tables/{table}.{kind}" for table in tables for kind in ("tex", "csv")}
        | {f"figures/{figure}.{kind}" for figure in figures for kind in ("pdf", "png")}
    )


def test_predictions_are_the_records_own(written: Path, record: StudyRecord) -> None:
    read = pd.read_parquet(written / "predictions.parquet")
    keys = ["arm", "fold", "seed", "clip_id"]
    expected = record.predictions.sort_values(keys).reset_index(drop=True)
    pd.testing.assert_frame_equal(
        read.sort_values(keys).reset_index(drop=True),
        expected,
        check_dtype=False,
        rtol=2.0**-PUBLISHED_PRECISION,
        atol=1.5 * PUBLISHED_STEP,
    )
    assert {str(kind) for kind in read.filter(regex="^p_").dtypes} == {"float32"}
    assert list(read["arm"].unique()) == ["LMCNet", "MCNet", "MLMC", "TSCNN-DS"]


def test_rounding_changes_no_predicted_class(record: StudyRecord, tmp_path: Path) -> None:
    table = record.predictions.copy()
    # In double precision alone is the second class ahead.
    table.loc[table.index[0], [f"p_{label}" for label in range(10)]] = [0.5, np.nextafter(0.5, 1), *[0.0] * 8]
    write_report(dataclasses.replace(record, predictions=table), tmp_path, networks={}, figures=False)
    read = pd.read_parquet(tmp_path / "predictions.parquet").filter(regex="^p_")
    assert {str(kind) for kind in read.dtypes} == {"float32"}
    half = read[read["p_0"] == 0.5]
    assert (half.to_numpy().argmax(axis=1) == 1).any()


def test_csv_has_full_precision(written: Path, record: StudyRecord) -> None:
    table = pd.read_csv(written / "tables" / "folds.csv")
    own = record.predictions.query("arm == 'LMCNet' and fold == 2")
    right = own.filter(regex="^p_").to_numpy().argmax(axis=1) == own["y_true"]
    expected = right.groupby([own["seed"], own["y_true"]]).mean().groupby("seed").mean().mean()
    measured = table.query("arm == 'LMCNet' and fold == 2")["macro_accuracy"].iloc[0]
    assert measured == pytest.approx(expected, abs=1e-14)


@pytest.mark.slow
def test_a_second_writing_gives_equal_bytes(small: StudyRecord, tmp_path: Path) -> None:
    shuffled = dataclasses.replace(small, predictions=small.predictions.sample(frac=1, random_state=11))
    write_report(small, tmp_path / "once", pdf=False)
    write_report(shuffled, tmp_path / "again", pdf=False)
    first, second = contents(tmp_path / "once"), contents(tmp_path / "again")
    assert len(first) > 10
    assert set(first) == set(second)
    assert [name for name in first if first[name] != second[name]] == []


@pytest.mark.slow
def test_what_an_earlier_report_left_goes_and_a_users_file_stays(
    small: StudyRecord, make_record: MakeRecord, tmp_path: Path
) -> None:
    write_report(make_record(n_seeds=1, folds=(1, 2, 3)), tmp_path, networks={}, pdf=False)
    assert (tmp_path / "figures" / "confusion-mlmc.pdf").exists()
    (tmp_path / "tables" / "mine.tex").write_text("mine")
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / "report.pdf").write_bytes(b"of other numbers")
    write_report(small, tmp_path, networks={}, pdf=False)
    assert not (tmp_path / "figures" / "confusion-mlmc.pdf").exists()
    assert not (tmp_path / "report.pdf").exists()
    assert (tmp_path / "README.md").read_text() == "mine"
    assert (tmp_path / "tables" / "mine.tex").read_text() == "mine"
    (tmp_path / "report.pdf").write_bytes(b"of these numbers")
    write_report(small, tmp_path, networks={}, pdf=False)
    assert (tmp_path / "report.pdf").read_bytes() == b"of these numbers"


def test_what_a_dead_process_left_aside_goes_and_that_of_a_living_one_stays(small: StudyRecord, tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    dead = [tmp_path / f".writing-{ended.pid}-abc_1", tmp_path / f".latex-{ended.pid}-xyz"]
    kept = [tmp_path / f".latex-{os.getpid()}-abc", tmp_path / ".writing-paper"]
    for folder in (*dead, *kept):
        folder.mkdir()
    write_report(small, tmp_path, networks={}, figures=False)
    assert sorted(tmp_path.glob(".[wl]*")) == sorted(kept)


def test_an_interruption_leaves_whole_files(
    small: StudyRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_report(small, tmp_path, networks={}, figures=False)
    before = contents(tmp_path)
    other = dataclasses.replace(small, run_id="f" * 32, predictions=small.predictions.query("fold != 3"))
    replace, calls = os.replace, iter(range(4))

    def dies(source: Path, target: Path) -> None:
        if next(calls) == 3:
            raise KeyboardInterrupt
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", dies)
        with pytest.raises(KeyboardInterrupt):
            write_report(other, tmp_path, networks={}, figures=False)
    after = contents(tmp_path)
    assert set(after) == set(before), "nothing half-written stays behind"
    del before[MANIFEST], after[MANIFEST]
    changed = [name for name in before if before[name] != after[name]]
    assert 0 < len(changed) <= 3
    write_report(other, tmp_path / "whole", networks={}, figures=False)
    whole = contents(tmp_path / "whole")
    assert all(after[name] == whole[name] for name in changed)


def test_nothing_is_written_when_there_is_nothing_to_report(small: StudyRecord, tmp_path: Path) -> None:
    empty = dataclasses.replace(small, predictions=small.predictions.iloc[:0])
    with pytest.raises(ReportError):
        write_report(empty, tmp_path / "r", networks={})
    assert not (tmp_path / "r").exists()


def test_without_latex_the_report_says_how(small: StudyRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    files = write_report(small, tmp_path / "r", networks={})
    assert files.pdf is None
    assert "latexmk" in files.pdf_hint
    assert files.results.exists()


@pytest.mark.slow
@needs_latex
def test_names_full_of_specials_compile_and_twice_the_same(make_record: MakeRecord, tmp_path: Path) -> None:
    trained = [(f"{NASTY} {number}", "su4", "LMC", 1.0) for number in range(2)] + [("$a$ \\b_{c} ~^", "su4", "MC", 0.9)]
    record = make_record(
        name="study_1.a",
        trained=trained,
        fused=("[fused] «ž» 音", [trained[0][0], trained[1][0]], "mean"),
        classes=[f"{NASTY} class_{number}" for number in range(10)],
        folds=(1, 2, 4),
        trials=5,
        compare=[("piczak2015cnn:ESC-10/CNN", trained[0][0]), ("su2019:T2/LMCNet", trained[2][0])],
        study={"name": "study_1.a", "question": "Is 100 % of $x$ & #1 → \\input{x} _enough_?", "seed": 1},
    )
    folds = record.folds.copy()
    folds.loc[0, ["status", "error"]] = ["FAILED", "Error: C:\\temp_1\\100% & {more}\nOSError: [Errno 28] #_$ ~ ^"]
    record = dataclasses.replace(record, folds=folds)
    first = write_report(record, tmp_path / "a", networks={})
    assert first.pdf is not None, first.pdf_hint
    assert not first.pdf_hint
    assert (tmp_path / "a" / "tables" / "failures.tex").exists()
    second = write_report(record, tmp_path / "b", networks={})
    assert second.pdf is not None
    assert second.pdf.read_bytes() == first.pdf.read_bytes()


@pytest.mark.slow
@needs_latex
def test_a_missing_fold_a_dead_arm_and_no_history_compile(record: StudyRecord, tmp_path: Path) -> None:
    table = record.predictions
    kept = (table["arm"] != "MCNet") & ((table["arm"] != "MLMC") | (table["fold"] != 3))
    partial = dataclasses.replace(
        record,
        predictions=table[kept],
        history=record.history.iloc[:0],
        leakage=record.leakage.iloc[:0],
        environment={},
        status="FAILED",
    )
    files = write_report(partial, tmp_path, networks={})
    assert files.pdf is not None, files.pdf_hint
    document = files.document.read_text()
    assert "MLMC lacks fold 3." in document
    assert "MCNet has no tested fold." in document
    assert not (tmp_path / "figures" / "confusion-mcnet.pdf").exists()


@pytest.mark.slow
@needs_latex
def test_a_whole_comparison_compiles_and_every_part_is_in_it(us8k: Evidence, tmp_path: Path) -> None:
    files = write_report(us8k.record, tmp_path)
    assert files.pdf is not None, files.pdf_hint
    document = files.document.read_text()
    sections = re.findall(r"\\section\{([^}]*)\}", document)
    assert sections == [
        *("Findings", "Protocol", "Comparison with claims", "Claimed and measured classes", "Arms against each other"),
        *("Accuracy", "Classes", "Hard clips", "Search", "Training", "Leakage", "Networks", "Audit of su2019"),
        *("Environment", "Terms"),
    ]
    inputs = set(re.findall(r"\\input\{tables/([^}]*)\}", document))
    assert inputs == {path.stem for path in files.tables}
    drawn = set(re.findall(r"\\includegraphics\{figures/([^}]*)\}", document))
    assert drawn == {path.stem for path in files.figures}


@pytest.mark.slow
@needs_latex
def test_twelve_arms_and_fifty_classes_compile(make_record: MakeRecord, tmp_path: Path) -> None:
    trained = [(f"ResNet-18 mel+mfcc {number}", "resnet18", "image:mel", 0.8) for number in range(11)]
    record = make_record(
        dataset="esc50",
        classes=[f"class_of_sounds_{number}" for number in range(50)],
        trained=trained,
        fused=("both", [trained[0][0], trained[1][0]], "mean"),
        folds=(1, 2, 3),
        n_seeds=1,
        clips_per_class=1,
    )
    files = write_report(record, tmp_path, networks={})
    assert files.pdf is not None, files.pdf_hint
    assert len(pd.read_csv(tmp_path / "tables" / "contrasts.csv")) == 66


@pytest.mark.slow
@needs_latex
def test_one_tested_fold_compiles_and_tests_nothing(make_record: MakeRecord, tmp_path: Path) -> None:
    record = make_record(compare=[("piczak2015cnn:ESC-10/CNN", "LMCNet")], evaluate={"seeds": 2, "folds": [2]})
    one = dataclasses.replace(record, predictions=record.predictions.query("fold == 2"))
    files = write_report(one, tmp_path, networks={})
    assert files.pdf is not None, files.pdf_hint
    table = pd.read_csv(tmp_path / "tables" / "comparison.csv")
    assert table[["p", "low", "sd"]].isna().all(axis=None)


def test_numpy_is_not_leaked_into_the_tables(written: Path) -> None:
    for path in (written / "tables").glob("*.csv"):
        assert "np." not in path.read_text()
    assert np.isfinite(pd.read_csv(written / "tables" / "accuracy.csv")["macro_accuracy_mean"]).all()
