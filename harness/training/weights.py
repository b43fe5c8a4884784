"""Weights on disk: safetensors, never pickles."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.text.printable import one_line

LARGEST = 2 << 30
"""Maximum size of a file of weights in bytes: fifty times ResNet-18's. A larger one could fill memory before it is
recognised as something else."""

_TYPES = ("F32", "F64", "F16", "I64", "I32", "U8", "BOOL")


def weights_bytes(weights: Mapping[str, NDArray[Any]]) -> bytes:
    """Return ``weights`` (arrays by parameter name) as the content of a safetensors file."""
    # Not save_file: it raises its own exceptions, so that a full disk would look like invalid weights.
    from safetensors.numpy import save

    # safetensors stores the buffer as it is in memory: any order but C would be read back scrambled. (ascontiguousarray
    # would add a dimension to a scalar, such as a counter.)
    return save({name: np.asarray(array, order="C") for name, array in weights.items()})


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays in the untrusted safetensors file ``path``.

    Raises
    ------
    OSError
        When it cannot be read.
    ValueError
        When it is not a safetensors file, larger than :data:`LARGEST`, or holds numbers of a type that no state dict
        has.
    """
    from safetensors import SafetensorError, safe_open

    size = path.stat().st_size
    if size > LARGEST:
        raise ValueError(f"it has {size:,} bytes, more than the {LARGEST:,} of any network here")
    # The library would say that there is no such device.
    if not path.is_file():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    try:
        with safe_open(path, "numpy") as file:
            # Before anything is read: numpy lacks some of the types.
            found = {name: file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118
            foreign = {name: kind for name, kind in found.items() if kind not in _TYPES}
            if foreign:
                name, kind = next(iter(foreign.items()))
                raise ValueError(f"{one_line(name[:100])} is of type {kind}, not {', '.join(_TYPES)}")
            return {name: file.get_tensor(name) for name in found}
    except (SafetensorError, MemoryError) as error:
        raise ValueError(one_line(error) or "memory ran out") from None
