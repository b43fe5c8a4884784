"""Python's garbage collector, suspended while very many small objects are created."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collection() -> Iterator[None]:
    """Suspend garbage collection within this context.

    Creating hundreds of thousands of objects would trigger it again and again, each time over everything that torch,
    MLflow and pandas have loaded.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
