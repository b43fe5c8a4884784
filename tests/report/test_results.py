"""results.json: strict JSON, full precision, equal to what is counted by hand."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from harness.comparisons.scores import score_study
from harness.record import StudyRecord
from harness.report.results import json_data, results_json

MakeRecord = Callable[..., StudyRecord]


def read(record: StudyRecord) -> dict[str, Any]:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    found: dict[str, Any] = json.loads(results_json(record, score_study(record)), parse_constant=refuse)
    return found


def test_numbers_equal_a_count_by_hand(record: StudyRecord) -> None:
    found = read(record)
    assert found["schema"] == 1
    assert [arm["name"] for arm in found["arms"]] == ["LMCNet", "MCNet", "MLMC", "TSCNN-DS"]
    arm = found["arms"][1]
    table = record.predictions[record.predictions["arm"] == "MCNet"]
    right = table.filter(regex="^p_").to_numpy().argmax(axis=1) == table["y_true"].to_numpy()
    clip = table.assign(right=right).groupby(["fold", "seed"])["right"].mean()
    for run in arm["runs"]:
        assert run["clip_accuracy"] == pytest.approx(clip[run["fold"], run["seed"]], abs=1e-15)
    folds = clip.groupby("fold").mean()
    assert [fold["clip_accuracy"] for fold in arm["folds"]] == pytest.approx(folds.tolist(), abs=1e-15)
    assert arm["mean"]["clip_accuracy"] == pytest.approx(folds.mean(), abs=1e-15)
    assert arm["sd"]["clip_accuracy"] == pytest.approx(folds.std(ddof=1), abs=1e-15)
    assert (arm["n_folds"], arm["n_seeds"], arm["missing_folds"]) == (5, [2, 2], [])
    dogs = table.assign(right=right).query("y_true == 0").groupby(["fold", "seed"])["right"].mean()
    assert arm["classes"][0]["class"] == "dog"
    assert arm["classes"][0]["mean"] == pytest.approx(dogs.groupby("fold").mean().mean(), abs=1e-15)
    assert arm["classes"][0]["folds"]["3"] == pytest.approx(dogs[3].mean(), abs=1e-15)
    assert sum(map(sum, arm["confusion"])) == len(table)


def test_fused_arm_has_no_segment_accuracy(record: StudyRecord) -> None:
    fused = read(record)["arms"][3]
    assert fused["mean"]["segment_accuracy"] is None
    assert (fused["fuse"], fused["rule"]) == (["LMCNet", "MCNet"], "dempster-shafer")


def test_what_a_reader_must_know_is_said(make_record: MakeRecord) -> None:
    record = make_record(
        dataset="urbansound8k",
        folds=(1, 2, 10),
        protocol={"split": "random-clip", "epoch_rule": "best-on-test", "final_train": "train"},
        search={"trials": 2, "selection": "pooled", "space": {"train.lr": {"low": 1e-4, "high": 1e-2}}},
    )
    found = read(record)
    assert found["protocol"]["epoch_chosen_on_test"] is True
    assert found["protocol"]["partial"] is True
    assert found["protocol"]["tested_folds"] == [1, 2, 10]
    assert found["selection"]["tuned_on_reported_folds"] is True
    assert len(found["marks"]) == 4
    assert found["command"].startswith("harness run-study")
    assert found["environment"]["git"]["dirty"] is True
    assert found["spec"] == json_data(record.spec)
    assert [row["fold"] for row in found["leakage"]] == [1, 2, 10]


def test_a_plain_study_has_no_marks(record: StudyRecord) -> None:
    found = read(record)
    assert found["marks"] == []
    assert found["selection"]["tuned_on_reported_folds"] is False
    assert found["protocol"]["partial"] is False


def test_missing_fold_and_failure_are_listed(record: StudyRecord) -> None:
    table, folds = record.predictions, record.folds.copy()
    lost = (table["arm"] == "MLMC") & (table["fold"] == 3)
    folds.loc[0, ["status", "error", "trial"]] = ["FAILED", "boom", np.nan]
    found = read(dataclasses.replace(record, predictions=table[~lost], folds=folds))
    assert found["arms"][2]["missing_folds"] == [3]
    (failure,) = found["failures"]
    assert (failure["error"], failure["trial"]) == ("boom", None)


def test_command_given_as_words_is_quoted(record: StudyRecord) -> None:
    environment = record.environment | {"command": ["harness", "report", "a study"]}
    assert read(dataclasses.replace(record, environment=environment))["command"] == "harness report 'a study'"


def test_json_data_makes_everything_plain() -> None:
    given = {
        1: np.float64("nan"),
        "a": (np.int64(3), np.bool_(True), pd.NA, pd.NaT),
        "b": np.array([[1.5, np.inf]]),
        "c": None,
    }
    assert json_data(given) == {"1": None, "a": [3, True, None, None], "b": [[1.5, None]], "c": None}
