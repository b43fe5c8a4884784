"""Only memory errors are reworded."""

from __future__ import annotations

import pytest
import torch

from harness.errors import TrainingError
from harness.training.memory import explained_memory

CPU_WORDS = (
    "[enforce fail at alloc_cpu.cpp:117] . DefaultCPUAllocator: can't allocate memory: you tried to allocate ..."
)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA"), MemoryError(), RuntimeError(CPU_WORDS)])
@pytest.mark.parametrize(
    ("batch_size", "advice"),
    [
        (None, "features of all clips"),
        (32, "try train.batch_size = 16"),
        (3, "batch_size = 2$"),
        (2, "smaller network"),
    ],
)
def test_advice(error: Exception, batch_size: int | None, advice: str) -> None:
    with pytest.raises(TrainingError, match=advice), explained_memory("task", "cuda:0", batch_size):
        raise error


def test_a_real_failure_to_allocate() -> None:
    with pytest.raises(TrainingError, match="out of memory on cpu"), explained_memory("task", "cpu", 8):
        torch.empty(2**55)


@pytest.mark.parametrize("error", [RuntimeError("shape mismatch"), ValueError("x")])
def test_other_errors_pass(error: Exception) -> None:
    with pytest.raises(type(error)) as seen, explained_memory("task", "cpu", 8):
        raise error
    assert seen.value is error
