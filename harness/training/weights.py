"""Weights on disk: safetensors, never pickles."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import TrainingError
from harness.text.printable import one_line

LARGEST = 2 << 30
"""Maximum size of a file of weights in bytes: fifty times ResNet-18's. A larger one could fill memory before it is
recognised as something else."""

_TYPES = ("F32", "F64", "F16", "I64", "I32", "U8", "BOOL")


def save_weights(path: Path, weights: Mapping[str, NDArray[Any]], metadata: Mapping[str, str] | None = None) -> None:
    """Write ``weights`` (arrays by parameter name) to ``path`` as safetensors, atomically.

    ``metadata`` goes into the file's header, as text.
    """
    from safetensors.numpy import save

    # safetensors stores the buffer as it is in memory: any order but C would be read back scrambled. (ascontiguousarray
    # would add a dimension to a scalar, such as a counter.)
    content = save({name: np.asarray(array, order="C") for name, array in weights.items()}, dict(metadata or {}))
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def load_weights(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays in the safetensors file ``path``.

    Raises
    ------
    TrainingError
        When the file cannot be read or is not a safetensors file of weights.
    """
    try:
        return read_arrays(path)
    except OSError as error:
        raise TrainingError(f"{path}: cannot read the weights: {error.strerror or error}") from None
    except ValueError as error:
        raise TrainingError(
            f"{path}: damaged, or not a safetensors file ({error}); train again to replace it"
        ) from None


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
