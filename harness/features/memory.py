"""Memory that runs out over a clip's features, in one sentence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch

from harness.devices import ran_out_of_memory
from harness.errors import FeatureError
from harness.features.sets import Plane
from harness.study import FeaturesSection
from harness.study.bounds import spectrum_bytes

_CLIP_SECONDS = 5.0


@contextmanager
def explained_clip_memory(path: Path, planes: Sequence[Plane], params: FeaturesSection) -> Iterator[None]:
    """Turn an error for lack of memory within the block into a FeatureError that names the clip and what to change."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        if not ran_out_of_memory(error):
            raise
        seconds = params.clip_seconds or _CLIP_SECONDS
        size = spectrum_bytes(seconds, params.sample_rate, params.n_fft, params.hop_length)
        raise FeatureError(
            f"{path}: memory ran out over its features ({', '.join(plane.slug for plane in planes)}); the spectrum of "
            f"{seconds:g} s takes about {size / 2**20:.0f} MiB in each of the --workers: use fewer, lower "
            "features.n_fft or raise features.hop_length (what is done is kept)"
        ) from None
