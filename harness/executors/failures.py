"""What a training's error says to people: its own words, or, when memory ran out, what to try."""

from __future__ import annotations

import gc
import sys

from harness.errors import HarnessError
from harness.training.task import FoldTask

# Of torch on a processor and of CUDA's libraries, which raise plain RuntimeErrors.
_MEMORY = ("out of memory", "can't allocate memory", "ALLOC_FAILED")


def failure_message(error: Exception, task: FoldTask) -> str:
    """Return one sentence for the row of a training that failed."""
    if isinstance(error, HarnessError):
        return str(error)
    if ran_out_of_memory(error):
        train = task.settings.train
        # The first sentence has the figures; what follows in torch's message is advice for programmers.
        said = str(error).strip().partition("\n")[0][:300]
        # A batch has at least two items, for batch normalisation needs them.
        smaller = f"train.batch_size = {train.batch_size // 2}, " if train.batch_size >= 4 else ""
        return (
            f"memory ran out on {task.device} at train.batch_size = {train.batch_size} "
            f"({type(error).__name__}: {said}); try {smaller}a smaller network or fewer --workers"
        )
    return f"{type(error).__name__}: {error}"


def ran_out_of_memory(error: Exception) -> bool:
    """Whether ``error`` says that the device's or the machine's memory did not suffice."""
    # By name, so that torch need not be imported to ask.
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _MEMORY)


def release_memory() -> None:
    """Give back what a failed training held on the device, so that the next one has it."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
