"""What is kept from one training to the next has no say in any result; on the CPU it is kept only here."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from harness.errors import TrainingError
from harness.features.cache.feature_store import FeatureRef
from harness.study import TrainSection
from harness.training import loop, reuse
from harness.training.graphs import GraphLearner
from harness.training.learner import Learner
from harness.training.loop import train_fold
from harness.training.resident import load_planes
from harness.training.reuse import KEPT, OUTSIDE_THE_STEP, Kept, step_key
from harness.training.task import FoldTask
from tests.toys import same_result, settings_of, split_of, task_of, write_images, write_segments
from tests.training.processor import needs_bfloat16

Make = Callable[..., FoldTask]
CPU = torch.device("cpu")


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Kept:
    """Let the CPU keep what a GPU keeps, from nothing."""
    fresh = Kept()
    monkeypatch.setattr(loop, "KEPT_HERE", fresh)
    for module in (loop, reuse):
        monkeypatch.setattr(module, "keeps", lambda _: True)
    return fresh


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that grows by one with each learner made, of whichever kind."""
    kinds: list[str] = []
    begin = Learner.__init__

    def watched(self: Learner, *given: object) -> None:
        kinds.append(type(self).__name__)
        begin(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(Learner, "__init__", watched)
    return kinds


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that grows by a name with each reading of features."""
    names: list[str] = []
    load = FeatureRef.load

    def watched(self: FeatureRef) -> NDArray[np.float32]:
        names.append(self.name)
        return load(self)

    monkeypatch.setattr(FeatureRef, "load", watched)
    return names


def both_ways(tasks: list[FoldTask], monkeypatch: pytest.MonkeyPatch) -> None:
    """Check that each of ``tasks``, trained one after another, gives what it gives in a process that keeps nothing."""
    through = [train_fold(task) for task in tasks]
    with monkeypatch.context() as patch:
        for module in (loop, reuse):
            patch.setattr(module, "keeps", lambda _: False)
        alone = [train_fold(task) for task in tasks]
    assert [same_result(*pair) for pair in zip(through, alone, strict=True)] == [True] * len(tasks)


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(
    "values",
    [
        {},
        {"optimizer": "adam", "schedule": "cosine"},
        {"optimizer": "adamw", "mixup": 0.3, "class_weights": True, "gain": 2},
        pytest.param(
            {"precision": "bfloat16", "mask_frames": 2, "mask_bins": 2, "schedule": "step", "milestones": (1,)},
            marks=needs_bfloat16,
        ),
    ],
)
def test_folds_and_seeds_through_one_recorded_step_equal_those_alone(
    make_task: Make,
    made: list[str],
    loads: list[str],
    monkeypatch: pytest.MonkeyPatch,
    values: dict[str, object],
) -> None:
    settings = settings_of(cuda_graphs=True, batch_size=7, **values)
    folds = [{}, {"seed": 8}, {"split": split_of(48, seed=5)}, {"phase": "search", "keep_weights": False}]
    tasks = [make_task(settings=settings, **fold) for fold in folds]
    assert len({len(task.split.train.clips) % 7 for task in tasks} - {0}) > 0
    both_ways(tasks, monkeypatch)
    assert made == ["GraphLearner"] + ["Learner"] * len(tasks)
    assert loads == ["toy"] * (1 + len(tasks))


@pytest.mark.usefixtures("kept")
def test_trials_that_change_the_rate_share_a_step_and_those_that_change_the_decay_do_not(
    make_task: Make, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = [{"lr": 0.01}, {"lr": 0.002, "epochs": 3}, {"weight_decay": 0.1}, {"lr": 0.03}]
    both_ways([make_task(settings=settings_of(cuda_graphs=True, **values)) for values in changes], monkeypatch)
    assert made.count("GraphLearner") == 2


@pytest.mark.usefixtures("kept")
def test_best_epochs_and_other_networks_in_between(
    make_task: Make, tmp_path: Path, labels: NDArray[np.int64], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "images").mkdir()
    images = write_images(tmp_path / "images", labels)
    restless = make_task(settings=settings_of(cuda_graphs=True, lr=0.03, epochs=5), epoch_rule="best-on-validation")
    resnet = task_of(images, labels, settings=settings_of("resnet18", cuda_graphs=True, epochs=1))
    both_ways([restless, resnet, dataclasses.replace(restless, seed=9), restless], monkeypatch)


@pytest.mark.usefixtures("kept")
def test_off_is_off(make_task: Make, made: list[str]) -> None:
    train_fold(make_task(settings=settings_of(cuda_graphs=False)))
    assert made == ["Learner"]


def test_on_a_cpu_the_switch_changes_nothing(make_task: Make, made: list[str]) -> None:
    results = [train_fold(make_task(settings=settings_of(cuda_graphs=on))) for on in (False, True)]
    assert same_result(*results)
    assert made == ["Learner", "Learner"]


def test_a_failed_training_leaves_nothing_behind(make_task: Make, kept: Kept, made: list[str]) -> None:
    kept.give_back("another", object())  # type: ignore[arg-type]
    with pytest.raises(TrainingError, match="learning rate"):
        train_fold(make_task(settings=settings_of(cuda_graphs=True, lr=1e30, epochs=3)))
    assert not kept._planes
    assert not kept._learners
    train_fold(make_task(settings=settings_of(cuda_graphs=True)))
    assert made == ["GraphLearner", "GraphLearner"]


def test_planes_are_copies_and_the_oldest_go(tmp_path: Path, labels: NDArray[np.int64], loads: list[str]) -> None:
    kept, sets = Kept(), []
    for number in range(KEPT + 1):
        folder = tmp_path / str(number)
        folder.mkdir()
        sets.append(dataclasses.replace(write_segments(folder, labels, seed=number), name=str(number)))
    kept.planes(sets[0], CPU).fill_(7.0)
    assert torch.equal(kept.planes(sets[0], CPU), load_planes(sets[0], CPU))
    loads.clear()
    for features in [*sets, sets[-1], sets[0]]:
        kept.planes(features, CPU)
    assert loads == [*(str(number) for number in range(1, KEPT + 1)), "0"]


def test_features_of_equal_name_but_other_files_are_others(tmp_path: Path, labels: NDArray[np.int64]) -> None:
    kept, planes = Kept(), []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        planes.append(kept.planes(write_segments(tmp_path / name, labels[: 10 if name == "first" else 20]), CPU))
    assert len(planes[0]) < len(planes[1])


def test_when_memory_runs_out_what_is_kept_goes_first(features: FeatureRef, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Kept()
    kept.planes(features, CPU)
    kept.give_back("key", object())  # type: ignore[arg-type]
    clone = torch.Tensor.clone
    monkeypatch.setattr(torch.Tensor, "clone", lambda _: (_ for _ in ()).throw(torch.OutOfMemoryError("full")))
    planes = kept.planes(features, CPU)
    monkeypatch.setattr(torch.Tensor, "clone", clone)
    assert torch.equal(planes, load_planes(features, CPU))
    assert not kept._planes
    assert not kept._learners


def test_every_field_that_a_step_contains_is_part_of_its_key() -> None:
    """A field added to the train section makes recordings of its own until someone says that it need not."""
    changed = {
        "batch_size": 9,
        "optimizer": "adam",
        "momentum": 0.5,
        "weight_decay": 0.5,
        "precision": "bfloat16",
        "class_weights": True,
        "mixup": 0.5,
        "loss": "mine:focal",
        "augment": ("mine:shift",),
        "cuda_graphs": False,
    }
    assert changed.keys() == TrainSection.model_fields.keys() - OUTSIDE_THE_STEP

    def key(**values: object) -> object:
        return step_key(settings_of(**values), (1, 9, 8), 3, {"LM": (0, 9)}, CPU)

    keys = [key(), *(key(**{name: value}) for name, value in changed.items()), key(dropout=0.1), key(gain=2)]
    assert len(set(keys)) == len(keys)
    assert key() == key(lr=0.5, epochs=9, schedule="cosine", patience=3, mask_bins=2, threads=2)


def test_the_learner_is_made_once() -> None:
    kept, settings = Kept(), settings_of()
    torch.manual_seed(0)
    model = torch.nn.Linear(2, 2)

    def make() -> GraphLearner:
        return GraphLearner(model, settings.train, CPU)

    first = kept.take_learner("a", model, None, make)
    assert kept.take_learner("a", model, None, make) is not first
    kept.give_back("a", first)
    assert kept.take_learner("a", model, None, make) is first
    assert reuse.keeps(torch.device("cuda"))
    assert not reuse.keeps(CPU)
