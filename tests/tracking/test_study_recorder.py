"""What StudyRecorder leaves in the store: nesting, tags, metrics, inputs, files."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from harness.errors import TrackingError
from harness.tracking import names
from harness.tracking.files import read_weights
from harness.tracking.study_reader import read_study
from harness.tracking.study_recorder import StudyRecorder, log_notes, log_reports
from harness.training.fuse import fuse_predictions
from harness.training.metrics import clip_predictions, scores


def _runs(uri: str, where: str = "") -> list[Run]:
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("tiny")
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id], where, order_by=["attributes.start_time ASC"]))


def _folder(run: Run) -> Path:
    return Path(run.info.artifact_uri.removeprefix("file://"))


def test_runs_are_nested_study_trial_fold_and_carry_flat_tags(study: Any) -> None:
    with study.recording() as recorder:
        trial = recorder.trial(study.spec.arm("A"), "search", 2, {"train.lr": 0.02})
        task = study.task(phase="search", trial=2, fold=2, values={"train.lr": 0.02})
        fold = study.run_fold(recorder, trial, task)
        recorder.finish_trial(trial, {2: 0.5}, "validation")

    client = MlflowClient(study.uri)
    runs = {
        level: client.get_run(run_id)
        for level, run_id in (("study", recorder.run_id), ("trial", trial), ("fold", fold))
    }
    assert runs["trial"].data.tags["mlflow.parentRunId"] == recorder.run_id
    assert runs["fold"].data.tags["mlflow.parentRunId"] == trial
    assert "mlflow.parentRunId" not in runs["study"].data.tags
    for level, run in runs.items():
        assert set(names.FLAT_TAGS) <= set(run.data.tags)
        assert run.data.tags["level"] == level
        assert run.data.tags["study_run"] == recorder.run_id
        assert run.info.status == "FINISHED"
    expected = {
        "study": "tiny",
        "phase": "search",
        "arm": "A",
        "model": "su4",
        "features": "LMC",
        "dataset": "synthetic",
        "split": "official",
        "epoch_rule": "fixed",
        "fold": "2",
        "seed": "0",
        "trial": "2",
        "digest": task.digest,
        "task_key": "A/search-2/fold2/seed0",
        "device": "a processor",
        "warnings": "something was odd",
    }
    assert {name: runs["fold"].data.tags[name] for name in expected} == expected
    assert json.loads(runs["fold"].data.tags["set"]) == {"train.lr": 0.02, "train.momentum": 0.5}
    assert runs["fold"].data.params["train.lr"] == "0.02"
    assert runs["fold"].data.params["model.dropout"] == "0.5"
    assert runs["trial"].data.params == {"train.lr": "0.02"}
    assert runs["study"].data.tags["fold"] == runs["study"].data.tags["arm"] == "-"
    assert runs["study"].data.tags["digest"] == recorder.spec_digest
    # Digests of the inputs are in one file of the study.
    assert [name for run in runs.values() for name in run.data.tags if name.endswith("_digest")] == []
    inputs = json.loads((_folder(runs["study"]) / "environment.json").read_text())["digests"]
    assert inputs == {**study.digests, "lock": inputs["lock"], "spec": recorder.spec_digest}


@pytest.mark.parametrize("seconds_per_epoch", [0.01, 100])
def test_curves_in_the_store_equal_the_history(
    study: Any, seconds_per_epoch: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = 0.0
    monkeypatch.setattr("harness.tracking.live_curves.time.monotonic", lambda: clock)
    client = MlflowClient(study.uri)
    seen = []
    with study.recording() as recorder:
        trial = recorder.trial(study.spec.arm("A"), "final", None)
        task = study.task()
        run_id = recorder.start_fold(trial, task)
        result = study.result(task)
        # Three epochs come live, the last with the result only.
        for row in result.history.to_dict("records")[:3]:
            clock += seconds_per_epoch
            recorder.log_epoch(run_id, row)
            seen.append(len(client.get_metric_history(run_id, "epoch/train_loss")))
        recorder.finish_fold(run_id, result, study.tables(result), {})

    # Long epochs stand there at once; short ones wait to be written together.
    assert seen == ([1, 2, 3] if seconds_per_epoch > 1 else [1, 1, 1])
    for column in ("lr", "train_loss", "validation_macro_accuracy"):
        stored = client.get_metric_history(run_id, f"epoch/{column}")
        assert [metric.step for metric in stored] == [1, 2, 3, 4]
        assert [metric.value for metric in stored] == result.history[column].tolist()
    metrics = client.get_run(run_id).data.metrics
    assert metrics["best_epoch"] == 3
    assert metrics["seconds"] == 1.5
    assert metrics["seconds_load"] == 0.25
    assert metrics["segments_per_second"] == 1234.5


def test_epochs_before_an_end_are_not_lost(study: Any) -> None:
    with pytest.raises(KeyboardInterrupt), study.recording() as recorder:  # noqa: PT012
        trial = recorder.trial(study.spec.arm("A"), "final", None)
        runs = [recorder.start_fold(trial, study.task(fold=fold)) for fold in (1, 2)]
        for run_id in runs:
            for row in study.result(study.task()).history.to_dict("records"):
                recorder.log_epoch(run_id, row)
        recorder.fail_fold(runs[0], "failed")
        raise KeyboardInterrupt
    client = MlflowClient(study.uri)
    assert [len(client.get_metric_history(run_id, "epoch/train_loss")) for run_id in runs] == [4, 4]


def test_gaps_in_a_history_stay_gaps(study: Any) -> None:
    with study.recording() as recorder:
        run_id = recorder.start_fold(recorder.trial(study.spec.arm("A"), "final", None), study.task())
        recorder.log_epoch(run_id, {"epoch": 1, "train_loss": math.inf, "validation_loss": math.nan, "lr": 0.1})
    metrics = MlflowClient(study.uri).get_run(run_id).data.metrics
    assert metrics == {"epoch/lr": 0.1}


def test_scores_of_each_part_are_metrics(study: Any) -> None:
    with study.recording() as recorder:
        run_id = study.run_fold(recorder, recorder.trial(study.spec.arm("A"), "final", None), study.task())
    metrics = MlflowClient(study.uri).get_run(run_id).data.metrics
    table = study.tables(study.result(study.task()))["test"]
    expected = scores(table["y_true"], table[["p_0", "p_1"]], 2)
    assert metrics["test_macro_accuracy"] == expected.macro_accuracy
    assert metrics["test_f1"] == expected.f1
    assert metrics["test_segment_accuracy"] == table["n_segments_correct"].sum() / table["n_segments"].sum()
    assert "validation_clip_accuracy" in metrics


def test_the_study_run_has_the_accuracies_of_its_arms_and_pages_have_the_findings(study: Any) -> None:
    with study.recording() as recorder:
        runs = {name: recorder.trial(study.spec.arm(name), "final", None) for name in ("A", "A+B")}
        for number, run_id in enumerate(runs.values()):
            recorder.finish_trial(run_id, {1: 0.5, 3: 0.75 + number / 8}, "test")
    client = MlflowClient(study.uri)
    metrics = client.get_run(recorder.run_id).data.metrics
    assert {name: metrics[f"macro_accuracy/{name}"] for name in ("A", "A_B")} == {"A": 0.625, "A_B": 0.6875}
    assert metrics["sd/A"] == np.std([0.5, 0.75], ddof=1)
    assert [point.step for point in client.get_metric_history(recorder.run_id, "by_fold/A_B")] == [1, 3]
    log_notes(study.uri, recorder.run_id, "- found", {"A": "- *lower*", "A+B": ""}, {"A": "lower (x:T1/A)", "A+B": ""})
    tags = [client.get_run(run_id).data.tags for run_id in (recorder.run_id, runs["A"], runs["A+B"])]
    assert [each["mlflow.note.content"] for each in tags] == ["- found", "- *lower*", ""]
    assert [each.get("verdict") for each in tags] == [None, "lower (x:T1/A)", "-"]


def test_the_page_of_a_final_training_says_where_its_curves_pictures_and_network_are(study: Any) -> None:
    with study.recording() as recorder:
        arm = study.spec.arm("A")
        search = study.run_fold(recorder, recorder.trial(arm, "search", 0), study.task(phase="search", trial=0))
        final = study.run_fold(recorder, recorder.trial(arm, "final", None), study.task())
    client = MlflowClient(study.uri)
    assert client.get_run(final).data.tags["mlflow.note.content"] == (
        "Tab *Model metrics*: learning curves by epoch. Tab *Artifacts*: predictions, the network, which `harness "
        "predict` and `harness export` use."
    )
    # Of searches there may be thousands.
    assert "mlflow.note.content" not in client.get_run(search).data.tags


def test_a_trial_repeats_its_folds_with_mean_and_sd(study: Any) -> None:
    with study.recording() as recorder:
        whole = recorder.trial(study.spec.arm("A"), "search", 0)
        recorder.finish_trial(whole, {1: 0.25, 2: 0.5, 3: 1.0}, "validation")
        pruned = recorder.trial(study.spec.arm("A"), "search", 1)
        recorder.finish_trial(pruned, {1: 0.25}, "validation", pruned=True)
        failed = recorder.trial(study.spec.arm("A"), "search", 2)
        recorder.finish_trial(failed, {}, "validation", "loss is not finite")
    client = MlflowClient(study.uri)
    run = client.get_run(whole)
    by_fold = "validation_macro_accuracy_by_fold"
    assert run.data.metrics == {
        by_fold: 1.0,
        "mean_validation_macro_accuracy": pytest.approx(np.mean([0.25, 0.5, 1.0]), abs=0),
        "sd_validation_macro_accuracy": pytest.approx(np.std([0.25, 0.5, 1.0], ddof=1), abs=0),
    }
    curve = client.get_metric_history(whole, by_fold)
    assert [(point.step, point.value) for point in curve] == [(1, 0.25), (2, 0.5), (3, 1.0)]
    # A search says nothing about the study's accuracies.
    assert not client.get_run(recorder.run_id).data.metrics
    assert run.data.tags["pruned"] == "false"
    assert client.get_run(pruned).data.metrics == {by_fold: 0.25, "mean_validation_macro_accuracy": 0.25}
    assert client.get_run(pruned).data.tags["pruned"] == "true"
    assert client.get_run(failed).info.status == "FAILED"
    assert client.get_run(failed).data.tags["error"] == "loss is not finite"
    assert client.get_run(failed).data.tags["pruned"] == "false"


def test_the_same_trial_is_one_run(study: Any) -> None:
    with study.recording() as recorder:
        first = recorder.trial(study.spec.arm("A"), "final", None)
        recorder.finish_trial(first, {1: 0.5}, "test")
        assert recorder.trial(study.spec.arm("A"), "final", None) == first
        assert MlflowClient(study.uri).get_run(first).info.status == "RUNNING"
        assert recorder.trial(study.spec.arm("B"), "final", None) != first
        recorder.finish_trial(first, {1: 0.5}, "test")


def test_a_trial_that_ended_stays_closed_until_something_is_trained_below_it(study: Any) -> None:
    arm, client = study.spec.arm("A"), MlflowClient(study.uri)
    with study.recording() as recorder:
        first = recorder.trial(arm, "final", None)
        study.run_fold(recorder, first, study.task(fold=1))
        recorder.finish_trial(first, {1: 0.5}, "test")
    ended = client.get_run(first)

    with study.recording() as recorder:
        assert recorder.trial(arm, "final", None) == first
        assert client.get_run(first).info.status == "FINISHED"
        recorder.finish_trial(first, {1: 0.5}, "test")
        again = client.get_run(first)
        assert (again.info.end_time, again.data.metrics) == (ended.info.end_time, ended.data.metrics)
    for run_id, key in ((first, "test_macro_accuracy_by_fold"), (recorder.run_id, "by_fold/A")):
        assert len(client.get_metric_history(run_id, key)) == 1

    with study.recording() as recorder:
        recorder.trial(arm, "final", None)
        study.run_fold(recorder, first, study.task(fold=2))
        assert client.get_run(first).info.status == "RUNNING"
        recorder.finish_trial(first, {1: 0.5, 2: 1.0}, "test")
        assert client.get_run(first).info.status == "FINISHED"
        assert client.get_run(first).data.metrics["mean_test_macro_accuracy"] == 0.75
    with study.recording() as recorder:
        recorder.trial(arm, "final", None)
        recorder.finish_trial(first, {}, "test", "loss is not finite")
        assert client.get_run(first).info.status == "FAILED"


def test_parts_are_inputs_with_digest_and_counts(study: Any) -> None:
    with study.recording() as recorder:
        trial = recorder.trial(study.spec.arm("A"), "final", None)
        folds = [recorder.start_fold(trial, study.task(fold=fold)) for fold in (1, 2)]
    client = MlflowClient(study.uri)
    inputs = [
        {each.tags[0].value: each.dataset for each in client.get_run(run_id).inputs.dataset_inputs} for run_id in folds
    ]
    assert set(inputs[0]) == {"train", "validation", "test"}
    profile = json.loads(inputs[0]["test"].profile)
    assert profile == {"unit": "clip", "items": 4, "clips": 4, "recordings": 2}
    # Fold 1 validates on fold 2, so these are the same clips and have the same digest.
    assert inputs[0]["validation"].digest == inputs[1]["test"].digest
    assert inputs[0]["test"].digest != inputs[1]["test"].digest
    whole = client.get_run(recorder.run_id).inputs.dataset_inputs[0].dataset
    assert json.loads(whole.profile)["clips"] == 12


def test_a_fold_run_holds_its_files(study: Any, tmp_path: Path) -> None:
    picture = tmp_path / "somewhere.png"
    picture.write_bytes(b"\x89PNG from a file")
    with study.recording() as recorder:
        trial = recorder.trial(study.spec.arm("A"), "final", None)
        task = study.task()
        run_id = recorder.start_fold(trial, task)
        result = study.result(task)
        pictures = {"curves.png": b"\x89PNG from memory", "confusion_test.png": picture}
        recorder.finish_fold(run_id, result, study.tables(result), {}, pictures)
        recorder.add_pictures(recorder.run_id, {"late.png": b"\x89PNG late"})
        run = MlflowClient(study.uri).get_run(run_id)
    folder = _folder(run)
    files = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    assert files == {
        "segments.parquet",
        "predictions.parquet",
        "history.csv",
        "weights.safetensors",
        "network.json",
        "pictures/curves.png",
        "pictures/confusion_test.png",
    }
    assert (folder / "pictures/curves.png").read_bytes() == b"\x89PNG from memory"
    assert (folder / "pictures/confusion_test.png").read_bytes() == b"\x89PNG from a file"
    weights = read_weights(folder / "weights.safetensors")
    assert weights.keys() == result.weights.keys()
    for name, array in result.weights.items():
        assert weights[name].dtype == array.dtype
        np.testing.assert_array_equal(weights[name], array)
    listed = MlflowClient(study.uri).list_artifacts(recorder.run_id, "pictures")
    assert [each.path for each in listed] == ["pictures/late.png"]


def test_a_failed_training_is_a_row_with_its_error(study: Any) -> None:
    with study.recording() as recorder:
        trial = recorder.trial(study.spec.arm("A"), "final", None)
        raised = recorder.start_fold(trial, study.task(fold=1))
        try:
            raise RuntimeError("out of memory at postgresql://me:hunter2@host/db")
        except RuntimeError as error:
            recorder.fail_fold(raised, error)
        told = recorder.start_fold(trial, study.task(fold=2))
        recorder.fail_fold(told, "worker died", "Traceback: of the worker")
        assert recorder.finished_folds() == {}
    client = MlflowClient(study.uri)
    assert [client.get_run(run_id).info.status for run_id in (raised, told)] == ["FAILED", "FAILED"]
    assert client.get_run(raised).data.tags["error"] == "RuntimeError: out of memory at postgresql://me:***@host/db"
    trace = (_folder(client.get_run(raised)) / "error.txt").read_text()
    assert "Traceback (most recent call last)" in trace
    assert "hunter2" not in trace
    assert (_folder(client.get_run(told)) / "error.txt").read_text() == "Traceback: of the worker"
    assert client.get_run(recorder.run_id).info.status == "FINISHED"


def test_a_fused_arm_is_a_row_without_training(study: Any) -> None:
    def fuse(recorder: StudyRecorder, fold_runs: list[str]) -> str:
        arm = study.spec.arm("A+B")
        segments = fuse_predictions([recorder.load_predictions(each) for each in fold_runs], arm.rule, arm.level)
        table = clip_predictions(segments[segments["part"] == "test"], study.clips)
        measured = scores(table["y_true"], table[["p_0", "p_1"]], 2)
        trial = recorder.trial(arm, "final", None)
        return str(recorder.log_fused_fold(trial, arm, 1, 0, segments, table, measured, fold_runs))

    with study.recording() as recorder:
        streams = [
            study.run_fold(recorder, recorder.trial(study.spec.arm(arm), "final", None), study.task(arm))
            for arm in ("A", "B")
        ]
        fused = fuse(recorder, streams)
        assert fuse(recorder, streams) == fused
    with study.recording() as again:
        arm = study.spec.arm("A+B")
        known = again.fused_fold(arm, 1, 0, streams)
        assert known is not None
        assert known.run_id == fused
        # Of another training, in another order, or by another rule: fused again.
        assert again.fused_fold(arm, 1, 1, streams) is None
        assert again.fused_fold(arm, 1, 0, streams[::-1]) is None
        assert again.fused_fold(arm.model_copy(update={"rule": "mean"}), 1, 0, streams) is None
        assert fuse(again, streams) == fused
    run = MlflowClient(study.uri).get_run(fused)
    assert run.info.status == "FINISHED"
    assert known.accuracies == {"test": run.data.metrics["test_macro_accuracy"]}
    assert run.data.tags["arm"] == "A+B"
    assert run.data.tags["model"] == "dempster-shafer (clip) of A, B"
    assert run.data.tags["features"] == "LMC & MC"
    assert run.data.params == {}
    assert "test_segment_accuracy" not in run.data.metrics
    assert run.data.metrics["test_macro_accuracy"] >= 0
    assert sorted(file.name for file in _folder(run).iterdir()) == ["predictions.parquet", "segments.parquet"]


def test_a_search_is_kept(study: Any) -> None:
    document = {"arm": "A", "trials": [{"trial": 0}], "chosen": {"1": 0}, "importance": {"train.lr": 1.0}}
    with study.recording() as recorder:
        recorder.log_search("A", document)
        run = MlflowClient(study.uri).get_run(recorder.run_id)
    assert json.loads((_folder(run) / "search" / "A.json").read_text()) == document
    assert read_study(study.uri, study.spec.study.name, recorder.run_id).searches == {"A": document}


def test_no_password_reaches_the_store(make_study: Callable[..., Any], tmp_path: Path) -> None:
    secret = "hunter2secret"
    study = make_study(
        search={"storage": f"postgresql://me:{secret}@host/optuna"},
        tracking={"uri": f"postgresql://me:{secret}@host/mlflow", "system_metrics": False},
    ).with_changes(
        command=f"harness run-study tiny.toml --set tracking.uri=postgresql://me:{secret}@host/mlflow",
        overrides=(f"tracking.uri=postgresql://me:{secret}@host/mlflow",),
    )
    with study.recording() as recorder:
        recorder.trial(study.spec.arm("A"), "final", None)
    run = MlflowClient(study.uri).get_run(recorder.run_id)
    spec = json.loads((_folder(run) / "study.json").read_text())
    assert spec["tracking"]["uri"] == "postgresql://me:***@host/mlflow"
    written = [file for file in (tmp_path / "mlruns").rglob("*") if file.is_file()]
    assert len(written) >= 5
    for file in written:
        assert secret.encode() not in file.read_bytes(), file


def test_the_study_run_says_what_it_ran_on(study: Any) -> None:
    with study.recording() as recorder:
        pass
    run = MlflowClient(study.uri).get_run(recorder.run_id)
    folder = _folder(run)
    environment = json.loads((folder / "environment.json").read_text())
    assert environment["command"] == "harness run-study tiny.toml"
    assert environment["packages"]["mlflow"]
    assert environment["digests"]["spec"] == recorder.spec_digest
    assert environment["digests"]["features.LMC"] == "a" * 64
    assert run.data.tags["mlflow.source.name"] == "harness"
    assert json.loads((folder / "study.json").read_text())["study"]["name"] == "tiny"
    experiment = MlflowClient(study.uri).get_experiment(run.info.experiment_id)
    assert experiment.name == "tiny"
    assert experiment.artifact_location.endswith("/mlruns/artifacts/tiny")


def test_a_change_of_packages_between_sessions_is_told(study: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with study.recording():
        pass
    monkeypatch.setattr("harness.tracking.session_environment.installed_packages", lambda: {"torch": "0.0"})
    with study.recording() as recorder:
        pass
    run = MlflowClient(study.uri).get_run(recorder.run_id)
    assert run.data.tags["changed_between_sessions"] == "packages"
    earlier = json.loads((_folder(run) / "environment-session-1.json").read_text())
    assert earlier["packages"]["mlflow"]
    assert json.loads((_folder(run) / "environment.json").read_text())["packages"] == {"torch": "0.0"}


def test_reports_are_copied_into_the_study_run(study: Any) -> None:
    with study.recording() as recorder:
        pass
    log_reports(study.uri, recorder.run_id, {"tables/accuracy.tex": b"A & 0.5"})
    run = MlflowClient(study.uri).get_run(recorder.run_id)
    assert (_folder(run) / "reports" / "tables" / "accuracy.tex").read_text() == "A & 0.5"
    assert run.info.status == "FINISHED"


def test_system_metrics_are_sampled_into_the_study_run(
    make_study: Callable[..., Any], uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.2")
    study = make_study(tracking={"uri": uri, "system_metrics": True})
    with study.recording() as recorder:
        time.sleep(1)
    metrics = MlflowClient(uri).get_run(recorder.run_id).data.metrics
    assert metrics["system/cpu_utilization_percentage"] >= 0
    assert "system/system_memory_usage_megabytes" in metrics


def test_a_deleted_experiment_is_named_with_the_way_out(study: Any) -> None:
    with study.recording():
        pass
    client = MlflowClient(study.uri)
    client.delete_experiment(client.get_experiment_by_name("tiny").experiment_id)
    with pytest.raises(TrackingError, match=r"'tiny' was deleted .*mlflow experiments restore"):
        study.open()
