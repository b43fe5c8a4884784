"""Normalisation to zero mean and unit variance, with statistics of the training part alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.choices import Normalise
from harness.devices import widest_float
from harness.registry import Layout
from harness.training.resident import Items, Resident, plane_rows

# Rows read at a time: float64 copies are made of this many, not of all.
CHUNK_ELEMENTS = 4_000_000
# A spread below this fraction of the mean is rounding error: the values are constant and are only centred.
CONSTANT = 1e-7


@dataclass(frozen=True)
class Statistics:
    """Mean and standard deviation, float64, of a shape that broadcasts over ``Resident.x``."""

    mean: Tensor
    std: Tensor


def training_statistics(resident: Resident, train: Items, how: str) -> Statistics:
    """Return the statistics of the frames (or images) that the items ``train`` cover, each frame counted once.

    Population statistics in two passes in float64. ``how`` is ``"per-bin"`` (each row of the input; of an image, each
    row of each channel) or ``"per-plane"``. A constant row gets deviation 1.
    """
    x = resident.x
    rows = torch.from_numpy(resident.rows_of(train)).to(resident.device)
    pool = _per_plane(resident) if how == Normalise.PER_PLANE else _unpooled
    mean = pool(_mean(x, rows, lambda chunk: chunk))
    variance = pool(_mean(x, rows, lambda chunk: (chunk - mean) ** 2))
    std = variance.sqrt()
    std = torch.where(std <= CONSTANT * mean.abs(), torch.ones_like(std), std)
    return Statistics(mean, std)


def normalise(resident: Resident, train: Items, how: str) -> dict[str, NDArray[np.float32]]:
    """Normalise ``resident`` in place by the statistics of ``train``; ``how`` as above, or ``"none"``.

    Returns what :func:`apply` needs to do the same to other clips.
    """
    if how == Normalise.NONE:
        return {}
    statistics = training_statistics(resident, train, how)
    used = {name: getattr(statistics, name).float() for name in ("mean", "std")}
    normaliser = {name: values.cpu().numpy() for name, values in used.items()}
    apply(resident, normaliser)
    return normaliser


def apply(resident: Resident, normaliser: Mapping[str, NDArray[np.float32]]) -> None:
    """Normalise ``resident`` in place by the ``mean`` and ``std`` of ``normaliser``, of a shape that broadcasts over
    ``Resident.x``; by nothing if it is empty."""
    if normaliser:
        mean, std = (torch.from_numpy(normaliser[name]).to(resident.device) for name in ("mean", "std"))
        resident.x.sub_(mean).div_(std)


def _mean(x: Tensor, rows: Tensor, of: Callable[[Tensor], Tensor]) -> Tensor:
    """Return the mean of ``of(x[rows])`` over rows (and an image's columns)."""
    size = max(1, CHUNK_ELEMENTS // max(1, x[0].numel()))
    over = (0,) if x.ndim == 2 else (0, 2)
    wide = widest_float(x.device)
    total = torch.zeros((), dtype=wide, device=x.device)
    for chunk in torch.split(rows, size):
        total = total + of(x.index_select(0, chunk).to(wide)).sum(dim=over, keepdim=True)
    # Drop the leading dimension: (F,) for segments, (H, 1, C) for images.
    return total[0] / (len(rows) * (1 if x.ndim == 2 else x.shape[2]))


def _unpooled(values: Tensor) -> Tensor:
    return values


def _per_plane(resident: Resident) -> Callable[[Tensor], Tensor]:
    """Return the function that replaces each row by the mean over its plane's rows."""
    if resident.features.layout != Layout.SEGMENTS:
        return lambda values: values.mean(dim=0, keepdim=True).expand_as(values)
    cuts = plane_rows(resident.features).values()
    return lambda values: torch.cat([values[start:stop].mean().expand(stop - start) for start, stop in cuts])
