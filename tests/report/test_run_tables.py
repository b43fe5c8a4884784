"""Chosen hyperparameters and failed runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from harness.record import StudyRecord
from harness.report.run_tables import (
    chosen_hyperparameters,
    failure_table,
    failures,
    hyperparameter_table,
    stopped_early,
)

MakeRecord = Callable[..., StudyRecord]


def test_nothing_searched_gives_no_table(record: StudyRecord) -> None:
    assert hyperparameter_table(record, []) == []
    assert chosen_hyperparameters(record).empty


def test_chosen_values_stand_beside_the_validation_accuracy_of_their_trial(make_record: MakeRecord) -> None:
    record = make_record(trials=3)
    chosen = chosen_hyperparameters(record)
    assert list(chosen["arm"].unique()) == ["LMCNet", "MCNet", "MLMC"]
    assert len(chosen) == 15
    row = chosen.query("arm == 'MCNet' and fold == 4").iloc[0]
    searched = record.folds.query("arm == 'MCNet' and phase == 'search' and trial == 1 and fold == 4").iloc[0]
    final = record.folds.query("arm == 'MCNet' and phase == 'final' and fold == 4").iloc[0]
    assert row["validation_macro_accuracy"] == searched["validation_macro_accuracy"]
    assert row["validation_macro_accuracy"] != final["validation_macro_accuracy"]
    assert row["train.lr"] == pytest.approx(0.002)
    (table,) = hyperparameter_table(record, ["A mark."])
    assert list(table.printed.columns) == ["Arm", "Fold", "Trial", "train.lr", "model.dropout", "Validation macro"]
    assert table.printed["Arm"].tolist()[:6] == ["LMCNet", "", "", "", "", "MCNet"]
    assert table.rules == (5, 10)
    assert table.caption.endswith("A mark.")


def test_failed_runs_are_listed_with_their_last_line(make_record: MakeRecord) -> None:
    record = make_record(trials=1)
    folds = record.folds.copy()
    folds.loc[4, ["status", "error"]] = [
        "FAILED",
        "Traceback (most recent call last):\n  ...\nRuntimeError: CUDA_100 %",
    ]
    pruned = folds.index[folds["phase"] == "search"][0]
    folds.loc[pruned, ["status", "error"]] = ["KILLED", "dropped: the trial was pruned"]
    record = dataclasses.replace(record, folds=folds)
    listed = failures(record)
    assert len(listed) == 1
    assert listed.loc[0, "arm"] == folds.loc[4, "arm"]
    assert "Traceback" in listed.loc[0, "error"], "the whole error stands in the CSV"
    assert stopped_early(record) == 1
    (table,) = failure_table(record, [])
    assert table.printed.loc[0, "Error"] == "RuntimeError: CUDA_100 %"
    assert f"1 of {len(folds)}" in table.caption


def test_no_failure_gives_no_table(record: StudyRecord) -> None:
    assert failure_table(record, []) == []
