"""Errors for lack of memory while a clip's features are computed, explained in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from harness.devices import out_of_memory_as
from harness.errors import FeatureError
from harness.features.sets import LaidOut, frames_of
from harness.registry import Layout
from harness.study import FeaturesSection
from harness.study.bounds import spectrum_bytes

_CLIP_SECONDS = 5.0


def explained_clip_memory(
    path: Path, planes: Sequence[LaidOut], params: FeaturesSection
) -> AbstractContextManager[None]:
    """Convert an out-of-memory error within the block to a FeatureError that names the clip and what to change."""
    return out_of_memory_as(
        lambda: FeatureError(
            f"{path}: out of memory while computing its features "
            f"({', '.join(plane.slug for plane in planes)}){_largest_spectrum(planes, params)}; use fewer --workers "
            "(finished features are kept)"
        )
    )


def _largest_spectrum(planes: Sequence[LaidOut], params: FeaturesSection) -> str:
    """Return the size of the largest spectrum and how to reduce it; empty where no plane has an n_fft."""
    sizes = []
    for plane in planes:
        seconds = params.image.seconds if plane.layout == Layout.IMAGE else params.clip_seconds or _CLIP_SECONDS
        rate, hop = frames_of(plane.name, params)
        if n_fft := getattr(params.of(plane.name), "n_fft", 0):
            sizes.append((spectrum_bytes(seconds, rate, n_fft, hop), plane.name, seconds))
    if not sizes:
        return ""
    size, name, seconds = max(sizes)
    return (
        f"; the spectrum of {seconds:g} s for {name} takes about {size / 2**20:.0f} MiB in each worker: lower "
        f"features.planes.{name}.n_fft or raise hop_length"
    )
