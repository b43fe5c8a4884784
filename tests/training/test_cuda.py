"""On a GPU: recorded steps against plain ones. Skipped where there is none; the rest of the folder tests on the CPU."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
import torch

from harness.training import loop
from harness.training.loop import train_fold
from harness.training.reuse import Kept
from harness.training.task import FoldTask
from tests.toys import same_result, settings_of, split_of

Make = Callable[..., FoldTask]
pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"precision": "bfloat16", "mask_frames": 2},
        {"optimizer": "adam", "schedule": "cosine"},
        {"optimizer": "adamw", "precision": "bfloat16", "mixup": 0.3, "class_weights": True, "gain": 2},
    ],
)
def test_folds_through_one_recording_equal_plain_ones(
    make_task: Make, monkeypatch: pytest.MonkeyPatch, values: dict[str, object]
) -> None:
    kept = Kept()
    monkeypatch.setattr(loop, "KEPT_HERE", kept)
    folds = [{}, {"seed": 8}, {"split": split_of(48, seed=5)}]
    on, off = (settings_of(batch_size=7, cuda_graphs=switch, **values) for switch in (True, False))
    tasks = [make_task(device="cuda", settings=off, **fold) for fold in folds]
    plain = [train_fold(task) for task in tasks]
    assert not kept._learners
    recorded = [train_fold(dataclasses.replace(task, settings=on)) for task in tasks]
    (learner,) = kept._learners.values()
    assert isinstance(learner._replay.__self__, torch.cuda.CUDAGraph)
    assert [same_result(*pair) for pair in zip(plain, recorded, strict=True)] == [True] * len(tasks)


@pytest.mark.parametrize("recorded", [True, False])
def test_a_repeat_on_a_gpu_is_equal_to_the_bit(make_task: Make, recorded: bool) -> None:
    task = make_task(device="cuda", settings=settings_of(precision="bfloat16", cuda_graphs=recorded))
    assert same_result(train_fold(task), train_fold(task))
