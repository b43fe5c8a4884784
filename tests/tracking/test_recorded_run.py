"""What a finished run says of itself when it is asked for by its id."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.entities import ViewType

from harness.errors import TrackingError
from harness.tracking.files import bytes_file, put_files
from harness.tracking.recorded_run import read_run
from harness.tracking.store import Store, open_store
from harness.tracking.study_reader import load_weights
from harness.training.weights import weights_bytes


@pytest.fixture
def recorded(study: Any) -> dict[str, str]:
    """Record two folds of an arm and a failed third, a search trial, and return the run ids by name."""
    with study.recording() as recorder:
        arm = study.spec.arm("A")
        final = recorder.trial(arm, "final", None)
        runs = {"study": recorder.run_id, "final": final}
        for fold in (1, 2):
            runs[f"fold {fold}"] = study.run_fold(recorder, final, study.task(fold=fold))
        runs["failed"] = recorder.start_fold(final, study.task(fold=3))
        recorder.fail_fold(runs["failed"], "no memory")
        recorder.finish_trial(final, {1: 0.5, 2: 0.5}, "test")
        trial = recorder.trial(arm, "search", 1, {"train.lr": 0.25})
        runs["trial"] = trial
        runs["searched"] = study.run_fold(
            recorder, trial, study.task(phase="search", trial=1, values={"train.lr": 0.25})
        )
        recorder.finish_trial(trial, {1: 0.5}, "validation")
    return runs


def artifact(study: Any, run_id: str, name: str) -> Path:
    uri = MlflowClient(study.uri).get_run(run_id).info.artifact_uri
    return Path(uri.removeprefix("file://")) / name


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "level", "found"),
    [
        ("study", "study", ["fold 1", "fold 2", "searched"]),
        ("final", "trial", ["fold 1", "fold 2"]),
        ("trial", "trial", ["searched"]),
        ("fold 2", "fold", ["fold 2"]),
    ],
)
def test_a_run_of_any_level_by_its_first_letters(
    study: Any, recorded: dict[str, str], asked: str, level: str, found: list[str]
) -> None:
    run = read_run(study.uri, recorded[asked][:10])
    assert (run.run_id, run.level, run.study_run) == (recorded[asked], level, recorded["study"])
    assert {fold.run_id for fold in run.folds} == {recorded[name] for name in found}
    assert {fold.run_id for fold in run.siblings} == {recorded[name] for name in ("fold 1", "fold 2", "searched")}
    assert run.unfinished == (1 if asked in ("study", "final") else 0)
    assert run.spec.study.name == run.study == "tiny"
    assert run.spec_is_original is True


def test_a_fold_says_what_it_takes_to_train_it_again(study: Any, recorded: dict[str, str]) -> None:
    (fold,) = read_run(study.uri, recorded["trial"]).folds
    task = study.task(phase="search", trial=1, values={"train.lr": 0.25})
    assert (fold.arm, fold.phase, fold.trial, fold.fold, fold.seed) == ("A", "search", 1, 1, 0)
    assert fold.values == {"train.lr": 0.25, "train.momentum": 0.5}
    assert fold.settings["train.epochs"] == "4"
    assert fold.digests == {"task": task.digest, "data": study.clips.digest, "features": task.features.digest}
    assert set(fold.parts) == {"train", "validation", "test"}
    assert fold.conditions == {"device": "a processor", "threads": "1", "precision": "float32"}
    assert fold.environment["command"] == study.command
    assert not fold.is_fused


def test_a_study_that_was_changed_after_it_was_recorded_is_told(study: Any, recorded: dict[str, str]) -> None:
    file = artifact(study, recorded["study"], "study.json")
    spec = json.loads(file.read_text())
    spec["tracking"]["uri"] = "sqlite:///elsewhere.db"
    file.write_text(json.dumps(spec))
    assert read_run(study.uri, recorded["study"]).spec_is_original is True
    spec["train"]["lr"] = 0.77
    file.write_text(json.dumps(spec))
    assert read_run(study.uri, recorded["study"]).spec_is_original is False


def test_each_fold_has_the_environment_of_the_session_that_trained_it(
    study: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = []
    for session in (1, 2, 3):
        versions = {"torch": f"{session}.0"}
        monkeypatch.setattr("harness.tracking.session_environment.installed_packages", versions.copy)
        with study.recording() as recorder:
            final = recorder.trial(study.spec.arm("A"), "final", None)
            runs.append(study.run_fold(recorder, final, study.task(fold=session)))
    folds = {fold.run_id: fold for fold in read_run(study.uri, recorder.run_id).folds}
    assert [folds[run].environment["packages"]["torch"] for run in runs] == ["1.0", "2.0", "3.0"]


def test_sessions_without_a_time_are_not_guessed(study: Any) -> None:
    for _ in range(2):
        with study.recording() as recorder:
            final = recorder.trial(study.spec.arm("A"), "final", None)
            study.run_fold(recorder, final, study.task())
    file = artifact(study, recorder.run_id, "environment-session-1.json")
    facts = json.loads(file.read_text())
    del facts["began_ms"]
    file.write_text(json.dumps(facts))
    assert [dict(fold.environment) for fold in read_run(study.uri, recorder.run_id).folds] == [{}]


def test_the_newest_of_two_trainings_counts(study: Any) -> None:
    with study.recording() as recorder:
        final = recorder.trial(study.spec.arm("A"), "final", None)
        first, second = (study.run_fold(recorder, final, study.task(), draw) for draw in (0, 1))
    assert first != second
    assert [fold.run_id for fold in read_run(study.uri, recorder.run_id).folds] == [second]


def test_weights_that_were_kept_and_weights_that_were_not(study: Any, recorded: dict[str, str]) -> None:
    kept = load_weights(study.uri, recorded["fold 1"])
    assert kept is not None
    np.testing.assert_array_equal(kept["conv.weight"], study.result(study.task()).weights["conv.weight"])
    assert load_weights(study.uri, recorded["searched"]) is None


def test_damaged_weights_are_told(study: Any, recorded: dict[str, str]) -> None:
    store = open_store(study.uri, create=False)
    run = store.client.get_run(recorded["fold 1"])
    put_files(store, run, {"weights.safetensors": bytes_file(weights_bytes({"a": np.zeros(3, np.float32)}))})
    file = artifact(study, recorded["fold 1"], "weights.safetensors")
    file.write_bytes(file.read_bytes()[:-5])
    with pytest.raises(TrackingError, match="damaged"):
        load_weights(study.uri, recorded["fold 1"])


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("ffffffffffffffffffffffffffffffff", "no run has the id 'f+' or an id that starts with it"),
        ("abc", "'abc': expected a run id, or at least its first 4"),
        ("%%%%", "expected a run id"),
        ("' OR 1=1", "expected a run id"),
        ("", "expected a run id"),
    ],
)
def test_ids_that_name_no_run(study: Any, recorded: dict[str, str], asked: str, message: str) -> None:
    assert recorded
    with pytest.raises(TrackingError, match=message):
        read_run(study.uri, asked)


def test_a_beginning_that_several_runs_share(
    study: Any, recorded: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    search = Store.search
    # Ids are random: let every run match.
    monkeypatch.setattr(Store, "search", lambda self, where, _: search(self, where, ""))
    with pytest.raises(TrackingError, match=rf"7 runs have an id that starts with 'abcd': .*{recorded['searched']}"):
        read_run(study.uri, "abcd")


def test_a_run_of_another_program(study: Any, recorded: dict[str, str]) -> None:
    client = MlflowClient(study.uri)
    (experiment,) = client.search_experiments(view_type=ViewType.ACTIVE_ONLY, filter_string="name = 'tiny'")
    foreign = client.create_run(experiment.experiment_id, run_name="theirs").info.run_id
    assert foreign not in recorded.values()
    with pytest.raises(TrackingError, match=r"\(theirs\) was not written by this harness"):
        read_run(study.uri, foreign)


@pytest.mark.parametrize("status", ["RUNNING", "FAILED", "KILLED"])
@pytest.mark.parametrize("level", ["study", "final", "fold 1"])
def test_a_run_that_has_not_finished(study: Any, recorded: dict[str, str], level: str, status: str) -> None:
    MlflowClient(study.uri).update_run(recorded[level], status)
    with pytest.raises(TrackingError, match=f"has the status {status}; only a finished run has a result"):
        read_run(study.uri, recorded[level])


def test_a_fold_of_a_study_that_has_not_finished_is_finished(study: Any, recorded: dict[str, str]) -> None:
    MlflowClient(study.uri).update_run(recorded["study"], "RUNNING")
    assert len(read_run(study.uri, recorded["fold 1"]).folds) == 1


def test_a_trial_without_a_finished_training(study: Any) -> None:
    with study.recording() as recorder:
        trial = recorder.trial(study.spec.arm("A"), "final", None)
        recorder.finish_trial(trial, {}, "test")
    with pytest.raises(TrackingError, match=r"no training of run \w+ \(A final\) has finished"):
        read_run(study.uri, trial)


@pytest.mark.parametrize("name", ["study.json", "environment.json"])
def test_a_lost_artifact_is_named(study: Any, recorded: dict[str, str], name: str) -> None:
    artifact(study, recorded["study"], name).unlink()
    with pytest.raises(TrackingError, match=f"has no {name} in "):
        read_run(study.uri, recorded["fold 1"])


def test_a_store_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TrackingError, match="no tracking store"):
        read_run(f"sqlite:///{tmp_path}/none/mlflow.db", "abcd")
    assert not list(tmp_path.iterdir())
