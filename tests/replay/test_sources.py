"""A report is enough to train a published result again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from harness.cli import cli
from harness.cli.output.show_replay import show_replay
from harness.errors import HarnessError, ReportError
from harness.replay.sources import ReportSource, StoreSource, open_source
from harness.report.folder.predictions_file import PREDICTIONS
from harness.report.folder.results_file import RESULTS
from harness.report.write import rewrite_report, write_report
from harness.tracking.study_reader import read_study
from tests.replay.conftest import Recorded


@pytest.fixture(scope="module")
def written(recorded: Recorded, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the recorded study's report, without figures."""
    folder = tmp_path_factory.mktemp("reports") / "tiny"
    return write_report(read_study(recorded.uri, "tiny", recorded.run_id), folder, figures=False).folder


@pytest.fixture
def report(written: Path, tmp_path: Path) -> Path:
    """Return a copy of the report, which a test may change."""
    return Path(shutil.copytree(written, tmp_path / "tiny"))


@pytest.mark.slow
def test_every_published_training_is_equal(
    recorded: Recorded, report: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = recorded.replay(source=ReportSource(report))
    finals = {(fold.recorded.arm, fold.recorded.fold) for fold in found.folds}
    assert finals == {(arm, fold) for arm in ("A", "B", "A+B") for fold in (1, 3)}
    assert found.equal
    assert not found.differences
    for fold in found.folds:
        assert fold.clips is not None
        assert fold.clips.probabilities.rows == 10
        assert list(fold.clips.accuracy) == ["test"]
    show_replay(found)
    printed = capsys.readouterr().out
    # The title of a table has as many lines as its width asks for.
    assert f"replayofreport{report}" in "".join(printed.split())
    assert "EQUAL: all 6 trainings, in every published digit" in printed


@pytest.mark.slow
def test_values_that_the_search_chose_are_taken_from_the_report(recorded: Recorded, report: Path) -> None:
    (fold,) = (each for each in ReportSource(report).run.folds if (each.arm, each.fold) == ("A", 3))
    stored = recorded.fold("A", 3)
    assert fold.settings == stored.settings
    assert fold.settings["train.lr"] != "0.001"
    assert fold.digests["features"] == stored.digests["features"]


@pytest.mark.slow
def test_a_fusion_needs_its_streams_trained(recorded: Recorded, report: Path) -> None:
    found = recorded.replay(source=ReportSource(report), arms=["A+B"], folds=[1])
    assert [fold.recorded.arm for fold in found.folds] == ["A", "B", "A+B"]
    assert found.equal


@pytest.mark.slow
def test_one_changed_probability_is_found(recorded: Recorded, report: Path) -> None:
    table = pd.read_parquet(report / PREDICTIONS)
    row = table.index[(table["arm"] == "B") & (table["fold"] == 1)][0]
    table.loc[row, "p_0"] += 1e-6
    table.to_parquet(report / PREDICTIONS, index=False)
    found = recorded.replay(source=ReportSource(report), arms=["B"])
    assert [fold.equal for fold in found.folds] == [False, True]
    assert found.folds[0].clips is not None
    assert found.folds[0].clips.probabilities.changed == 1


def test_another_data_set_is_named(recorded: Recorded, report: Path) -> None:
    results = json.loads((report / RESULTS).read_text("utf-8"))
    results["environment"]["digests"]["data"] = "0" * 64
    (report / RESULTS).write_text(json.dumps(results), encoding="utf-8")
    rewrite_report(report, pdf=False)
    found = recorded.replay(source=ReportSource(report), arms=["B"], folds=[3])
    assert [each.name for each in found.differences] == ["data digest"]


def test_a_folder_is_a_report_and_anything_else_a_run(recorded: Recorded, report: Path) -> None:
    assert isinstance(open_source(str(report), recorded.uri), ReportSource)
    assert isinstance(open_source(recorded.run_id, recorded.uri), StoreSource)


@pytest.mark.parametrize("spoil", ["no predictions", "other json", "no arms"])
def test_what_is_no_whole_report_is_told(report: Path, spoil: str) -> None:
    if spoil == "no predictions":
        (report / PREDICTIONS).unlink()
    elif spoil == "other json":
        (report / RESULTS).write_text("[]", encoding="utf-8")
    else:
        results = json.loads((report / RESULTS).read_text("utf-8"))
        results.pop("arms")
        (report / RESULTS).write_text(json.dumps(results), encoding="utf-8")
    with pytest.raises(ReportError, match="tiny"):
        ReportSource(report)


def test_a_study_that_this_version_cannot_read_is_told(report: Path) -> None:
    results = json.loads((report / RESULTS).read_text("utf-8"))
    results["spec"]["train"]["unheard_of"] = 1
    (report / RESULTS).write_text(json.dumps(results), encoding="utf-8")
    with pytest.raises(HarnessError, match="use that version to read or replay it"):
        ReportSource(report)


@pytest.mark.slow
def test_the_command_takes_the_folder(recorded: Recorded, report: Path) -> None:
    given = ["replay", str(report), "--arm", "B", "--fold", "1", "--workers", "1"]
    folders = ["--data-root", str(recorded.shared / "data"), "--cache", str(recorded.shared / "cache")]
    run = CliRunner().invoke(cli, [*given, *folders])
    assert "B fold 1 seed 0" in run.output
    assert run.exit_code == 0, run.output
    missing = CliRunner().invoke(cli, ["replay", str(report), "--arm", "C", *folders])
    assert missing.exit_code == 2
    assert "available: A, B, A+B" in missing.output
