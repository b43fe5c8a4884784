"""Optimisers are torch's to the bit, and a process that trains does not load torch's compiler."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from harness.training.optimizers import fused_optimizer
from tests.toys import settings_of

TORCHS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": lambda parameters, **values: torch.optim.SGD(parameters, momentum=0.8, **values),
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
}


def _steps(model: nn.Module, optimizer: torch.optim.Optimizer) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    weights = []
    for step in range(5):
        optimizer.param_groups[0]["lr"] = 0.1 / (step + 1)
        optimizer.zero_grad(set_to_none=True)
        model(torch.randn(8, 6, generator=generator)).square().mean().backward()
        optimizer.step()
        weights += [parameter.detach().clone() for parameter in model.parameters()]
    return weights


@pytest.mark.parametrize("name", TORCHS)
def test_steps_are_torchs_to_the_bit(name: str) -> None:
    def model() -> nn.Module:
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3))

    ours, torchs = model(), model()
    train = settings_of(optimizer=name, momentum=0.8, weight_decay=0.05).train
    got = _steps(ours, fused_optimizer(ours, train, 0.1))
    expected = _steps(torchs, TORCHS[name](torchs.parameters(), lr=0.1, weight_decay=0.05, fused=True))
    assert all(torch.equal(mine, theirs) for mine, theirs in zip(got, expected, strict=True))
    assert not torch.equal(got[0], got[-4])


@pytest.mark.parametrize("write", ["write_segments", "write_images"])
def test_a_first_training_on_the_cpu_loads_no_compiler(write: str, tmp_path: Path) -> None:
    model = {"write_segments": "su4", "write_images": "resnet18"}[write]
    code = f"""
import sys
from pathlib import Path
import numpy as np
from harness.training.loop import train_fold
from tests.toys import N_CLASSES, settings_of, task_of, {write}
labels = np.arange(24, dtype=np.int64) % N_CLASSES
features = {write}(Path({str(tmp_path)!r}), labels)
for optimizer in ("sgd", "adam", "adamw"):
    train_fold(task_of(features, labels, settings=settings_of({model!r}, epochs=1, optimizer=optimizer)))
print([name for name in ("torch._dynamo", "torch._inductor", "sympy") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
