"""Learning rates against torch's own schedulers."""

from __future__ import annotations

import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, MultiStepLR

from harness.study import TrainSection
from harness.training.schedules import learning_rate


def rates(train: TrainSection) -> list[float]:
    return [learning_rate(train, epoch) for epoch in range(1, train.epochs + 1)]


def torchs(kind: type[LRScheduler], epochs: int, **arguments: object) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.02)
    scheduler = kind(optimizer, **arguments)
    seen = []
    for _ in range(epochs):
        seen.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return seen


def test_constant() -> None:
    assert rates(TrainSection(epochs=3, lr=0.02)) == [0.02] * 3


def test_step_is_torchs_multisteplr() -> None:
    train = TrainSection(epochs=7, lr=0.02, schedule="step", milestones=(2, 5), gamma=0.75)
    assert rates(train) == pytest.approx(torchs(MultiStepLR, 7, milestones=[2, 5], gamma=0.75))
    assert rates(train)[1:3] == pytest.approx([0.02, 0.015])


def test_cosine_is_torchs() -> None:
    train = TrainSection(epochs=9, lr=0.02, schedule="cosine")
    assert rates(train) == pytest.approx(torchs(CosineAnnealingLR, 9, T_max=9))
    assert learning_rate(train, 10) == pytest.approx(0, abs=1e-12)
