"""Planes that a study computes with code of its own.

The code is a function of a batch of waveforms, called as ``function(waves, sample_rate, **settings)``: ``waves`` is a
float32 tensor, shape (B, N), full scale at 1.0, and it returns a tensor, shape (B, rows, frames). If it takes a
parameter ``hop_length``, it receives the study's. Planes that are stacked have ``1 + N // hop_length`` frames; the
channel of an image may have any number, since it is resized.

Examples
--------
>>> import torch
>>> def energy(waves, sample_rate, hop_length):
...     frames = torch.nn.functional.pad(waves, (hop_length // 2, hop_length // 2 + hop_length))
...     return frames.unfold(1, hop_length, hop_length).square().mean(2)[:, None].log1p()
>>> energy(torch.zeros(2, 1000), 22050, 100).shape
torch.Size([2, 1, 11])
"""

from __future__ import annotations

import inspect
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from harness import own_code
from harness.errors import FeatureError
from harness.features.waves import Waves
from harness.section import Section

_PLACE = "plane"


def own_values(reference: str, options: Section, waves: Waves) -> Tensor:
    """Return the plane that ``reference`` computes, float32, shape (B, frames, rows).

    Raises
    ------
    FeatureError
        When it does not return a tensor, shape (B, rows, frames).
    StudyError
        When the code cannot be imported, or its call fails.
    """
    return _call(reference, options, waves.samples, waves.sample_rate, waves.hop_length).mT


def own_rows(reference: str, options: Section, sample_rate: int, hop_length: int) -> int:
    """Return the number of rows of the plane that ``reference`` computes, from one second of noise.

    Parameters
    ----------
    reference : str
        ``"module:function"``.
    options : Section
        Its settings.
    sample_rate : int
        In Hz.
    hop_length : int
        Samples between frames.

    Raises
    ------
    FeatureError, StudyError
        As :func:`own_values`.
    """
    return _rows(reference, own_code.digest(reference), options.model_dump_json(), options, sample_rate, hop_length)


def _rows(reference: str, digest: str, written: str, options: Section, sample_rate: int, hop_length: int) -> int:
    key = (reference, digest, written, sample_rate, hop_length)
    if key not in _known_rows:
        noise = 0.1 * torch.randn(1, sample_rate, generator=torch.Generator().manual_seed(0))
        _known_rows[key] = _call(reference, options, noise, sample_rate, hop_length).shape[1]
    return _known_rows[key]


_known_rows: dict[tuple[Any, ...], int] = {}


def _call(reference: str, options: Section, samples: Tensor, sample_rate: int, hop_length: int) -> Tensor:
    settings: dict[str, Any] = dict(options.model_extra or {})
    function = own_code.load(reference, _PLACE)
    if not callable(function):
        raise FeatureError(f"plane = {reference!r} is a {type(function).__name__}, not a function")
    if "hop_length" in _parameters(function):
        settings.setdefault("hop_length", hop_length)
    values = own_code.call(reference, _PLACE, samples, sample_rate, **settings)
    if not isinstance(values, Tensor) or values.ndim != 3 or values.shape[0] != samples.shape[0] or not values.numel():
        what = f"shape {tuple(values.shape)}" if isinstance(values, Tensor) else f"a {type(values).__name__}"
        raise FeatureError(
            f"plane = {reference!r}: expected a tensor, shape (clips, rows, frames) with {samples.shape[0]} clips, "
            f"received {what}"
        )
    return values.float()


@lru_cache(maxsize=64)
def _parameters(function: Any) -> frozenset[str]:
    try:
        return frozenset(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return frozenset()
