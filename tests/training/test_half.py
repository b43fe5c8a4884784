"""Inputs held in bfloat16: half the memory, and the same numbers to the bit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from harness.features.cache.feature_store import FeatureRef
from harness.training import loop
from harness.training.loop import train_fold
from harness.training.resident import Resident
from harness.training.task import FoldResult, FoldTask
from tests.toys import same_result, settings_of, task_of, write_images
from tests.training.processor import needs_bfloat16

Make = Callable[..., FoldTask]


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> list[torch.dtype]:
    """Return a list to which each training adds the type in which it holds its inputs."""
    types: list[torch.dtype] = []
    gather = Resident.gather

    def seen(self: Resident, positions: torch.Tensor) -> torch.Tensor:
        types.append(self.x.dtype)
        return gather(self, positions)

    monkeypatch.setattr(Resident, "gather", seen)
    return types


def float32_result(task: FoldTask, monkeypatch: pytest.MonkeyPatch) -> FoldResult:
    with monkeypatch.context() as patch:
        patch.setattr(loop, "keeps_rounding", lambda _: False)
        return train_fold(task)


@needs_bfloat16
@pytest.mark.parametrize(
    "values", [{}, {"mask_frames": 3, "mask_bins": 3}, {"class_weights": True, "optimizer": "adamw"}, {"batch_size": 7}]
)
def test_su_net_equals_float32_inputs_to_the_bit(
    make_task: Make, held: list[torch.dtype], monkeypatch: pytest.MonkeyPatch, values: dict[str, object]
) -> None:
    task = make_task(settings=settings_of(precision="bfloat16", **values))
    half = train_fold(task)
    assert set(held) == {torch.bfloat16}
    held.clear()
    assert same_result(half, float32_result(task, monkeypatch))
    assert set(held) == {torch.float32}


@needs_bfloat16
def test_resnet_equals_float32_inputs_to_the_bit(
    tmp_path: Path, labels: NDArray[np.int64], held: list[torch.dtype], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of("resnet18", precision="bfloat16", mask_bins=4, epochs=1)
    task = task_of(write_images(tmp_path, labels), labels, settings=settings)
    half = train_fold(task)
    assert set(held) == {torch.bfloat16}
    assert same_result(half, float32_result(task, monkeypatch))


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"gain": 3}, marks=needs_bfloat16),
        pytest.param({"mixup": 0.2}, marks=needs_bfloat16),
        {"precision": "float32"},
    ],
)
def test_what_calculates_with_float32_inputs_keeps_them(
    make_task: Make, held: list[torch.dtype], values: dict[str, object]
) -> None:
    train_fold(make_task(settings=settings_of(**{"epochs": 1, "precision": "bfloat16", **values})))
    assert set(held) == {torch.float32}


@needs_bfloat16
def test_rounding_before_the_gain_would_change_the_numbers(make_task: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    task = make_task(settings=settings_of(epochs=1, precision="bfloat16", gain=3))
    right = train_fold(task)
    monkeypatch.setattr(loop, "keeps_rounding", lambda _: True)
    assert not same_result(right, train_fold(task))


def test_rounding_halves_the_memory(features: FeatureRef) -> None:
    resident = Resident(features, torch.device("cpu"))
    before = resident.x.nbytes
    resident.round_to_bfloat16()
    assert resident.x.nbytes * 2 == before
