"""Features from nothing: ESC-10 into an empty cache, the memory that takes, and a race with plain librosa calls.

Targets: 400 clips under 90 s on 2 cores; 5 times the clips a second of librosa with a process on every core; memory
that does not grow with the number of clips.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.librosa_features import librosa_planes
from benchmarks.processes import measure
from benchmarks.record import spread, write
from harness.data import load_clips, resolve_data_root
from harness.data.clips import ClipTable
from harness.features import FeatureStore
from harness.features.audio import read_mono, resample
from harness.features.compute import compute_planes, one_thread
from harness.features.sets import planes_of
from harness.study import DataSection, FeaturesSection
from harness.vocabulary import feature_set

RACED = (DataSection(dataset="esc10"), DataSection(dataset="urbansound8k", folds=(1, 2, 10)))
RACED_CLIPS = 96
"""Of each data set, spread over the folds named."""


def build_features(repeats: int = 3) -> None:
    """Build into an empty cache, with a process on every core; open the same features again; race; measure memory."""
    clips = load_clips(DataSection(dataset="esc10"), resolve_data_root(None))
    workers = os.cpu_count() or 1
    built, opened = [], []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as cache:
            for times in (built, opened):
                began = time.perf_counter()
                _build(clips, Path(cache), workers)
                times.append(time.perf_counter() - began)
    write(
        "features",
        {
            "clips": len(clips),
            "workers": workers,
            "build_seconds": spread(built),
            "open_seconds": spread(opened),
            "peak_megabytes_by_clips": {str(n): _peak_megabytes(n) for n in (100, 400)},
            "race": {data.dataset: _race(data, workers, 2 * repeats - 1) for data in RACED},
        },
    )


def _build(clips: ClipTable, cache: Path, workers: int) -> None:
    sets = [feature_set("LMC"), feature_set("MC")]
    FeatureStore(cache).build(clips, sets, FeaturesSection(clip_seconds=5.0), workers)


def build_some(n: int, cache: str) -> None:
    """Build the first ``n`` clips of ESC-10 into ``cache``."""
    clips = load_clips(DataSection(dataset="esc10"), resolve_data_root(None))
    _build(replace(clips, frame=clips.frame[:n]), Path(cache), os.cpu_count() or 1)


def _peak_megabytes(n: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        script = f"from benchmarks.features import build_some; build_some({n}, {str(Path(folder) / 'cache')!r})"
        command = ["env", f"PYTHONPATH={Path.cwd()}", sys.executable, "-c", script]
        return measure(command, Path(folder), every=0.1).peak_bytes / 1e6


def _race(data: DataSection, workers: int, repeats: int) -> dict[str, Any]:
    """Return clips a second of librosa and of the harness, in turns on the same clips, each from the audio files and
    after the time that loading alone takes; processes are warm."""
    frame = load_clips(data, resolve_data_root(None)).frame
    paths = [str(path) for path in frame["path"].iloc[:: max(1, len(frame) // RACED_CLIPS)][:RACED_CLIPS]]
    seconds: dict[str, list[float]] = {"librosa": [], "harness": [], "loading": []}
    with _pool(workers) as run:
        for turn in range(repeats + 1):
            for name, times in seconds.items():
                taken = run(name, paths)
                if turn:
                    times.append(taken)
    turns = list(zip(seconds["librosa"], seconds["harness"], seconds["loading"], strict=True))
    return {
        "clips": len(paths),
        "clips_a_second": {name: spread([len(paths) / t for t in times]) for name, times in seconds.items()},
        "times_as_fast_from_files": spread([a / b for a, b, _ in turns]),
        "times_as_fast_after_loading": spread([(a - c) / (b - c) for a, b, c in turns]),
    }


@contextmanager
def _pool(workers: int) -> Iterator[Callable[[str, Sequence[str]], float]]:
    """Yield a function that runs a contestant on clips with ``workers`` processes and returns the seconds."""
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:

        def run(name: str, paths: Sequence[str]) -> float:
            parts = [paths[first : first + 4] for first in range(0, len(paths), 4)]
            began = time.perf_counter()
            list(pool.map(_contest, [name] * len(parts), parts))
            return time.perf_counter() - began

        yield run


def _contest(name: str, paths: Sequence[str]) -> None:
    params = FeaturesSection()
    with one_thread():
        for path in map(Path, paths):
            if name == "librosa":
                librosa_planes(path, params)
            elif name == "harness":
                compute_planes(path, planes_of(feature_set("MLMC")), params)
            else:
                resample(*read_mono(path), params.sample_rate)
