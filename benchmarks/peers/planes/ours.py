"""The harness's planes, a part of the cache at a time, without the cache."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.peers.planes.serve import serve
from harness.features.cache.chunks import CLIPS_PER_PART
from harness.features.compute import compute, load, one_thread
from harness.features.sets import planes_of
from harness.registry import feature_set
from harness.study import FeaturesSection

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
    for first in range(0, len(paths), CLIPS_PER_PART):
        compute([load(Path(path), planes, params) for path in paths[first : first + CLIPS_PER_PART]], planes, params)


if __name__ == "__main__":
    with one_thread():
        serve({plane: partial(computed, name) for plane, name in SETS.items()})
