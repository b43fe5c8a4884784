"""Features from nothing: ESC-10 into an empty cache, the memory that takes, a race with plain librosa calls, and where
a clip's time goes.

Targets: 400 clips under 90 s on 2 cores; 5 times the clips a second of librosa with a process on every core; memory
that does not grow with the number of clips.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.features_profile import profile
from benchmarks.librosa_features import librosa_planes
from benchmarks.processes import measure
from benchmarks.record import spread, write
from harness.data.clips import ClipTable
from harness.data.data_root import resolve_data_root
from harness.data.load_clips import load_clips
from harness.features.audio import read_mono, resample
from harness.features.cache.feature_store import FeatureStore
from harness.features.compute import compute, compute_planes, load, one_thread
from harness.features.sets import planes_of
from harness.registry import feature_set
from harness.study import DataSection, FeaturesSection

RACED = (DataSection(dataset="esc10"), DataSection(dataset="urbansound8k", folds=(1, 2, 10)))
RACED_CLIPS = 96
"""Of each data set, spread over the folds named."""
WEIGHED = {"esc10": (100, 200, 400), "urbansound8k": (1000, 2000)}
"""Clips whose building is watched for its memory."""
BATCHES = (1, 8, 32)
BATCHED_CLIPS = 96


def build_features(repeats: int = 3, weighed: Mapping[str, Sequence[int]] | None = None) -> None:
    """Build into an empty cache, with a process on every core; open the same features again; race; measure memory by
    clips (``weighed``: of each data set; default WEIGHED) and by batch; profile."""
    data = {section.dataset: section for section in RACED}
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
            "peak_megabytes_by_clips": {
                name: {str(n): _peak_megabytes(f"build_some({name!r}, {n}, cache)", max(1, repeats - 1)) for n in sizes}
                for name, sizes in (weighed or WEIGHED).items()
            },
            "peak_megabytes_by_batch": {
                str(size): _peak_megabytes(f"compute_some({size})", max(1, repeats - 1)) for size in BATCHES
            },
            "race": {name: _race(section, workers, 2 * repeats - 1) for name, section in data.items()},
            "profile": {name: profile(section, repeats) for name, section in data.items()},
        },
    )


def _build(clips: ClipTable, cache: Path, workers: int) -> None:
    sets = [feature_set("LMC"), feature_set("MC")]
    FeatureStore(cache).build(clips, sets, FeaturesSection(clip_seconds=5.0), workers)


def build_some(dataset: str, n: int, cache: str) -> None:
    """Build ``n`` clips, spread over ``dataset``, into ``cache``."""
    [data] = (section for section in RACED if section.dataset == dataset)
    clips = load_clips(data, resolve_data_root(None))
    chosen = np.linspace(0, len(clips) - 1, n).astype(int)
    _build(replace(clips, frame=clips.frame.iloc[chosen]), Path(cache), os.cpu_count() or 1)


def compute_some(size: int) -> None:
    """Compute UrbanSound8K clips in this process, ``size`` at a time."""
    params = FeaturesSection()
    paths, planes = _spread_paths(RACED[1], BATCHED_CLIPS), planes_of(feature_set("MLMC"), params)
    with one_thread():
        for first in range(0, len(paths), size):
            compute([load(path, planes, params) for path in paths[first : first + size]], planes, params)


def _peak_megabytes(call: str, repeats: int) -> dict[str, float | int]:
    """Return the memory, at its peak, of a process that makes ``call`` to this module, and of its children."""
    peaks = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            script = f"from benchmarks.features import *; cache = {str(Path(folder) / 'cache')!r}; {call}"
            command = ["env", f"PYTHONPATH={Path.cwd()}", sys.executable, "-c", script]
            peaks.append(measure(command, Path(folder), every=0.1).peak_bytes / 1e6)
    return spread(peaks)


def _spread_paths(data: DataSection, n: int) -> list[Path]:
    """Return ``n`` clips, spread over the folds of ``data``."""
    frame = load_clips(data, resolve_data_root(None)).frame
    return [Path(path) for path in frame["path"].iloc[:: max(1, len(frame) // n)][:n]]


def _race(data: DataSection, workers: int, repeats: int) -> dict[str, Any]:
    """Return clips a second of librosa and of the harness, in turns on the same clips, each from the audio files and
    after the time that loading alone takes; processes are warm."""
    paths = [str(path) for path in _spread_paths(data, RACED_CLIPS)]
    seconds: dict[str, list[float]] = {"librosa": [], "harness": [], "loading": []}
    # Processes of their own: what one contestant leaves of the heap costs the other page faults.
    with ExitStack() as pools:
        runs = {name: pools.enter_context(_pool(workers)) for name in seconds}
        # numba's cache of compiled functions is corrupted, to a segmentation fault, by processes that fill it together.
        runs["librosa"]("librosa", paths[:1])
        for turn in range(repeats + 1):
            for name, times in seconds.items():
                taken = runs[name](name, paths)
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
                compute_planes(path, planes_of(feature_set("MLMC"), params), params)
            else:
                resample(*read_mono(path), params.sample_rate)
