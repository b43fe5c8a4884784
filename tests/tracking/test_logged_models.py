"""The network of each final training is one logged model, complete or absent, without a copy of its bytes."""

from __future__ import annotations

import re
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mlflow.entities import LoggedModel
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from harness.errors import TrackingError
from harness.tracking.logged_models import run_of_model
from harness.tracking.store import open_store
from harness.tracking.ui import ui_server
from tests.servers import free_port


def models(uri: str) -> list[LoggedModel]:
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("tiny")
    assert experiment is not None
    return list(client.search_logged_models([experiment.experiment_id]))


def train(study: Any, folds: tuple[int, ...] = (1,)) -> list[str]:
    with study.recording() as recorder:
        trial = recorder.trial(study.spec.arm("A"), "final", None)
        due = [study.task(fold=fold) for fold in folds]
        return [study.run_fold(recorder, trial, task) for task in due if task.digest not in recorder.finished_folds()]


def folder_of(model: LoggedModel) -> Path:
    return Path(model.artifact_location.removeprefix("file://"))


def test_a_final_training_has_a_model_with_its_scores_and_no_bytes_of_its_own(study: Any) -> None:
    with study.recording() as recorder:
        searched = recorder.trial(study.spec.arm("A"), "search", 0, {"train.lr": 0.5})
        study.run_fold(recorder, searched, study.task(phase="search", trial=0, values={"train.lr": 0.5}))
        run_id = study.run_fold(recorder, recorder.trial(study.spec.arm("A"), "final", None), study.task())
    (model,) = models(study.uri)
    run = MlflowClient(study.uri).get_run(run_id)
    assert (model.name, model.status, model.source_run_id) == ("A fold 1 seed 0", "READY", run_id)
    assert [each.model_id for each in run.outputs.model_outputs] == [model.model_id]
    assert model.params == run.data.params
    assert {name: model.tags[name] for name in ("arm", "features", "fold", "study_run")} == {
        "arm": "A", "features": "LMC", "fold": "1", "study_run": recorder.run_id
    }  # fmt: skip
    assert f"harness predict models:/{model.model_id}" in model.tags["mlflow.note.content"]
    scores = {metric.key: metric for metric in model.metrics}
    assert scores.keys() == {name for name in run.data.metrics if name.startswith(("test_", "validation_"))}
    test = scores["test_macro_accuracy"]
    assert test.value == run.data.metrics["test_macro_accuracy"]
    # One for all folds, or the table of models would have a column for each.
    assert {(metric.dataset_name, metric.dataset_digest) for metric in model.metrics} == {("synthetic", "d" * 36)}
    held = sorted(folder_of(model).iterdir())
    assert [path.name for path in held] == ["network.json", "weights.safetensors"]
    own = Path(run.info.artifact_uri.removeprefix("file://"))
    assert all(path.samefile(own / path.name) for path in held)


def test_arms_with_names_that_mlflow_refuses_for_models(study: Any) -> None:
    arms = ({"name": "A. 100 % (é)", "model": "su4", "features": "LMC"},)
    spec = type(study.spec).model_validate({**study.spec.model_dump(), "arms": arms})
    odd = study.with_changes(spec=spec)
    with odd.recording() as recorder:
        odd.run_fold(recorder, recorder.trial(spec.arms[0], "final", None), odd.task(spec.arms[0].name))
    assert [model.name for model in models(study.uri)] == ["A_ 100 _ _é_ fold 1 seed 0"]


@pytest.mark.parametrize(
    "call",
    ["create_logged_model", "set_logged_model_tags", "finalize_logged_model", "log_outputs", "set_terminated"],
)
def test_what_dies_before_its_end_leaves_no_model(study: Any, call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(f"mlflow.tracking.MlflowClient.{call}", _die)
        # With kill -9 nothing is closed.
        patch.setattr("harness.tracking.study_recorder.StudyRecorder.close", lambda self, *_: self._own_lease.release())
        with pytest.raises(KeyboardInterrupt):
            train(study)
    assert len(models(study.uri)) == (call != "create_logged_model")
    assert [MlflowClient(study.uri).get_run(run_id).info.status for run_id in train(study)] == ["FINISHED"]
    (model,) = models(study.uri)
    assert model.status == "READY"
    # A study that is resumed has its models already.
    assert train(study, folds=(1, 2))[1:] == []
    assert [each.name for each in models(study.uri)] == ["A fold 2 seed 0", "A fold 1 seed 0"]


def test_an_interrupted_training_leaves_no_model(study: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlflow.tracking.MlflowClient.finalize_logged_model", _die)
    with pytest.raises(KeyboardInterrupt):
        train(study)
    assert models(study.uri) == []


def test_a_file_system_without_links_gets_a_copy(study: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no links here")

    # Not os.link itself, which leases use.
    monkeypatch.setattr("harness.tracking.logged_models.os", SimpleNamespace(link=refuse))
    (run_id,) = train(study)
    (model,) = models(study.uri)
    own = Path(MlflowClient(study.uri).get_run(run_id).info.artifact_uri.removeprefix("file://"))
    for path in folder_of(model).iterdir():
        assert not path.samefile(own / path.name)
        assert path.read_bytes() == (own / path.name).read_bytes()


def test_a_file_store_reads_back_the_scores_of_its_models(study: Any, tmp_path: Path) -> None:
    clips = replace(study.clips, dataset="sounds of my own")
    files = study.with_changes(uri=f"file://{tmp_path}/files", clips=clips)
    (run_id,) = train(files)
    (model,) = models(files.uri)
    assert model.source_run_id == run_id
    assert {metric.dataset_name for metric in model.metrics} == {"sounds_of_my_own"}


def test_models_move_with_their_store(study: Any, tmp_path: Path) -> None:
    train(study)
    home = Path(study.uri.removeprefix("sqlite:///")).parent
    moved = tmp_path / "elsewhere"
    shutil.move(home, moved)
    uri = f"sqlite:///{moved / 'mlflow.db'}"
    store = open_store(uri, create=True)
    (model,) = models(uri)
    assert folder_of(model).is_relative_to(moved)
    assert store.model_folder(model) == folder_of(model)
    assert sorted(path.name for path in folder_of(model).iterdir()) == ["network.json", "weights.safetensors"]


def test_a_model_outside_the_store_is_not_served(study: Any, tmp_path: Path) -> None:
    train(study)
    with closing(sqlite3.connect(study.uri.removeprefix("sqlite:///"))) as database, database:
        database.execute("UPDATE logged_models SET artifact_location = ?", (f"file://{tmp_path}/victim",))
    outside = pytest.raises(TrackingError, match=r"1 artifact locations are outside .*victim")
    with outside, ui_server(study.uri, port=free_port()):
        pass


def test_the_address_of_a_model_leads_to_its_run(study: Any) -> None:
    (run_id,) = train(study)
    (model,) = models(study.uri)
    assert run_of_model(study.uri, f"models:/{model.model_id}") == run_of_model(study.uri, model.model_id) == run_id
    assert run_of_model(study.uri, run_id[:6]) == run_id[:6]
    unknown = f"m-{'0' * 32}"
    with pytest.raises(TrackingError, match=f"cannot read the logged model {unknown}: .*not found"):
        run_of_model(study.uri, f"models:/{unknown}")
    client = MlflowClient(study.uri)
    foreign = client.create_logged_model(client.get_run(run_id).info.experiment_id, "foreign")
    with pytest.raises(TrackingError, match="is not a network of this harness"):
        run_of_model(study.uri, foreign.model_id)


def test_a_server_of_mlflow_2_keeps_the_run(study: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise MlflowException(
            "API request to endpoint /api/2.0/mlflow/logged-models/search failed with error code 404 != 200."
        )

    monkeypatch.setattr("mlflow.tracking.MlflowClient.search_logged_models", unknown)
    (run_id,) = train(study)
    assert MlflowClient(study.uri).get_run(run_id).info.status == "FINISHED"


def test_nothing_in_a_model_is_a_pickle(study: Any) -> None:
    train(study)
    (model,) = models(study.uri)
    for path in folder_of(model).rglob("*"):
        assert not re.search(rb"\x80[\x02-\x05].*\.$", path.read_bytes(), re.DOTALL) or path.suffix == ".safetensors"
        assert path.suffix in (".json", ".safetensors")


def _die(*_: object, **__: object) -> None:
    raise KeyboardInterrupt
