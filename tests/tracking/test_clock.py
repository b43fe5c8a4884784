"""The machine's clock is set while a study runs, or between two sessions: order, durations and resuming hold."""

from __future__ import annotations

import time
from typing import Any

import pytest
from mlflow.tracking import MlflowClient

from harness.tracking.study_reader import list_studies, read_study

HOUR = 3600


class Clock:
    """The time of day as the machine tells it, wrong by ``seconds``."""

    def __init__(self) -> None:
        self.seconds = 0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return a clock that can be set."""
    wrong, now, now_ns = Clock(), time.time, time.time_ns
    monkeypatch.setattr(time, "time", lambda: now() + wrong.seconds)
    monkeypatch.setattr(time, "time_ns", lambda: now_ns() + wrong.seconds * 10**9)
    return wrong


@pytest.mark.slow
@pytest.mark.parametrize("jump", [-24 * HOUR, 24 * HOUR])
def test_no_run_ends_before_it_starts_and_only_work_counts_as_time(study: Any, clock: Clock, jump: int) -> None:
    with study.recording() as recorder:
        trial = recorder.trial(study.spec.arm("A"), "final", None)
        fold = recorder.start_fold(trial, study.task())
        clock.seconds = jump
        result = study.result(study.task())
        recorder.finish_fold(fold, result, study.tables(result), {})
        recorder.finish_trial(trial, {1: 0.5}, "test")
    client = MlflowClient(study.uri)
    for run_id in (recorder.run_id, trial, fold):
        info = client.get_run(run_id).info
        assert info.end_time >= info.start_time
    assert 0 <= read_study(study.uri, "tiny").seconds < HOUR


def test_the_newest_is_the_last_also_when_the_clock_was_set_back(study: Any, clock: Clock) -> None:
    ids = []
    for hours in (0, -2, -1):
        clock.seconds = hours * HOUR
        with study.recording(resume=False) as recorder:
            ids.append(recorder.run_id)
        assert read_study(study.uri, "tiny").run_id == ids[-1]
    assert [each.run_id for each in list_studies(study.uri)] == ids[::-1]


def test_a_study_goes_on_after_the_clock_was_set_back(study: Any, clock: Clock) -> None:
    with pytest.raises(KeyboardInterrupt), study.recording() as first:  # noqa: PT012
        trial = first.trial(study.spec.arm("A"), "final", None)
        done = study.run_fold(first, trial, study.task(fold=1))
        first.fail_fold(first.start_fold(trial, study.task(fold=2)), "bad luck")
        first.start_fold(trial, study.task(fold=3))
        first.finish_trial(trial, {1: 0.25}, "test")
        raise KeyboardInterrupt
    clock.seconds = -HOUR
    with study.recording() as second:
        assert second.run_id == first.run_id
        assert [fold.run_id for fold in second.finished_folds().values()] == [done]
        again = [study.run_fold(second, trial, study.task(fold=fold)) for fold in (2, 3)]
        second.finish_trial(trial, {1: 0.25, 2: 0.75}, "test")
    client = MlflowClient(study.uri)
    # The value that counts is the last one written.
    assert client.get_run(trial).data.metrics["mean_test_macro_accuracy"] == 0.5
    record = read_study(study.uri, "tiny")
    assert record.folds.sort_values("fold")["run_id"].tolist() == [done, *again]
    assert set(record.folds["status"]) == {"FINISHED"}
    for run_id in (trial, *again):
        info = client.get_run(run_id).info
        assert info.end_time >= info.start_time
