"""Stores of earlier versions, which recorded digests as five tags of every run, are read, resumed and replayed."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from mlflow.tracking import MlflowClient

from harness.tracking.recorded_run import read_run
from harness.tracking.study_reader import read_study
from tests.tracking.conftest import small_study

LEVELS = {"study": "spec_digest", "fold": "task_digest"}


def make_earlier(uri: str, digests: dict[str, str]) -> None:
    """Rewrite the tags of a store as the versions before this one recorded them, and remove the logged models."""
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("tiny")
    assert experiment is not None
    for run in client.search_runs([experiment.experiment_id]):
        tags = run.data.tags
        own = {
            "spec_digest": digests["spec"],
            "data_digest": digests["data"],
            "features_digest": digests.get(f"features.{tags['features']}", "-"),
            "lock_digest": digests["lock"],
            "task_digest": "-",
        }
        if tags["level"] in LEVELS:
            own[LEVELS[tags["level"]]] = tags["digest"]
        for name, value in own.items():
            client.set_tag(run.info.run_id, name, value)
        client.delete_tag(run.info.run_id, "digest")
    with closing(sqlite3.connect(uri.removeprefix("sqlite:///"))) as database, database:
        for table in ("logged_model_metrics", "logged_model_params", "logged_model_tags", "logged_models"):
            database.execute(f"DELETE FROM {table}")
        database.execute("DELETE FROM inputs WHERE source_type = 'RUN_OUTPUT'")


@pytest.fixture
def earlier(new_store: Callable[[Path], str], tmp_path: Path) -> tuple[Any, str]:
    """Return the small study, of which an earlier version has recorded folds 1 and 2; and the id of its run."""
    study = small_study(new_store(tmp_path))
    with study.recording() as recorder:
        trial = recorder.trial(study.spec.arm("A"), "final", None)
        for fold in (1, 2):
            study.run_fold(recorder, trial, study.task(fold=fold))
        recorder.finish_trial(trial, {1: 0.5, 2: 0.5}, "test")
        folder = Path(MlflowClient(study.uri).get_run(recorder.run_id).info.artifact_uri.removeprefix("file://"))
    make_earlier(study.uri, json.loads((folder / "environment.json").read_text())["digests"])
    return study, recorder.run_id


def test_it_is_read_as_before(earlier: tuple[Any, str]) -> None:
    study, run_id = earlier
    assert len(read_study(study.uri, "tiny").folds) == 2
    run = read_run(study.uri, run_id)
    assert run.spec_is_original is True
    assert [fold.digests for fold in run.folds] == [
        {"task": study.task(fold=fold).digest, "data": "d" * 64, "features": "a" * 64} for fold in (1, 2)
    ]


def test_it_resumes_without_training_again(earlier: tuple[Any, str]) -> None:
    study, run_id = earlier
    with study.recording() as recorder:
        assert recorder.run_id == run_id
        assert recorder.finished_folds().keys() == {study.task(fold=fold).digest for fold in (1, 2)}
        study.run_fold(recorder, recorder.trial(study.spec.arm("A"), "final", None), study.task(fold=3))
    assert MlflowClient(study.uri).get_run(run_id).data.tags["digest"] == recorder.spec_digest
    digests = [fold.digests for fold in read_run(study.uri, run_id).folds]
    assert [each["task"] for each in digests] == [study.task(fold=fold).digest for fold in (1, 2, 3)]
    assert {(each["data"], each["features"]) for each in digests} == {("d" * 64, "a" * 64)}


def test_it_resumes_with_another_arm(earlier: tuple[Any, str]) -> None:
    study, run_id = earlier
    arms = (*study.spec.model_dump()["arms"], {"name": "C", "model": "su6", "features": "MC"})
    more = study.with_changes(spec=type(study.spec).model_validate({**study.spec.model_dump(), "arms": arms}))
    with more.recording() as recorder:
        assert (recorder.run_id, len(recorder.finished_folds())) == (run_id, 2)


def test_other_audio_is_another_study(earlier: tuple[Any, str]) -> None:
    study, run_id = earlier
    with study.with_changes(digests={**study.digests, "data": "e" * 64}).recording() as recorder:
        assert recorder.run_id != run_id
