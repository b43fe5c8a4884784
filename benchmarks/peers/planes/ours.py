"""The harness's planes, as the processes that fill its cache compute them: one clip at a time, without writing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.peers.planes.serve import serve
from harness.features.compute import compute_planes, one_thread
from harness.features.sets import planes_of
from harness.registry import feature_set
from harness.study import FeaturesSection
from harness.system.heap import kept_memory

SETS = {
    "log-mel": "LM",
    "MFCC": "MFCC",
    "chroma": "chroma",
    "contrast": "contrast",
    "tonnetz": "tonnetz",
    "all five": "MLMC",
    "three images": "image:spectrogram+mel+mfcc",
}


def computed(name: str, paths: Sequence[str]) -> None:
    """Compute the set ``name`` of the clips at ``paths``."""
    params = FeaturesSection(clip_seconds=5.0)
    planes = planes_of(feature_set(name), params)
    for path in paths:
        compute_planes(Path(path), planes, params)


if __name__ == "__main__":
    with one_thread(), kept_memory():
        serve({plane: partial(computed, name) for plane, name in SETS.items()})
