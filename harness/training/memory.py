"""Memory of a training: an explanation when it runs out."""

from __future__ import annotations

from contextlib import AbstractContextManager

from harness.devices import out_of_memory_as
from harness.errors import TrainingError


def explained_memory(what: str, device: str, batch_size: int | None) -> AbstractContextManager[None]:
    """Convert an out-of-memory error within the block to a TrainingError that says what to try.

    ``batch_size`` is None while features are loaded, when no batch is to blame.
    """
    if batch_size is None:
        advice = "while loading the features of all clips; try fewer --workers, or a device with more memory"
    elif batch_size > 2:
        advice = f"with train.batch_size = {batch_size}; try train.batch_size = {max(2, batch_size // 2)}"
    else:
        advice = "even with train.batch_size = 2; try fewer --workers, or a smaller network"
    return out_of_memory_as(lambda: TrainingError(f"{what}: out of memory on {device} {advice}"), chained=True)
