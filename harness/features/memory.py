"""Memory that runs out over a clip's features, in one sentence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch

from harness.errors import FeatureError
from harness.features.sets import Plane
from harness.study import FeaturesSection
from harness.study.bounds import spectrum_bytes

_CPU_SIGNS = ("can't allocate memory", "not enough memory")
_CLIP_SECONDS = 5.0


def is_memory(error: BaseException) -> bool:
    """Whether ``error`` says that memory ran out: Python's, numpy's, or torch's on any device."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _CPU_SIGNS)


@contextmanager
def explained_clip_memory(path: Path, planes: Sequence[Plane], params: FeaturesSection) -> Iterator[None]:
    """Turn an error for lack of memory within the block into a FeatureError that names the clip and what to change."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        if not is_memory(error):
            raise
        seconds = params.clip_seconds or _CLIP_SECONDS
        size = spectrum_bytes(seconds, params.sample_rate, params.n_fft, params.hop_length)
        raise FeatureError(
            f"{path}: memory ran out over its features ({', '.join(plane.slug for plane in planes)}); the spectrum of "
            f"{seconds:g} s takes about {size / 2**20:.0f} MiB in each of the --workers: use fewer, lower "
            "features.n_fft or raise features.hop_length (what is done is kept)"
        ) from None
