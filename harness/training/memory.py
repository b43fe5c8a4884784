"""Memory of a training: kept between steps, with an explanation when it runs out."""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from harness.devices import out_of_memory_as
from harness.errors import TrainingError

# Parameters of glibc's mallopt (malloc.h) and their defaults.
_TRIM_THRESHOLD, _TRIM_DEFAULT = -1, 128 * 1024
_MMAP_MAX, _MMAP_DEFAULT = -4, 65536


@contextmanager
def kept_memory() -> Iterator[None]:
    """Within the block, keep freed memory in the process instead of returning it to the kernel.

    Each training step on the CPU allocates and frees the same hundreds of megabytes. glibc returns large blocks to the
    kernel at once and faults in every page again, which takes about 15 % of a step. Peak memory is unchanged, and free
    memory is returned at the end of the block. Without glibc this does nothing.
    """
    if platform.libc_ver()[0] != "glibc":
        yield
        return
    libc = ctypes.CDLL(None)
    libc.mallopt(_TRIM_THRESHOLD, -1)
    libc.mallopt(_MMAP_MAX, 0)
    try:
        yield
    finally:
        libc.mallopt(_TRIM_THRESHOLD, _TRIM_DEFAULT)
        libc.mallopt(_MMAP_MAX, _MMAP_DEFAULT)
        libc.malloc_trim(0)


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
