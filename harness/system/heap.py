"""Freed memory, kept in the process while the same large blocks are allocated again and again."""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Iterator
from contextlib import contextmanager

# Parameters of glibc's mallopt (malloc.h). At first glibc raises both thresholds with the blocks that it frees, up to
# these values, but not again once a parameter has been set: with its defaults, every clip or step after a block would
# begin with page faults.
_TRIM_THRESHOLD, _TRIM_HIGHEST = -1, 64 << 20
_MMAP_THRESHOLD, _MMAP_HIGHEST = -3, 32 << 20
_MMAP_MAX, _MMAP_DEFAULT = -4, 65536


@contextmanager
def kept_memory() -> Iterator[None]:
    """Within the block, keep freed memory in the process instead of returning it to the kernel.

    A training step on the CPU allocates and frees the same hundreds of megabytes, the features of a clip about ten.
    glibc returns large blocks to the kernel at once and faults in every page again, which takes about 15 % of a step
    and up to half of a clip; on a virtual machine faults of several processes may also wait for each other. Peak memory
    is unchanged, and free memory is returned at the end of the block. Without glibc this does nothing.
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
        libc.mallopt(_TRIM_THRESHOLD, _TRIM_HIGHEST)
        libc.mallopt(_MMAP_THRESHOLD, _MMAP_HIGHEST)
        libc.mallopt(_MMAP_MAX, _MMAP_DEFAULT)
        libc.malloc_trim(0)
