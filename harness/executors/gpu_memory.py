"""How much memory of a GPU a training uses, measured while no other training runs there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.training.task import FoldTask


@dataclass(frozen=True)
class MemoryUse:
    """The peak of a training alone on a GPU, with all that its process needs there, and what the GPU has, in bytes."""

    peak: int
    total: int


Measure = Callable[[FoldTask], Callable[[], MemoryUse]]
"""Begins to measure before a training, and returns what ends it."""


def measure_gpu(task: FoldTask) -> Callable[[], MemoryUse]:
    """Measure on the GPU of ``task``.

    To the most that torch has reserved for tensors comes what is in use besides: CUDA's context, and whatever other
    programs use, so that a GPU that is shared with them takes fewer trainings.
    """
    import torch

    from harness.devices import open_device

    device = open_device(task.device)
    torch.cuda.reset_peak_memory_stats(device)

    def use() -> MemoryUse:
        free, total = torch.cuda.mem_get_info(device)
        besides = total - free - torch.cuda.memory_reserved(device)
        return MemoryUse(torch.cuda.max_memory_reserved(device) + max(besides, 0), total)

    return use
