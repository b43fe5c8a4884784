"""Memory that runs out over a clip's features, in one sentence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch

from harness.devices import ran_out_of_memory
from harness.errors import FeatureError
from harness.features.sets import LaidOut, frames_of
from harness.registry import Layout
from harness.study import FeaturesSection
from harness.study.bounds import spectrum_bytes

_CLIP_SECONDS = 5.0


@contextmanager
def explained_clip_memory(path: Path, planes: Sequence[LaidOut], params: FeaturesSection) -> Iterator[None]:
    """Turn an error for lack of memory within the block into a FeatureError that names the clip and what to change."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        if not ran_out_of_memory(error):
            raise
        size, name, seconds = max(_spectrum(plane, params) for plane in planes)
        raise FeatureError(
            f"{path}: memory ran out over its features ({', '.join(plane.slug for plane in planes)}); the largest "
            f"spectrum, that of {seconds:g} s for {name}, takes about {size / 2**20:.0f} MiB in each of the --workers: "
            f"use fewer, lower features.planes.{name}.n_fft or raise the hop_length (what is done is kept)"
        ) from None


def _spectrum(plane: LaidOut, params: FeaturesSection) -> tuple[int, str, float]:
    """Return the bytes of a plane's spectrum, the plane, and the seconds of the clip that they are of."""
    seconds = params.image.seconds if plane.layout == Layout.IMAGE else params.clip_seconds or _CLIP_SECONDS
    n_fft = getattr(params.of(plane.name), "n_fft", 0)
    rate, hop = frames_of(plane.name, params)
    return spectrum_bytes(seconds, rate, n_fft, hop), plane.name, seconds
