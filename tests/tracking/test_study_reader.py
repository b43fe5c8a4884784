"""What is read back equals what was written; what is not there is told with what is."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlflow.tracking import MlflowClient

from harness.errors import TrackingError
from harness.study import recorded_document
from harness.tracking.study_reader import list_studies, load_fold, load_weights, read_study
from harness.training.metrics import scores


def test_predictions_come_back_exactly(recorded: tuple[Any, str, dict[str, Any]]) -> None:
    study, run_id, results = recorded
    record = read_study(study.uri, "tiny")
    assert (record.name, record.run_id, record.status) == ("tiny", run_id, "FINISHED")
    assert list(record.predictions.columns) == [
        *("arm", "fold", "seed", "clip_id", "recording", "y_true", "p_0", "p_1", "n_segments", "n_segments_correct")
    ]
    assert record.predictions["arm"].unique().tolist() == ["A", "B", "A+B"]
    for arm in ("A", "B"):
        for fold in (1, 2, 3):
            rows = record.predictions.query("arm == @arm and fold == @fold").reset_index(drop=True)
            pd.testing.assert_frame_equal(
                rows.drop(columns=["arm", "fold", "seed"]),
                study.tables(results[f"{arm}{fold}"])["test"],
                check_exact=True,
            )
    rows = record.predictions.query("arm == 'A+B'").reset_index(drop=True)
    pd.testing.assert_frame_equal(rows.drop(columns=["arm", "fold", "seed"]), results["fused"], check_exact=True)


def test_curves_of_final_trainings_come_back_exactly(recorded: tuple[Any, str, dict[str, Any]]) -> None:
    study, _, results = recorded
    history = read_study(study.uri, "tiny").history
    assert history.groupby("arm").size().to_dict() == {"A": 12, "B": 12}
    for arm in ("A", "B"):
        rows = history.query("arm == @arm and fold == 2").reset_index(drop=True)
        pd.testing.assert_frame_equal(
            rows.drop(columns=["arm", "fold", "seed"]), results[f"{arm}2"].history, check_exact=True
        )


def test_the_record_tells_of_every_fold_and_of_the_study(recorded: tuple[Any, str, dict[str, Any]]) -> None:
    study, _, results = recorded
    record = read_study(study.uri, "tiny")
    folds = record.folds
    assert folds[["arm", "phase", "fold"]].to_numpy().tolist() == [
        ["A", "search", 1],
        *(["A", "final", fold] for fold in (1, 2, 3)),
        *(["B", "final", fold] for fold in (1, 2, 3)),
        ["A+B", "final", 1],
    ]
    searched = folds.iloc[0]
    assert searched["trial"] == 0
    assert searched["params"] == {"train.lr": 0.5, "train.momentum": 0.5}
    assert searched["best_epoch"] == 3
    assert searched["device"] == "a processor"
    assert searched["seconds"] == 1.5
    assert searched["segments_per_second"] == 1234.5
    assert pd.isna(folds.iloc[1]["trial"])
    table = study.tables(results["A1"])["validation"]
    expected = scores(table["y_true"], table[["p_0", "p_1"]], 2).macro_accuracy
    assert folds.iloc[1]["validation_macro_accuracy"] == expected
    assert np.isnan(folds.iloc[-1]["validation_macro_accuracy"])
    assert (folds["status"] == "FINISHED").all()
    assert (folds["error"] == "").all()

    assert record.classes == ("hum", "click")
    assert record.spec == study.spec
    assert recorded_document(record.spec) == study.spec.model_dump(mode="json")
    assert record.leakage[["protocol", "fold", "n_test", "n_test_sharing_recording"]].to_numpy().tolist() == [
        ["official", 1, 4, 1],
        ["official", 2, 4, 2],
        ["official", 3, 4, 3],
    ]
    assert record.leakage["recordings"].tolist() == [(), ("rec0",), ("rec0", "rec1")]
    assert record.environment["command"] == "harness run-study tiny.toml"
    assert record.environment["digests"]["data"] == "d" * 64
    assert 0 < record.seconds < 120


def test_a_fold_and_its_weights_can_be_loaded_alone(recorded: tuple[Any, str, dict[str, Any]]) -> None:
    study, run_id, results = recorded
    row = read_study(study.uri, "tiny").folds.query("arm == 'A' and phase == 'final' and fold == 2").iloc[0]
    fold = load_fold(study.uri, row["run_id"])
    assert (fold.run_id, fold.task_key) == (row["run_id"], "A/final/fold2/seed0")
    pd.testing.assert_frame_equal(fold.segments, results["A2"].predictions, check_exact=True)
    pd.testing.assert_frame_equal(fold.history, results["A2"].history, check_exact=True)
    assert fold.clips.keys() == {"validation", "test"}
    assert row["best_epoch"] == 3
    weights = load_weights(study.uri, row["run_id"])
    np.testing.assert_array_equal(weights["conv.weight"], results["A2"].weights["conv.weight"])
    with pytest.raises(TrackingError, match="a finished fold run is needed"):
        load_fold(study.uri, run_id)
    searched = read_study(study.uri, "tiny").folds.iloc[0]["run_id"]
    assert load_weights(study.uri, searched) is None


def test_a_training_is_one_row_and_its_last_finished_attempt_counts(study: Any) -> None:
    with study.recording() as recorder:
        trial = recorder.trial(study.spec.arm("A"), "final", None)
        recorder.fail_fold(recorder.start_fold(trial, study.task(fold=1)), "first try")
        study.run_fold(recorder, trial, study.task(fold=1), draw=1)
        last = study.run_fold(recorder, trial, study.task(fold=1, trial=5), draw=2)
        recorder.fail_fold(recorder.start_fold(trial, study.task(fold=1)), "a late try")
        recorder.fail_fold(recorder.start_fold(trial, study.task(fold=2)), "first try")
        recorder.fail_fold(recorder.start_fold(trial, study.task(fold=2)), "second try")
    record = read_study(study.uri, "tiny")
    assert record.folds["run_id"].tolist()[0] == last
    assert record.folds["status"].tolist() == ["FINISHED", "FAILED"]
    assert record.folds["error"].tolist() == ["", "second try"]
    expected = study.tables(study.result(study.task(fold=1, trial=5), draw=2))["test"]
    assert record.predictions["p_0"].tolist() == expected["p_0"].tolist()


def test_reading_prefers_the_newest_finished_run(study: Any) -> None:
    with study.recording(resume=False) as first:
        pass
    with study.recording(resume=False) as second:
        pass
    with pytest.raises(RuntimeError), study.recording(resume=False) as third:
        raise RuntimeError("broken")
    assert read_study(study.uri, "tiny").run_id == second.run_id
    assert read_study(study.uri, "tiny", first.run_id).run_id == first.run_id
    broken = read_study(study.uri, "tiny", third.run_id)
    assert broken.status == "FAILED"
    assert len(broken.predictions) == 0
    assert broken.folds["fold"].dtype == np.int64


def test_a_study_can_be_read_while_it_runs(study: Any) -> None:
    with study.recording() as recorder:
        trial = recorder.trial(study.spec.arm("A"), "final", None)
        study.run_fold(recorder, trial, study.task())
        recorder.start_fold(trial, study.task(fold=2))
        with pytest.raises(TrackingError, match=rf"'tiny' has no finished run; available: {recorder.run_id} RUNNING"):
            read_study(study.uri, "tiny")
        record = read_study(study.uri, "tiny", recorder.run_id)
    assert record.status == "RUNNING"
    assert record.folds["status"].tolist() == ["FINISHED", "RUNNING"]
    assert record.predictions["fold"].unique().tolist() == [1]


def test_time_between_sessions_does_not_count(study: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = 1_000_000
    for module in ("session", "runs"):
        monkeypatch.setattr(f"harness.tracking.{module}.now_ms", lambda: clock)
    monkeypatch.setattr("harness.tracking.study_recorder.time.monotonic", lambda: clock / 1000)
    for start, seconds in ((0, 10), (5000, 20)):
        clock = (1000 + start) * 1000
        recorder = study.open()
        clock += seconds * 1000
        assert read_study(study.uri, "tiny", recorder.run_id).seconds == (10 if start == 0 else 30)
        recorder.close("FINISHED")
    assert read_study(study.uri, "tiny").seconds == 30


def test_what_is_missing_is_told_with_what_is_there(study: Any, make_study: Callable[..., Any]) -> None:
    with study.recording() as recorder:
        pass
    with make_study(study={"name": "other"}).recording():
        pass
    with pytest.raises(TrackingError, match="no study 'smal'; available: other, tiny"):
        read_study(study.uri, "smal")
    with pytest.raises(TrackingError, match=f"no study run 'abc'; available: {recorder.run_id} FINISHED"):
        read_study(study.uri, "tiny", "abc")


def test_an_empty_store_says_so(uri: str) -> None:
    with pytest.raises(TrackingError, match="the store contains no studies yet"):
        read_study(uri, "tiny")
    assert list_studies(uri) == []


def test_studies_are_listed_newest_first(study: Any, make_study: Callable[..., Any]) -> None:
    with study.recording() as first:
        trial = first.trial(study.spec.arm("A"), "final", None)
        study.run_fold(first, trial, study.task())
        first.fail_fold(first.start_fold(trial, study.task(fold=2)), "no")
    with pytest.raises(KeyboardInterrupt), make_study(study={"name": "other"}).recording() as second:
        raise KeyboardInterrupt
    listed = list_studies(study.uri)
    assert [(each.name, each.run_id, each.status) for each in listed] == [
        ("other", second.run_id, "KILLED"),
        ("tiny", first.run_id, "FINISHED"),
    ]
    assert listed[1].folds == {"FINISHED": 1, "FAILED": 1}


@pytest.mark.parametrize("read", [list_studies, lambda uri: read_study(uri, "tiny")])
def test_reading_never_creates_a_store(read: Callable[[str], object], tmp_path: Path) -> None:
    with pytest.raises(TrackingError, match=r"no tracking store: .*nowhere/mlflow.db does not exist"):
        read(f"sqlite:///{tmp_path}/nowhere/mlflow.db")
    with pytest.raises(TrackingError, match="no tracking store"):
        read(f"file://{tmp_path}/nofolder")
    empty = tmp_path / "empty.db"
    empty.touch()
    with pytest.raises(TrackingError, match="not an MLflow tracking store"):
        read(f"sqlite:///{empty}")
    text = tmp_path / "text.db"
    text.write_text("not a database at all, but long enough to look at")
    with pytest.raises(TrackingError, match="it is not a SQLite database, or is damaged"):
        read(f"sqlite:///{text}")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["empty.db", "text.db"]
    assert empty.stat().st_size == 0


def test_a_store_of_another_mlflow_version_is_told(uri: str) -> None:
    with sqlite3.connect(uri.removeprefix("sqlite:///")) as database:
        database.execute("UPDATE alembic_version SET version_num = 'of another time'")
    database.close()
    with pytest.raises(TrackingError, match=r"(?s)cannot open the tracking store.*mlflow db upgrade"):
        list_studies(uri)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda file: file.write_bytes(b"PAR1 and then nothing"), "predictions.parquet cannot be read"),
        (lambda file: file.unlink(), "has no predictions.parquet"),
    ],
)
def test_a_damaged_artifact_is_told(study: Any, damage: Callable[[Path], object], message: str) -> None:
    with study.recording() as recorder:
        run_id = study.run_fold(recorder, recorder.trial(study.spec.arm("A"), "final", None), study.task())
    folder = Path(MlflowClient(study.uri).get_run(run_id).info.artifact_uri.removeprefix("file://"))
    damage(folder / "predictions.parquet")
    with pytest.raises(TrackingError, match=message):
        read_study(study.uri, "tiny")


def test_a_study_of_another_version_is_migrated_or_names_its_version(study: Any) -> None:
    with study.recording() as recorder:
        study.run_fold(recorder, recorder.trial(study.spec.arm("A"), "final", None), study.task())
        run_id = recorder.run_id
    folder = Path(MlflowClient(study.uri).get_run(run_id).info.artifact_uri.removeprefix("file://"))
    document = json.loads((folder / "study.json").read_text(encoding="utf-8"))
    for later in ("cuda_graphs", "tuned_on", "norm_statistics"):
        del document["train"][later]
    (folder / "study.json").write_text(json.dumps(document), encoding="utf-8")
    train = read_study(study.uri, "tiny").spec.train
    assert (train.cuda_graphs, train.tuned_on, train.norm_statistics) == (False, "not stated", "running")
    document["train"]["gone"] = 1
    (folder / "study.json").write_text(json.dumps(document), encoding="utf-8")
    message = rf"^study\.json of run {run_id}: train\.gone: unknown key[^\n]*\nThe study was recorded by "
    with pytest.raises(TrackingError, match=message):
        read_study(study.uri, "tiny")


def test_a_store_that_was_moved_is_read_where_it_lies(
    recorded: tuple[Any, str, dict[str, Any]], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    study, _, _ = recorded
    before = read_study(study.uri, "tiny")
    home = Path(study.uri.removeprefix("sqlite:///")).parent
    shutil.copytree(home, tmp_path / "moved")
    # The database still names the old place; out of sight for a moment, it must not be needed.
    home.rename(home.with_name("hidden"))
    request.addfinalizer(lambda: home.with_name("hidden").rename(home))
    after = read_study(f"sqlite:///{tmp_path}/moved/mlflow.db", "tiny")
    pd.testing.assert_frame_equal(after.predictions, before.predictions, check_exact=True)
    pd.testing.assert_frame_equal(after.folds, before.folds)


def test_a_file_store_works_the_same(study: Any, tmp_path: Path) -> None:
    moved = study.with_changes(uri=f"file://{tmp_path}/files")
    with moved.recording() as recorder:
        trial = recorder.trial(study.spec.arm("A"), "final", None)
        moved.run_fold(recorder, trial, study.task())
    record = read_study(moved.uri, "tiny")
    expected = study.tables(study.result(study.task()))["test"]
    pd.testing.assert_frame_equal(record.predictions[expected.columns], expected, check_exact=True)
