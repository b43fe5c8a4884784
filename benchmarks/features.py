"""Building the LMC and MC features of ESC-10 from nothing (target: 400 clips under 90 s on 2 cores)."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from benchmarks.record import spread, write
from harness.data import load_clips, resolve_data_root
from harness.features import FeatureStore
from harness.study import DataSection, FeaturesSection
from harness.vocabulary import feature_set


def build_features(repeats: int = 3) -> None:
    """Build into an empty cache, with a process on every core; then open the same features again."""
    clips = load_clips(DataSection(dataset="esc10"), resolve_data_root(None))
    sets = [feature_set("LMC"), feature_set("MC")]
    params = FeaturesSection(clip_seconds=5.0)
    workers = os.cpu_count() or 1
    built, opened = [], []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as cache:
            store = FeatureStore(Path(cache))
            for times in (built, opened):
                began = time.perf_counter()
                store.build(clips, sets, params, workers)
                times.append(time.perf_counter() - began)
    write(
        "features",
        {"clips": len(clips), "workers": workers, "build_seconds": spread(built), "open_seconds": spread(opened)},
    )
