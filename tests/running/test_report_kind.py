"""How much of a report a study run writes, and that the rest can be written later."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli.output.show_studies import show_outcome, summary_rows
from harness.running.reports import AudioRequest, ReportKind, report_study
from tests.running.study import STUDY, run, spec_of


def test_no_report_then_one_without_figures_then_all_of_it(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = spec_of(arms=[STUDY["arms"][1]], search={"trials": 0}, evaluate={"folds": [1]})  # type: ignore[index]
    without, _ = run(spec, tmp_path, shared, report=ReportKind.NONE)
    assert without.report is None
    assert [row["arm"] for row in summary_rows(without.record)] == [STUDY["arms"][1]["name"]]  # type: ignore[index]
    assert [path.name for path in tmp_path.iterdir()] == ["mlruns"]
    show_outcome(without)
    assert "report  not written (--report none)" in capsys.readouterr().out

    data, lines = run(spec, tmp_path, shared, report=ReportKind.DATA)
    assert not [line for line in lines if "macro accuracy test" in line]
    assert data.report is not None
    assert data.report.figures == ()
    assert data.report.pdf is None
    assert "--report data" in data.report.pdf_hint
    written = {
        path.relative_to(tmp_path / "reports" / "tiny").as_posix() for path in (tmp_path / "reports").rglob("*.*")
    }
    assert written >= {
        "README.md",
        "report.html",
        "report.tex",
        "results.json",
        "predictions.parquet",
        "tables/accuracy.csv",
    }
    assert not [path for path in tmp_path.rglob("*") if path.suffix in {".png", ".pdf"}]
    numbers = data.report.results.read_bytes()
    assert "includegraphics" not in data.report.document.read_text("utf-8")
    assert "](figures/" not in (data.report.folder / "README.md").read_text("utf-8")

    sound = AudioRequest(2, shared / "data")
    full = report_study("tiny", None, data.tracking_uri, tmp_path / "reports", sound).report
    assert full is not None
    assert full.page.read_text("utf-8").count("<audio ") == 2
    # The recordings stay out of the store.
    assert b"<audio " not in full.contents["report.html"]
    assert {path.suffix for path in full.figures} == {".png", ".pdf"}
    assert full.results.read_bytes() == numbers
    assert json.loads(numbers)["arms"]
