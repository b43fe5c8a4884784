"""What the training benchmarks compare: equal segments and equal steps."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from benchmarks.naive import naive_dataset, naive_epoch
from benchmarks.training import FRAMES, N_CLASSES, ROWS, made_features
from harness.models.build import build_model
from harness.study import ModelSection, TrainSection
from harness.training.augment import EpochDraws
from harness.training.learner import Learner, PartOnDevice, batch_bounds
from harness.training.resident import Items, Resident

N = 20
SHAPE = (1, ROWS, FRAMES)


@pytest.fixture
def resident(tmp_path: Path) -> Resident:
    """Return the benchmark's features of ``N`` items on the CPU."""
    return Resident(made_features(tmp_path, 3), torch.device("cpu"))


def _part(resident: Resident) -> PartOnDevice:
    item = np.arange(N)
    items = Items(item // 7, item % 7, item % N_CLASSES)
    return PartOnDevice(torch.from_numpy(resident.positions(items)), torch.from_numpy(items.labels))


def test_the_naive_loop_sees_the_harness_segments(tmp_path: Path, resident: Resident) -> None:
    part, dataset = _part(resident), naive_dataset(tmp_path, N)
    ours = resident.gather(part.positions).numpy()
    np.testing.assert_array_equal(np.stack([dataset[i][0] for i in range(N)]), ours)
    assert [dataset[i][1] for i in range(N)] == part.labels.tolist()


def test_the_naive_loop_learns_what_the_harness_learns(tmp_path: Path, resident: Resident) -> None:
    part, options = _part(resident), ModelSection(dropout=0.0)
    train = TrainSection(batch_size=5, precision="float32", lr=0.01)
    models = []
    for _ in range(2):
        torch.manual_seed(3)
        models.append(build_model("su4", options, SHAPE, N_CLASSES))
    ours = Learner(models[0], train, torch.device("cpu"))
    ours.epoch(resident, part, EpochDraws(torch.arange(N)), batch_bounds(N, 5))
    sgd = torch.optim.SGD(models[1].parameters(), lr=train.lr, momentum=train.momentum, weight_decay=train.weight_decay)
    losses = naive_epoch(models[1], sgd, DataLoader(naive_dataset(tmp_path, N), 5))
    assert math.isclose(float(np.mean(losses)), ours.tally()[0], rel_tol=1e-4)
    for (name, left), right in zip(models[0].named_parameters(), models[1].parameters(), strict=True):
        assert torch.allclose(left, right, atol=1e-4), name
