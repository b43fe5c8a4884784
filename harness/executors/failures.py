"""The message of a training's error: its own text or, when memory ran out, what to try."""

from __future__ import annotations

from harness.devices import ran_out_of_memory
from harness.errors import HarnessError
from harness.training.task import FoldTask


def failure_message(error: Exception, task: FoldTask) -> str:
    """Return one sentence for the row of a training that failed."""
    if isinstance(error, HarnessError):
        return str(error)
    if ran_out_of_memory(error):
        train = task.settings.train
        # The first sentence has the figures; the rest of torch's message is advice for programmers.
        said = str(error).strip().partition("\n")[0][:300]
        # Batch normalisation needs at least two items in a batch.
        smaller = f"train.batch_size = {train.batch_size // 2}, " if train.batch_size >= 4 else ""
        return (
            f"out of memory on {task.device} with train.batch_size = {train.batch_size} ({type(error).__name__}: "
            f"{said}); try {smaller}a smaller network or fewer --workers"
        )
    return f"{type(error).__name__}: {error}"
