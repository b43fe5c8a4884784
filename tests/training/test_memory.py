"""Only memory errors are reworded."""

from __future__ import annotations

import platform
import subprocess
import sys

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


PAGE_FAULTS = """
import resource, torch
from harness.training.memory import kept_memory

def page_faults():
    # The heap needs a few rounds until small blocks have found their place around the large one.
    for _ in range(20):
        torch.ones(16_000_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        torch.ones(16_000_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

print(page_faults())
with kept_memory():
    print(page_faults())
"""


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_memory_is_kept_inside() -> None:
    # In a process of its own: what other tests left on the heap decides where new blocks go.
    told = subprocess.run([sys.executable, "-c", PAGE_FAULTS], capture_output=True, text=True, check=True)
    before, inside = map(int, told.stdout.split())
    # Ten times 64 MB, in pages of 4 KiB.
    assert before > 100_000
    assert inside < 1_000
