"""Weights on disk: safetensors, never pickles."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import TrainingError
from harness.text.printable import one_line

if TYPE_CHECKING:
    from torch import nn

WEIGHTS_FILE, NETWORK_FILE = "weights.safetensors", "network.json"
"""The files of a trained network; :mod:`harness.training.trained` describes the second."""

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


def weights_digest(path: Path) -> str:
    """Return the SHA-256, hex, of a file of weights.

    Raises
    ------
    TrainingError
        When it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise TrainingError(f"{path}: cannot read the weights: {error.strerror or error}") from None


def start_from(model: nn.Module, path: Path, digest: str) -> tuple[str, ...]:
    """Copy into ``model`` the weights of the file ``path``; return the names of the model's tensors that the file does
    not have in their shape, which keep their fresh values.

    Parameters
    ----------
    model : nn.Module
        The network.
    path : Path
        A safetensors file.
    digest : str
        The SHA-256, hex, that the file must have.

    Raises
    ------
    TrainingError
        When the file cannot be read, has changed, or has no tensor of the network's parameters.
    """
    if weights_digest(path) != digest:
        raise TrainingError(f"{path}: the weights have changed since the study began; run it again")
    import torch

    try:
        given, own = read_arrays(path), model.state_dict()
    except ValueError as error:
        raise TrainingError(f"{path}: damaged, or not a safetensors file ({error})") from None
    fitting = {name: array for name, array in given.items() if name in own and own[name].shape == array.shape}
    if not any(name in fitting for name, _ in model.named_parameters()):
        raise TrainingError(
            f"{path}: has no weights of this network: it holds {', '.join(list(given)[:3]) or 'nothing'}, ..., the "
            f"network {', '.join(list(own)[:3])}, ...; give the weights of the same network"
        )
    model.load_state_dict({name: torch.from_numpy(array) for name, array in fitting.items()}, strict=False)
    return tuple(name for name in own if name not in fitting)


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
        raise ValueError(f"it has {size:,} bytes, more than the maximum of {LARGEST:,} for weights")
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
        raise ValueError(one_line(error) or "insufficient memory") from None
