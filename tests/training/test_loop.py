"""Whole trainings on invented features: they learn, repeat to the bit, and see only what they may."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray

from harness.data.splits import Part, Split
from harness.errors import TrainingError
from harness.features.cache.feature_store import FeatureRef
from harness.models.su import SuNet
from harness.training.learner import Learner
from harness.training.loop import train_fold, train_together
from harness.training.task import FoldResult, FoldTask
from tests.toys import N_CLASSES, same_result, settings_of, task_of, write_images, write_segments
from tests.training.processor import needs_bfloat16

Make = Callable[..., FoldTask]
EVERYTHING = {"gain": 3, "mixup": 0.3, "mask_frames": 2, "mask_bins": 2, "class_weights": True}


def accuracy(result: FoldResult, part: str) -> float:
    rows = result.predictions[result.predictions["part"] == part]
    values = rows[[f"p_{label}" for label in range(N_CLASSES)]].to_numpy()
    return float((values.argmax(axis=1) == rows["y_true"]).mean())


@pytest.mark.parametrize("precision", ["float32", pytest.param("bfloat16", marks=needs_bfloat16)])
def test_a_repeat_is_equal_to_the_bit(make_task: Make, precision: str) -> None:
    task = make_task(settings=settings_of(precision=precision, **EVERYTHING))
    first = train_fold(task)
    torch.manual_seed(123)
    np.random.seed(5)  # noqa: NPY002
    assert same_result(first, train_fold(task))


def test_other_trainings_before_it_do_not_matter(make_task: Make, tmp_path: Path, labels: NDArray[np.int64]) -> None:
    task = make_task()
    alone = train_fold(task)
    (tmp_path / "other").mkdir()
    train_fold(task_of(write_images(tmp_path / "other", labels), labels, settings=settings_of("resnet18", epochs=1)))
    train_fold(make_task(seed=8, settings=settings_of(optimizer="adamw", epochs=1)))
    assert same_result(alone, train_fold(task))


def test_the_seed_matters_and_the_process_is_left_alone(make_task: Make) -> None:
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    first, second = (train_fold(make_task(seed=seed)) for seed in (7, 8))
    assert not same_result(first, second)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads


def test_learns_what_can_be_learnt(make_task: Make) -> None:
    result = train_fold(make_task(settings=settings_of(epochs=8)))
    assert accuracy(result, "validation") > 0.9
    assert accuracy(result, "test") > 0.9
    assert result.history["train_loss"].iloc[-1] < result.history["train_loss"].iloc[0] / 3


@needs_bfloat16
def test_learns_with_every_augmentation_and_bfloat16(make_task: Make) -> None:
    settings = settings_of(
        epochs=10, optimizer="adamw", lr=0.002, schedule="cosine", precision="bfloat16", **EVERYTHING
    )
    assert accuracy(train_fold(make_task(settings=settings)), "test") > 0.9


def test_shuffled_labels_end_at_chance(tmp_path: Path) -> None:
    """Without this, a leak of labels into the input would look like skill."""
    truth = np.arange(240, dtype=np.int64) % N_CLASSES
    features = write_segments(tmp_path, truth)
    shuffled = np.random.default_rng(3).permutation(truth)
    result = train_fold(task_of(features, shuffled, settings=settings_of(epochs=6)))
    # 60 test clips of about 3 segments: chance is 1/3, three standard deviations of 60 clips are 0.18.
    assert accuracy(result, "test") < 1 / 3 + 0.18


@pytest.mark.slow
def test_images_train_resnet18(tmp_path: Path, labels: NDArray[np.int64]) -> None:
    features = write_images(tmp_path, labels)
    settings = settings_of("resnet18", epochs=6, lr=0.003, batch_size=8)
    result = train_fold(task_of(features, labels, settings=settings))
    assert accuracy(result, "test") > 0.9
    assert result.weights["conv1.weight"].shape == (64, 3, 7, 7)
    assert set(result.predictions["segment"]) == {0}
    assert len(result.predictions) == 24


def test_stacked_network_gets_its_rows_from_the_files(tmp_path: Path, labels: NDArray[np.int64]) -> None:
    planes = {"MFCC": 5, "LM": 5, "chroma": 2, "contrast": 1, "tonnetz": 1}
    rng = np.random.default_rng(0)
    offsets = np.arange(0, 12 * (len(labels) + 1), 12, dtype=np.int64)
    for plane, bins in planes.items():
        np.save(tmp_path / f"{plane}.npy", rng.normal(size=(offsets[-1], bins)).astype(np.float32))
    files = tuple(str(tmp_path / f"{plane}.npy") for plane in planes)
    features = FeatureRef("MLMC", "segments", tuple(planes), files, offsets, 8, 4, "")
    result = train_fold(task_of(features, labels, settings=settings_of("su4-stacked", epochs=1)))
    # 9 rows and 8 frames a stream: 3 x 2 after two pools.
    assert result.weights["trunk.fc.weight"].shape == (1024, 64 * 3 * 2)


def test_rows_of_the_result(make_task: Make, features: FeatureRef) -> None:
    task = make_task()
    result = train_fold(task)
    table = result.predictions
    assert list(table.columns) == ["part", "clip", "segment", "y_true", "p_0", "p_1", "p_2"]
    assert table[["p_0", "p_1", "p_2"]].dtypes.eq(np.float32).all()
    assert table[["p_0", "p_1", "p_2"]].sum(axis=1).to_numpy() == pytest.approx(np.ones(len(table)), abs=1e-5)
    counts = features.segments_per_clip()
    for name, part in (("validation", task.split.validation), ("test", task.split.test)):
        rows = table[table["part"] == name]
        assert rows.groupby("clip").size().to_dict() == {int(clip): int(counts[clip]) for clip in part.clips}
    assert (table["y_true"].to_numpy() == task.labels[table["clip"]]).all()
    assert list(result.history.columns) == [
        *("epoch", "lr", "train_loss", "train_segment_accuracy"),
        *("validation_macro_accuracy", "validation_loss", "validation_clip_accuracy"),
    ]
    assert result.history["epoch"].tolist() == [1, 2]
    assert result.best_epoch == 2
    assert result.task_key == task.key
    assert result.timing.keys() == {"total", "load", "train", "evaluate", "segments_per_second"}
    n_trained = int(counts[task.split.train.clips].sum()) * 2
    assert result.timing["segments_per_second"] == pytest.approx(n_trained / result.timing["train"])
    assert result.conditions["precision"] == "float32"
    assert result.conditions["threads"] == "1"


def test_weights_give_the_predictions(make_task: Make) -> None:
    task = make_task(normalise="none")
    result = train_fold(task)
    model = SuNet(4, (1, 9, 8), N_CLASSES)
    model.load_state_dict({name: torch.from_numpy(value) for name, value in result.weights.items()})
    row = result.predictions.iloc[-1]
    start = task.features.offsets[row["clip"]] + row["segment"] * task.features.segment_hop
    x = torch.from_numpy(task.features.load()[start : start + 8].T.copy())[None, None]
    with torch.no_grad():
        probabilities = model.eval()(x).softmax(dim=1)[0].numpy()
    assert row[["p_0", "p_1", "p_2"]].to_numpy(np.float32) == pytest.approx(probabilities, abs=1e-5)


def test_weights_are_left_out_when_not_wanted(make_task: Make) -> None:
    assert train_fold(make_task(keep_weights=False)).weights == {}


def test_validation_scores_are_those_of_the_last_epochs_predictions(make_task: Make) -> None:
    result = train_fold(make_task())
    rows = result.predictions[result.predictions["part"] == "validation"]
    clips = rows.groupby("clip")[["p_0", "p_1", "p_2"]].sum()
    truth = rows.groupby("clip")["y_true"].first()
    right = pd.Series(clips.to_numpy().argmax(axis=1) == truth.to_numpy(), index=truth.index)
    last = result.history.iloc[-1]
    assert last["validation_clip_accuracy"] == pytest.approx(right.mean())
    assert last["validation_macro_accuracy"] == pytest.approx(right.groupby(truth).mean().mean())
    own = rows[["p_0", "p_1", "p_2"]].to_numpy()[np.arange(len(rows)), rows["y_true"]]
    assert last["validation_loss"] == pytest.approx(-np.log(own).mean(), rel=1e-4)


@pytest.mark.parametrize("epoch_rule", ["fixed", "best-on-validation", "best-on-test"])
def test_search_never_touches_the_test_part(make_task: Make, epoch_rule: str) -> None:
    task = make_task(phase="search", epoch_rule=epoch_rule, final_train="train+validation")
    result = train_fold(task)
    assert set(result.predictions["part"]) == {"validation"}
    assert not any(column.startswith("test") for column in result.history.columns)
    # A test part that cannot even be cut changes nothing.
    nonsense = dataclasses.replace(task.split, test=Part(np.array([10**9])))
    assert same_result(result, train_fold(dataclasses.replace(task, split=nonsense)))


@pytest.mark.parametrize("epoch_rule", ["fixed", "best-on-validation"])
def test_the_test_part_has_no_say_in_the_training(make_task: Make, epoch_rule: str) -> None:
    task = make_task(epoch_rule=epoch_rule)
    other = dataclasses.replace(task, split=dataclasses.replace(task.split, test=Part(task.split.test.clips[:2])))
    first, second = train_fold(task), train_fold(other)
    assert first.history.equals(second.history)
    assert first.best_epoch == second.best_epoch
    assert all(np.array_equal(value, second.weights[name]) for name, value in first.weights.items())


def test_the_test_part_is_predicted_once(make_task: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    predict = Learner.predict

    def counted(self: Learner, resident: object, part: object) -> object:
        sizes.append(len(part.labels))  # type: ignore[attr-defined]
        return predict(self, resident, part)  # type: ignore[arg-type]

    monkeypatch.setattr(Learner, "predict", counted)
    task = make_task(settings=settings_of(epochs=3))
    result = train_fold(task)
    n_test = int((result.predictions["part"] == "test").sum())
    n_validation = int((result.predictions["part"] == "validation").sum())
    assert n_test != n_validation
    assert sizes == [n_validation] * 3 + [n_test]


def test_training_on_validation_too(make_task: Make, features: FeatureRef) -> None:
    task = make_task(final_train="train+validation")
    result = train_fold(task)
    assert set(result.predictions["part"]) == {"test"}
    assert not any(column.startswith("validation") for column in result.history.columns)
    counts = features.segments_per_clip()
    clips = np.concatenate([task.split.train.clips, task.split.validation.clips])
    expected = int(counts[clips].sum()) * 2
    assert result.timing["segments_per_second"] * result.timing["train"] == pytest.approx(expected)


def restless(make_task: Make, **changes: object) -> FoldTask:
    """Return a task whose validation accuracy goes up and down."""
    return make_task(settings=settings_of(epochs=8, lr=0.03, **changes.pop("train", {})), **changes)


def test_best_on_validation_takes_the_first_best_epoch(make_task: Make) -> None:
    result = train_fold(restless(make_task, epoch_rule="best-on-validation"))
    curve = result.history["validation_macro_accuracy"]
    assert result.best_epoch == int(result.history["epoch"][curve.argmax()])
    assert result.best_epoch < 8
    # The fixed rule with as many epochs is the same training stopped there: same weights, same predictions.
    shorter = restless(make_task, epoch_rule="fixed")
    train = shorter.settings.train.model_copy(update={"epochs": result.best_epoch})
    stopped = train_fold(dataclasses.replace(shorter, settings=shorter.settings.model_copy(update={"train": train})))
    assert result.predictions.equals(stopped.predictions)
    assert all(np.array_equal(value, stopped.weights[name]) for name, value in result.weights.items())


def test_patience_stops_early(make_task: Make) -> None:
    patient = restless(make_task, epoch_rule="best-on-validation", train={"patience": 2})
    result = train_fold(patient)
    assert len(result.history) == result.best_epoch + 2 < 8


def test_a_training_below_its_floor_is_stopped_after_that_epoch(make_task: Make) -> None:
    task = restless(make_task, epoch_rule="fixed")
    whole = train_fold(task)
    curve = whole.history["validation_macro_accuracy"].tolist()
    high = train_fold(dataclasses.replace(task, floor=(-1.0, 1.1, 1.1)))
    assert (high.stopped, len(high.history)) == (True, 2)
    assert high.history["validation_macro_accuracy"].tolist() == curve[:2]
    # The best so far is compared, and a floor that is reached changes nothing.
    low = train_fold(dataclasses.replace(task, floor=tuple(max(curve[: epoch + 1]) for epoch in range(len(curve)))))
    assert not low.stopped
    assert same_result(low, whole)


def test_a_floor_is_part_of_the_training(make_task: Make) -> None:
    task = make_task()
    assert dataclasses.replace(task, floor=(0.5,)).digest != task.digest
    assert dataclasses.replace(task, floor=()).digest == task.digest


def test_what_values_were_tuned_on_is_not(make_task: Make) -> None:
    task = make_task()
    settings = task.settings.model_copy(
        update={"train": task.settings.train.model_copy(update={"tuned_on": "other data", "tuned_by": "hand"})}
    )
    assert dataclasses.replace(task, settings=settings).digest == task.digest
    assert dataclasses.replace(task, settings=settings).trajectory == task.trajectory


def test_best_on_test_watches_the_test_part_and_says_so(make_task: Make) -> None:
    result = train_fold(restless(make_task, epoch_rule="best-on-test"))
    curve = result.history["test_macro_accuracy"]
    assert result.best_epoch == int(result.history["epoch"][curve.argmax()])
    assert set(result.predictions["part"]) == {"validation", "test"}


RULES = ("fixed", "best-on-validation", "best-on-test")


@pytest.mark.slow
def test_several_epoch_rules_share_one_training(make_task: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each result is that of a training of its own, to the bit, whichever task stands first."""
    tasks = [dataclasses.replace(restless(make_task, epoch_rule=rule), arm=rule) for rule in RULES]
    alone = {task.key: train_fold(task) for task in tasks}
    assert len({result.best_epoch for result in alone.values()}) > 1
    told: list[list[dict[str, float]]] = []
    steps = _counted(Learner, "epoch", monkeypatch)
    for order in (tasks, tasks[::-1]):
        together = train_together(order, told.append)
        for task, result in zip(order, together, strict=True):
            assert same_result(result, alone[task.key])
            assert set(result.trained_with) == {other.key for other in order} - {task.key}
    assert len(steps) == 2 * 8
    assert [row["epoch"] for row in told[-1]] == [8, 8, 8]
    assert ["test_macro_accuracy" in row for row in told[0]] == [False, False, True]


def test_tasks_of_several_trajectories_do_not_train_together(make_task: Make) -> None:
    with pytest.raises(ValueError, match="one trajectory"):
        train_together([make_task(), make_task(seed=8)])


def _counted(owner: type, name: str, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Count the calls of a method."""
    calls: list[object] = []
    method = getattr(owner, name)

    def counted(*args: object) -> object:
        calls.append(args[0])
        return method(*args)

    monkeypatch.setattr(owner, name, counted)
    return calls


def test_random_segments(make_task: Make, features: FeatureRef) -> None:
    counts = features.segments_per_clip()
    clips = np.repeat(np.arange(len(counts)), counts)
    segments = np.concatenate([np.arange(count) for count in counts])
    order = np.random.default_rng(0).permutation(len(clips))
    pieces = [Part(clips[rows], segments[rows]) for rows in np.split(order, [60, 80])]
    result = train_fold(make_task(split=Split("random-segment", 1, *pieces)))
    for name, part in zip(("validation", "test"), pieces[1:], strict=True):
        rows = result.predictions[result.predictions["part"] == name]
        assert list(zip(rows["clip"], rows["segment"], strict=True)) == list(
            zip(part.clips, part.segments, strict=True)
        )


def test_schedule_reaches_the_optimiser(make_task: Make) -> None:
    settings = settings_of(epochs=3, schedule="step", milestones=(1,), gamma=1e-9)
    result = train_fold(make_task(settings=settings))
    assert result.history["lr"].tolist() == pytest.approx([0.01, 1e-11, 1e-11])
    one = train_fold(make_task(settings=settings_of(epochs=1)))
    assert result.weights["fc.weight"] == pytest.approx(one.weights["fc.weight"], abs=1e-7)


def test_each_epoch_is_told_and_an_exception_from_the_listener_passes(make_task: Make) -> None:
    told: list[dict[str, float]] = []
    result = train_fold(make_task(), told.append)
    assert pd.DataFrame(told).equals(result.history)

    def stop(_: dict[str, float]) -> None:
        raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        train_fold(make_task(), stop)


def test_divergence_names_epoch_and_rate(make_task: Make) -> None:
    with pytest.raises(TrainingError, match=r"toy/final/fold1/seed0: .* in epoch \d at learning rate 1e\+30; lower"):
        train_fold(make_task(settings=settings_of(lr=1e30, epochs=3)))


def test_infinite_features_are_an_error_not_a_result(make_task: Make, features: FeatureRef) -> None:
    x = np.load(features.files[0])
    x[:] = np.inf
    np.save(features.files[0], x)
    with pytest.raises(TrainingError, match=r"in epoch 1 at learning rate 0.01"):
        train_fold(make_task())


def test_out_of_memory_names_the_batch_size_to_try(make_task: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    monkeypatch.setattr(Learner, "step", full)
    with pytest.raises(TrainingError, match=r"out of memory on cpu with train.batch_size = 8; try .*batch_size = 4"):
        train_fold(make_task())


@pytest.mark.parametrize(
    ("part", "changes", "message"),
    [
        ("train", {}, "training part has 0 items"),
        ("test", {}, "the test part is empty"),
        ("validation", {"phase": "search"}, "the validation part is empty"),
        ("validation", {"epoch_rule": "best-on-validation"}, "the validation part is empty"),
    ],
)
def test_empty_parts_are_told(make_task: Make, part: str, changes: dict[str, str], message: str) -> None:
    task = make_task(**changes)
    empty = dataclasses.replace(task.split, **{part: Part(np.empty(0, np.int64))})
    with pytest.raises(TrainingError, match=message):
        train_fold(dataclasses.replace(task, split=empty))


def test_an_empty_validation_part_is_fine_where_nothing_needs_it(make_task: Make) -> None:
    task = make_task()
    empty = dataclasses.replace(task.split, validation=Part(np.empty(0, np.int64)))
    result = train_fold(dataclasses.replace(task, split=empty))
    assert set(result.predictions["part"]) == {"test"}


def test_unknown_device(make_task: Make) -> None:
    with pytest.raises(TrainingError, match="cuda:63"):
        train_fold(make_task(device="cuda:63"))
