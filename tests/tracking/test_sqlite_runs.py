"""Runs read from the tables are those that MLflow's search returns."""

from __future__ import annotations

import math
from typing import Any

import pytest

from harness.tracking.session import descendants, runs_below
from harness.tracking.store import Store, open_store


@pytest.fixture
def recorded(study: Any) -> tuple[Store, Any]:
    """A study with finished, failed and open runs, one deleted run, odd metrics, and another study beside it."""
    with study.recording(resume=False) as other:
        study.run_fold(other, other.trial(study.spec.arm("A"), "final", None), study.task())
    with study.recording(resume=False) as recorder:
        trial = recorder.trial(study.spec.arm("A"), "final", None)
        study.run_fold(recorder, trial, study.task())
        failed = recorder.start_fold(trial, study.task(fold=2))
        recorder.fail_fold(failed, "it's <broken> é")
        left = recorder.start_fold(trial, study.task(fold=2, trial=5))
        store = open_store(study.uri, create=False)
        for value in (math.nan, math.inf, 0.1):
            store.client.log_metric(failed, f"odd {value}", value)
        store.client.log_metric(failed, "curve", 1.0, step=1)
        store.client.log_metric(failed, "curve", 2.0, step=2)
        store.client.delete_run(left)
    return store, store.client.get_run(recorder.run_id)


def test_runs_are_those_of_mlflow_s_search(recorded: tuple[Store, Any]) -> None:
    store, run = recorded
    expected = descendants(store, run.info.experiment_id, run.info.run_id)
    found = runs_below(store, run)
    assert [each.info.run_id for each in found] == [each.info.run_id for each in expected]
    assert len(found) >= 3
    for one, other in zip(found, expected, strict=True):
        assert dict(one.info) == dict(other.info)
        assert one.data.tags == other.data.tags
        assert {key: repr(value) for key, value in one.data.metrics.items()} == {
            key: repr(value) for key, value in other.data.metrics.items()
        }
    assert any(math.isnan(value) for each in found for value in each.data.metrics.values())


def test_a_study_run_without_runs_has_none(study: Any) -> None:
    with study.recording() as recorder:
        store = open_store(study.uri, create=False)
        assert runs_below(store, store.client.get_run(recorder.run_id)) == []
