"""Failed runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from harness.record import StudyRecord
from harness.report.topics.run_facts import failure_table, failures, stopped_early

MakeRecord = Callable[..., StudyRecord]


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
    table = failure_table(record)
    assert table is not None
    assert table.printed.loc[0, "Error"] == "RuntimeError: CUDA_100 %"
    assert f"1 of {len(folds)}" in table.caption


def test_no_failure_gives_no_table(record: StudyRecord) -> None:
    assert failure_table(record) is None
