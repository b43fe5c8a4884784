"""Plans and summaries of studies on the terminal."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli import cli
from harness.cli.output.show_studies import summary_rows
from harness.comparisons.scores import score_study
from harness.record import StudyRecord
from harness.terminal.progress import duration
from harness.text.decimals import decimals
from tests.records import MakeRecord

STUDIES = Path(__file__).parents[3] / "studies"


@pytest.mark.slow
def test_a_plan_is_a_table_with_an_estimate(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["plan", str(STUDIES / "quickstart.toml"), "--data-root", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert "su4 on LM" in result.output
    assert "dempster-shafer on log-mel + MFCC" in result.output
    assert "120 × 10" in result.output
    assert "estimated by a probe" in result.output
    assert "test folds 1, 2, 3; 1 seed;" in result.output
    assert "MB of disk space; set tracking.weights = false to keep none" in " ".join(result.output.split())


def test_one_row_per_arm_with_the_reports_numbers(record: StudyRecord) -> None:
    rows = summary_rows(record)
    assert [row["arm"] for row in rows] == ["LMCNet", "MCNet", "MLMC", "TSCNN-DS"]
    arms = score_study(record).arms.set_index("arm")
    for row in rows:
        mean, sd = (arms.loc[row["arm"], f"macro_accuracy_{kind}"] for kind in ("mean", "sd"))
        assert row["macro %"] == f"{decimals(100 * mean, 1)} ± {decimals(100 * sd, 1)}"
        assert row["folds × seeds"] == "5 × 2"
        assert "failed" not in row
    assert (rows[0]["model"], rows[0]["features"]) == ("su4", "LMC")
    assert (rows[3]["model"], rows[3]["features"]) == ("dempster-shafer", "LMCNet + MCNet")
    assert (rows[0]["time"], rows[3]["time"]) == ("2 min", "–")


def test_time_is_the_sum_of_an_arms_runs(make_record: MakeRecord) -> None:
    rows = summary_rows(make_record(trials=2))
    assert rows[0]["time"] == duration(12.5 * (5 * 2 + 2 * 5))


def test_failures_and_untested_arms_are_shown(record: StudyRecord) -> None:
    folds = record.folds.copy()
    dead = folds["arm"] == "MCNet"
    folds.loc[dead, ["status", "seconds"]] = ["FAILED", math.nan]
    lost = record.predictions["arm"] == "MCNet"
    rows = summary_rows(dataclasses.replace(record, predictions=record.predictions[~lost], folds=folds))
    assert [row["failed"] for row in rows] == ["0", "10", "0", "0"]
    assert (rows[1]["macro %"], rows[1]["folds × seeds"], rows[1]["time"]) == ("–", "0 × 0", "–")


def test_a_study_without_any_result_still_has_its_arms(record: StudyRecord) -> None:
    empty = dataclasses.replace(record, predictions=record.predictions.iloc[:0], folds=record.folds.iloc[:0])
    assert [row["macro %"] for row in summary_rows(empty)] == ["–"] * 4
