"""Replay: equal to the bit from the record alone, and every kind of change is found and named."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import soundfile
from safetensors.numpy import load_file, save_file

from harness.cli.output.show_replay import show_replay
from harness.errors import TrackingError, TrainingError
from harness.executors.events import Epoch, Event, Take
from harness.executors.local import InProcessExecutor
from harness.replay.outcome import Replay
from harness.replay.rebuild import REST, device_of
from harness.replay.training_conditions import Difference
from harness.study import StudySpec
from harness.tracking.recorded_run import read_run
from harness.training.task import FoldTask
from tests.replay.conftest import STUDY, Recorded, altered, run, set_json, spec_of


def names(found: Replay) -> set[str]:
    return {each.name for each in found.differences}


def fingerprint(uri: str) -> dict[str, str]:
    """Return the digest of every file of a store."""
    folder = Path(uri.removeprefix("sqlite:///")).parent
    files = [file for file in folder.rglob("*") if file.is_file() and not file.name.endswith(("-wal", "-shm"))]
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.mark.slow
def test_a_study_is_equal_to_the_bit_and_its_store_stays_as_it_was(recorded: Recorded) -> None:
    before = fingerprint(recorded.uri)
    found = recorded.replay()
    assert found.equal
    assert found.run.spec_is_original is True
    places = {(fold.recorded.arm, fold.recorded.phase, fold.recorded.trial is None) for fold in found.folds}
    assert len(found.folds) == 2 * 2 + 2 * 2 + 2
    assert {arm for arm, _, _ in places} == {"A", "B", "A+B"}
    assert not found.differences
    trained = [fold for fold in found.folds if not fold.recorded.is_fused]
    assert all(fold.segments is not None and fold.segments.rows >= 20 for fold in trained)
    assert [fold.weights is not None for fold in trained] == [fold.recorded.phase == "final" for fold in trained]
    assert {fold.made for fold in found.folds if fold.recorded.is_fused} == {
        "fused again: 2 streams replayed, 0 from the record"
    }
    assert fingerprint(recorded.uri) == before


@pytest.mark.slow
def test_two_workers_replay_what_one_recorded(recorded: Recorded) -> None:
    found = recorded.replay(workers=2, folds=[1])
    assert len(found.folds) == 5
    assert found.equal
    # The recorded command line names one.
    assert [(each.before, each.after) for each in found.differences] == [("1", "2")]


@pytest.mark.slow
def test_a_trial_of_a_search(recorded: Recorded) -> None:
    fold = recorded.fold("A", 3, "search", 1)
    found = recorded.replay(fold.run_id)
    assert found.equal
    assert found.folds[0].recorded.settings["train.lr"] != "0.001"
    assert found.folds[0].weights is None


def test_a_fused_fold_alone_comes_from_recorded_streams(recorded: Recorded) -> None:
    found = recorded.replay_fold("A+B")
    assert found.equal
    assert found.made == "fused again: 0 streams replayed, 2 from the record"


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupted_and_resumed_study_replays(recorded: Recorded, tmp_path: Path, workers: int) -> None:
    class Interrupted(InProcessExecutor):
        """Is stopped in the middle of the third training."""

        def run(self, take: Take, on_event: Callable[[Event], None]) -> None:
            epochs = 0

            def count(event: Event) -> None:
                nonlocal epochs
                epochs += isinstance(event, Epoch)
                if epochs == 5:
                    raise KeyboardInterrupt
                on_event(event)

            super().run(take, count)

    spec = spec_of(search={"trials": 0}, evaluate={"folds": [1, 3]})
    with pytest.raises(KeyboardInterrupt):
        run(spec, tmp_path, recorded.shared, executor=lambda *_: Interrupted())
    again = run(spec, tmp_path, recorded.shared, workers)
    found = again.replay()
    assert len(found.folds) == 6
    assert found.equal


@pytest.mark.slow
def test_only_some_folds_and_seeds(recorded: Recorded) -> None:
    found = recorded.replay(folds=[3], seeds=[0])
    assert {fold.recorded.fold for fold in found.folds} == {3}
    assert found.equal


@pytest.mark.parametrize(
    ("only", "message"),
    [
        ({"folds": [2]}, r"--fold 2: run \w+ \(tiny\) has no such finished training; available: 1, 3"),
        ({"seeds": [1]}, r"--seed 1: .*available: 0"),
        ({"arms": ["C"]}, r"--arm C: .*available: A, B, A\+B"),
    ],
)
def test_folds_that_the_run_has_not(recorded: Recorded, only: dict[str, Any], message: str) -> None:
    with pytest.raises(TrackingError, match=message):
        recorded.replay(**only)


@pytest.mark.slow
def test_another_seed_of_the_study_is_found(recorded: Recorded, capsys: pytest.CaptureFixture[str]) -> None:
    fold = recorded.fold("B", 1)
    with altered(recorded.artifact(recorded.run_id, "study.json"), set_json(study__seed=4)):
        found = recorded.replay(fold.run_id)
    assert not found.equal
    assert found.run.spec_is_original is False
    assert names(found) == {REST}
    (row,) = found.folds
    assert row.segments is not None
    assert row.segments.changed == row.segments.rows > 0
    assert row.epoch == 1
    show_replay(found)
    said = " ".join(capsys.readouterr().out.split())
    assert "study.json is not the file that this run was made with" in said
    assert "NOT EQUAL: 1 of 1 trainings differ or failed" in said
    assert "no recorded condition explains the difference" not in said


@pytest.mark.slow
def test_a_hyperparameter_that_was_changed_in_the_study_is_named(recorded: Recorded) -> None:
    with altered(recorded.artifact(recorded.run_id, "study.json"), set_json(train__lr=0.002)):
        found = recorded.replay(recorded.fold("B", 1).run_id)
    assert not found.equal
    assert list(found.differences) == [Difference("setting train.lr", "0.001", "0.002")]


def test_one_changed_prediction_is_found_and_nothing_explains_it(
    recorded: Recorded, capsys: pytest.CaptureFixture[str]
) -> None:
    fold = recorded.fold("B", 3)

    def nudge(file: Path) -> None:
        table = pd.read_parquet(file)
        table.loc[5, "p_0"] = np.nextafter(table.loc[5, "p_0"], np.float32(1), dtype=np.float32)
        table.to_parquet(file, index=False)

    with altered(recorded.artifact(fold.run_id, "segments.parquet"), nudge):
        found = recorded.replay(fold.run_id)
    (row,) = found.folds
    assert row.segments is not None
    assert row.clips is not None
    assert (row.segments.changed, row.clips.classes, row.epoch, row.equal) == (1, 0, None, False)
    assert 0 < row.segments.largest < 1e-6
    show_replay(found)
    said = " ".join(capsys.readouterr().out.split())
    assert "no recorded condition differs" in said
    assert "no recorded condition explains the difference: B fold 3 seed 0" in said


@pytest.mark.slow
def test_one_changed_clip_prediction_is_found(recorded: Recorded) -> None:
    fold = recorded.fold("B", 1)

    def swap(file: Path) -> None:
        table = pd.read_parquet(file)
        row = table.index[table["part"] == "test"][0]
        likely = int(table.filter(regex=r"^p_\d+$").loc[row].to_numpy().argmax())
        table.loc[row, [f"p_{likely}", f"p_{(likely + 1) % 10}"]] = [0.0, 1.0]
        table.to_parquet(file, index=False)

    with altered(recorded.artifact(fold.run_id, "predictions.parquet"), swap):
        (row,) = recorded.replay(fold.run_id).folds
    assert row.segments is not None
    assert row.clips is not None
    assert (row.segments.equal, row.clips.probabilities.changed, row.clips.classes) == (True, 1, 1)
    assert not row.equal


@pytest.mark.slow
def test_one_changed_weight_and_one_changed_loss_are_found(recorded: Recorded) -> None:
    fold = recorded.fold("A", 1)

    def nudge(file: Path) -> None:
        weights = load_file(file)
        weights["fc.bias"][0] += 1e-3
        save_file(weights, file)

    with altered(recorded.artifact(fold.run_id, "weights.safetensors"), nudge):
        (row,) = recorded.replay(fold.run_id).folds
    assert row.weights is not None
    assert (row.weights.changed, row.equal) == (1, False)
    assert row.segments is not None
    assert row.segments.equal

    def reword(file: Path) -> None:
        table = pd.read_csv(file)
        table.loc[1, "train_loss"] += 1e-9
        table.to_csv(file, index=False)

    with altered(recorded.artifact(fold.run_id, "history.csv"), reword):
        (row,) = recorded.replay(fold.run_id).folds
    assert (row.epoch, row.equal) == (2, False)


@pytest.mark.slow
def test_other_packages_and_code_are_named_although_the_result_is_equal(recorded: Recorded) -> None:
    fold = recorded.fold("B", 1)
    file = recorded.artifact(recorded.run_id, "environment.json")
    with altered(file, set_json(packages__torch="0.1", git__commit="a" * 40, hardware__cpu="other")):
        found = recorded.replay(fold.run_id)
    assert found.equal
    told = {each.name: each.before for each in found.differences}
    assert told["package torch"] == "0.1"
    assert told["code commit"] == "a" * 40
    assert list(told) == ["code commit", "processor", "package torch"]


@pytest.mark.slow
def test_changed_audio_is_a_difference_of_data_and_features_not_of_the_split(
    recorded: Recorded, tmp_path: Path
) -> None:
    root = tmp_path / "data"
    shutil.copytree(recorded.shared / "data", root)
    # Fold 3 tests, fold 1 validates: fold 2 is trained on.
    audio = next(file for file in sorted(root.rglob("*.wav")) if file.name.startswith("2-"))
    before = hashlib.sha256(audio.read_bytes()).hexdigest()
    samples, rate = soundfile.read(audio, dtype="int16")
    soundfile.write(audio, samples[::-1], rate, subtype="PCM_16")
    # The synthetic data set mends itself unless its list of checksums is changed too.
    checksums = audio.parents[1] / "sha256.txt"
    after = hashlib.sha256(audio.read_bytes()).hexdigest()
    checksums.write_text(checksums.read_text("ascii").replace(before, after), "ascii")
    found = recorded.replay(recorded.fold("B", 3).run_id, data_root=root, cache=tmp_path / "cache")
    assert names(found) == {"data digest", "features digest"}
    (row,) = found.folds
    assert row.segments is not None
    assert row.segments.changed > 0
    assert not row.equal


@pytest.mark.slow
def test_a_training_that_fails_is_a_row_and_the_others_go_on(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from harness.training.loop import train_together

    def fail(tasks: Sequence[FoldTask], on_epoch: object) -> object:
        if tasks[0].arm == "A":
            raise TrainingError("no memory")
        return train_together(tasks, on_epoch)  # type: ignore[arg-type]

    monkeypatch.setattr("harness.training.loop.train_together", fail)
    found = recorded.replay(folds=[1])
    told = {(fold.recorded.arm, fold.recorded.phase): fold for fold in found.folds}
    assert not found.equal
    assert told["A", "final"].error == "no memory"
    assert told["B", "final"].equal
    assert told["A+B", "final"].equal
    assert told["A+B", "final"].made == "fused again: 1 streams replayed, 1 from the record"
    show_replay(found)
    assert "failed: A fold 1 seed 0: no memory" in capsys.readouterr().out


@pytest.mark.slow
def test_lost_predictions_are_a_row_with_its_error(recorded: Recorded) -> None:
    fold = recorded.fold("B", 1)
    with altered(recorded.artifact(fold.run_id, "segments.parquet"), Path.unlink):
        (row,) = recorded.replay(fold.run_id).folds
    assert "has lost its segment predictions" in row.error
    assert not row.equal


def test_a_study_of_another_version_names_the_code_to_take(recorded: Recorded) -> None:
    changed = altered(recorded.artifact(recorded.run_id, "study.json"), set_json(train__gone=1))
    message = (
        r"^study.json of run \w+: train.gone: unknown key[^\n]*\n.*(commit|version) \S+ of the harness; .*replay it"
    )
    with changed, pytest.raises(TrackingError, match=message):
        read_run(recorded.uri, recorded.run_id)


def test_an_arm_that_the_recorded_study_has_not(recorded: Recorded) -> None:
    def rename(file: Path) -> None:
        file.write_text(file.read_text(encoding="utf-8").replace('"B"', '"C"'), encoding="utf-8")

    fold, study = recorded.fold("B", 1), recorded.artifact(recorded.run_id, "study.json")
    with altered(study, rename), pytest.raises(TrackingError, match=r"has no arm 'B', which .*; it has: A, C, A\+B"):
        recorded.replay(fold.run_id)
    with altered(study, set_json(evaluate__folds=[3])):
        (row,) = recorded.replay(fold.run_id).folds
    assert "the recorded study tests folds 3, not 1" in row.error


def test_a_gpu_that_is_not_here_is_asked_for(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    fold = recorded.fold("B", 1)
    away = replace(fold, conditions={"device": "a GPU"}, environment={"hardware": {"gpus": [{"name": "a GPU"}]}})
    with pytest.raises(TrainingError, match=r"trained on a GPU, and this machine has no CUDA device; --device cpu"):
        device_of(away, "recorded")
    assert device_of(away, "cpu") == "cpu"
    assert device_of(fold, "recorded") == "cpu"
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    assert device_of(away, "recorded") == "cuda"
    assert device_of(fold, "cuda:0") == "cuda:0"


def test_what_trains_on_a_gpu_again_has_a_gpu_s_features(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    """Features of a GPU and of a processor differ in their last digits, and a network learns from either."""

    class AskedError(Exception):
        """Ends the replay where features would be computed."""

    def study_inputs(spec: StudySpec, *others: object) -> None:
        _, _, workers, device, _, _ = others
        raise AskedError(device, [arm.name for arm in spec.arms], workers)

    monkeypatch.setattr("harness.replay.rebuild.study_inputs", study_inputs)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    for asked, place in (("recorded", "cpu"), ("cuda:0", "cuda:0")):
        with pytest.raises(AskedError) as caught:
            recorded.replay(recorded.fold("B", 1).run_id, device=asked)
        assert caught.value.args == (place, ["B"], 1)


def test_a_precision_that_no_device_has_is_told_before_anything_is_loaded(
    recorded: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.training.precision.has_bfloat16", lambda _: False)
    changed = set_json(arms=[{**arm, "set": {"train.precision": "bfloat16"}} for arm in STUDY["arms"][:1]])
    one = recorded.fold("A", 1)
    folders = {"data_root": tmp_path / "data", "cache": tmp_path / "cache"}
    told = pytest.raises(TrainingError, match=r"^A/final.*/fold1/seed0: it was trained in bfloat16, .*AVX-512")
    with altered(recorded.artifact(recorded.run_id, "study.json"), changed), told:
        recorded.replay(one.run_id, **folders)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_where_some_can_be_trained_the_others_are_rows(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.training.precision.has_bfloat16", lambda _: False)
    arms = [{**arm, "set": {"train.precision": "bfloat16"}} if arm["name"] == "A" else arm for arm in STUDY["arms"]]
    with altered(recorded.artifact(recorded.run_id, "study.json"), set_json(arms=arms)):
        found = recorded.replay(folds=[1])
    made = {fold.recorded.arm: fold for fold in found.folds if fold.recorded.phase == "final"}
    assert "has no bfloat16 arithmetic" in made["A"].error
    assert made["B"].equal
