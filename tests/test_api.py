"""What ``import harness`` offers: plain functions with pandas tables; nothing is printed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import harness
from harness.errors import ClaimsError, ReportError, StudyError
from tests.reports.committed import REPORTS


def test_importing_it_loads_nothing_heavy() -> None:
    script = "import sys, harness; print(sorted({'torch', 'mlflow', 'pandas', 'pydantic'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_its_functions_are_there() -> None:
    for name in harness.__all__:
        assert getattr(harness, name).__doc__
        assert name in dir(harness)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = harness.nothing  # type: ignore[attr-defined]


def test_studies_that_ship_are_known_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert {"quickstart", "su2019-urbansound8k", "resnet18-esc50"} <= harness.shipped_studies().keys()
    assert harness.load_study("quickstart", ["train.epochs=2"]).train.epochs == 2
    with pytest.raises(StudyError, match="did you mean 'quickstart'"):
        harness.load_study("quikstart")
    with pytest.raises(StudyError, match=r"none.toml: "):
        harness.load_study("none.toml")


def test_scores_are_compared_with_a_claim_and_with_each_other(capfd: pytest.CaptureFixture[str]) -> None:
    mine = {fold: 80.0 + fold % 3 for fold in range(1, 11)}
    table = harness.compare({"a": mine, "b": {fold: value - 5 - fold % 2 for fold, value in mine.items()}},
                            "su2019:T2/LMCNet", [("a", "b")])  # fmt: skip
    assert table[["arm", "with", "verdict"]].values.tolist() == [
        ["a", "su2019:T2/LMCNet", "lower"],
        ["b", "su2019:T2/LMCNet", "lower"],
        ["a", "b", "higher"],
    ]
    assert ((table["low"] < table["difference"]) & (table["difference"] < table["high"])).all()
    assert (table["p_holm"] >= table["p"]).all()
    assert capfd.readouterr() == ("", "")
    with pytest.raises(ClaimsError, match="su2020"):
        harness.compare({"a": mine}, "su2020:T2/LMCNet")


def test_a_report_is_read_into_tables(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    results = harness.load_report(REPORTS / "resnet18-esc10")
    assert results.study.study.name == "resnet18-esc10"
    assert results.accuracy["macro_accuracy_mean"].between(0, 1).all()
    assert set(results.folds["fold"]) == {1, 2, 3, 4, 5}
    assert len(results.classes) == 10
    assert results.findings
    assert {"accuracy", "folds", "classes", "leakage"} <= results.tables.keys()
    assert capfd.readouterr() == ("", "")
    with pytest.raises(ReportError):
        harness.load_report(tmp_path)
    with pytest.raises(ReportError, match="quickstart"):
        harness.load_report(REPORTS / "resnet18-esc10", study="quickstart")


@pytest.mark.slow
def test_a_shipped_study_runs_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    few = ["train.epochs=1", "search.trials=0", "evaluate.seeds=1", "tracking.system_metrics=false"]
    results = harness.run_study(
        "quickstart", few, data_root=tmp_path, cache=tmp_path / "cache", report="data", workers=1
    )
    assert results.failures == ()
    assert results.report == Path("reports/quickstart")
    assert (tmp_path / "reports/quickstart/results.json").is_file()
    assert results.predictions["arm"].nunique() == 3
    assert capfd.readouterr().out == ""
