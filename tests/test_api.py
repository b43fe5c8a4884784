"""What ``import harness`` offers: plain functions with pandas tables; nothing is printed."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import harness
from harness.errors import ClaimsError, ReportError, StudyError, TrainingError
from harness.executors.local import local_executor
from harness.executors.ray.executor import ray_executor
from harness.running import study as running_study
from tests.reports.committed import REPORTS
from tests.two_machines import STUDY


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
    assert table[["arm", "with", "verdict"]].to_numpy().tolist() == [
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


def test_where_a_study_runs_has_the_names_of_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[running_study.Options] = []

    class StoppedError(Exception):
        pass

    def remember(_: object, options: running_study.Options, __: object) -> None:
        given.append(options)
        raise StoppedError

    monkeypatch.setattr(running_study, "run_study", remember)

    def options_of(**where: Any) -> running_study.Options:
        with pytest.raises(StoppedError):
            harness.run_study("quickstart", **where)
        return given.pop()

    assert options_of().device == "auto"
    assert options_of().executor is local_executor
    assert options_of(device="cuda:1").device == options_of(devices="cuda:1").device == "cuda:1"
    assert options_of(devices=["cuda:0", "cuda:1"]).device == "cuda:0,cuda:1"
    opened = options_of(executor="ray", address="127.0.0.1:6379", workers=3, cache="here").executor
    assert isinstance(opened, partial)
    assert opened.func is ray_executor
    assert opened.keywords == {"address": "127.0.0.1:6379", "workers": 3, "threads": 1, "cache": Path("here")}
    for where, why in (
        ({"executor": "slurm"}, "executor 'slurm': expected local or ray"),
        ({"address": "127.0.0.1:6379"}, "use executor ray"),
        ({"device": "cpu", "devices": ["cpu"]}, "two names of one argument"),
    ):
        with pytest.raises(TrainingError, match=why):
            harness.run_study("quickstart", **where)


# Not imported here: Ray reads how a cluster is accessed when it is imported, for the rest of the process.
needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="needs ray")


@needs_ray
@pytest.mark.slow
def test_a_study_runs_on_a_ray_cluster_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(STUDY)
    script = tmp_path / "study.py"
    script.write_text(
        "import sys, harness\n"
        "if __name__ == '__main__':\n"
        "    name, executor = sys.argv[1:]\n"
        "    results = harness.run_study('tiny.toml', data_root='data', cache='cache', report='none', workers=2,\n"
        "        tracking_uri=f'sqlite:///{name}.db', devices=['cpu'], executor=executor)\n"
        "    assert not results.failures\n"
        "    results.predictions.to_parquet(f'{name}.parquet')\n"
    )
    # A cluster keeps its settings for the life of its process.
    for executor in ("local", "ray"):
        subprocess.run([sys.executable, str(script), executor, executor], cwd=tmp_path, check=True, timeout=300)
    found = [pd.read_parquet(tmp_path / f"{executor}.parquet") for executor in ("local", "ray")]
    pd.testing.assert_frame_equal(*found, check_exact=True)
