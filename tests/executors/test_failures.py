"""What a failed training says: when memory ran out, which batch size to try."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from harness.devices import ran_out_of_memory
from harness.errors import TrainingError
from harness.executors.events import Failed, Finished
from harness.executors.failures import failure_message
from harness.executors.local import InProcessExecutor
from harness.training.task import FoldTask
from tests.executors.test_local import run
from tests.toys import N_CLASSES, settings_of, task_of, write_segments

LABELS = np.arange(24, dtype=np.int64) % N_CLASSES
ON_CUDA = (
    "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 139.00 GiB.\n"
    "See documentation for Memory Management"
)


@pytest.fixture
def task(tmp_path: Path) -> FoldTask:
    return task_of(write_segments(tmp_path, LABELS), LABELS, settings=settings_of(batch_size=32))


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError(ON_CUDA),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: you tried to ..."),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        MemoryError("Unable to allocate 9.31 GiB for an array"),
    ],
)
def test_memory_that_ran_out_is_told_with_the_batch_size_to_try(task: FoldTask, error: Exception) -> None:
    message = failure_message(error, task)
    assert message.startswith("out of memory on cpu with train.batch_size = 32 (")
    assert message.endswith("; try train.batch_size = 16, a smaller network or fewer --workers")
    assert str(error).partition("\n")[0] in message
    assert "\n" not in message


def test_the_smallest_batch_cannot_be_made_smaller(tmp_path: Path) -> None:
    task = task_of(write_segments(tmp_path, LABELS), LABELS, settings=settings_of(batch_size=2))
    assert failure_message(MemoryError(), task).endswith("; try a smaller network or fewer --workers")


@pytest.mark.parametrize("error", [ValueError("out of memory"), RuntimeError("shapes differ")])
def test_other_errors_keep_their_words(task: FoldTask, error: Exception) -> None:
    assert not ran_out_of_memory(error)
    assert failure_message(error, task) == f"{type(error).__name__}: {error}"


def test_an_error_made_for_people_is_told_as_it_is(task: FoldTask) -> None:
    assert failure_message(TrainingError("arm 'A': the loss is not finite"), task) == "arm 'A': the loss is not finite"


def test_the_next_task_trains_after_memory_ran_out(task: FoldTask, monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.training import loop

    train, calls = loop.train_together, 0

    def short_of_memory(*args: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise torch.OutOfMemoryError(ON_CUDA)
        return train(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "train_together", short_of_memory)
    events = run(InProcessExecutor(), [task, dataclasses.replace(task, seed=8)])
    (failed,) = [event for event in events if isinstance(event, Failed)]
    assert "train.batch_size = 16" in failed.error
    assert "OutOfMemoryError" in failed.traceback
    assert len([event for event in events if isinstance(event, Finished)]) == 1
