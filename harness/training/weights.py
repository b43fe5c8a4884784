"""Weights on disk: safetensors, never pickles."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import TrainingError


def save_weights(path: Path, weights: Mapping[str, NDArray[Any]], metadata: Mapping[str, str] | None = None) -> None:
    """Write ``weights`` (arrays by parameter name) to ``path`` as safetensors, whole or not at all.

    ``metadata`` goes into the file's header, as text.
    """
    from safetensors.numpy import save

    # safetensors stores the buffer as it lies: anything but C order would come back scrambled. (ascontiguousarray
    # would give a single number, such as a counter, a dimension it never had.)
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
        When the file cannot be read or is no safetensors file.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        weights: dict[str, NDArray[Any]] = load(path.read_bytes())
    except OSError as error:
        raise TrainingError(f"{path}: cannot read the weights: {error.strerror or error}") from None
    except SafetensorError as error:
        raise TrainingError(
            f"{path}: damaged, or not a safetensors file ({error}); train again to replace it"
        ) from None
    return weights
