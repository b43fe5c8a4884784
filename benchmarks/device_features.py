"""The planes of MLMC computed on a device, against the CPU; needs soundfile and soxr for reading audio."""

from __future__ import annotations

import tempfile
import time
import wave
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.record import spread

URBANSOUND8K_CLIPS = 8732


def features_on(device: torch.device, *, clips: int, repeats: int) -> dict[str, Any]:
    """Compute decoded clips on the CPU and on ``device`` in turns; return clips per second and the largest difference.

    Clips are 4 s of made sound at 44.1 kHz, decoded and resampled before the clock starts. On a GPU as many are then
    computed once as UrbanSound8K has, the same ones over and over, and the seconds that takes are returned too.
    """
    from harness.features.cache.chunks import CLIPS_PER_PART
    from harness.features.compute import compute, load
    from harness.features.sets import planes_of
    from harness.registry import feature_set
    from harness.study import FeaturesSection

    planes, settings = planes_of(feature_set("MLMC"), FeaturesSection()), FeaturesSection()
    with tempfile.TemporaryDirectory() as folder:
        loaded = [load(_clip(Path(folder), number), planes, settings) for number in range(clips)]

    def run(where: str, rounds: int = 1) -> tuple[float, list[dict[Any, Any]]]:
        began = time.perf_counter()
        for _ in range(rounds):
            found = [
                one
                for first in range(0, clips, CLIPS_PER_PART)
                for one in compute(loaded[first : first + CLIPS_PER_PART], planes, settings, where)
            ]
        # The planes lie on the host, so nothing is left for the device to do.
        return time.perf_counter() - began, found

    seconds: dict[str, list[float]] = {"cpu": [], str(device): []}
    found: dict[str, list[dict[Any, Any]]] = {}
    for repeat in range(repeats + 1):
        for where in list(seconds)[:: 1 if repeat % 2 else -1]:
            taken, found[where] = run(where)
            if repeat:  # the first round warms up
                seconds[where].append(taken)
    apart = max(
        float(np.abs(ours[plane] - theirs[plane]).max())
        for ours, theirs in zip(found["cpu"], found[str(device)], strict=True)
        for plane in planes
    )
    speeds = {where: spread([clips / value for value in values]) for where, values in seconds.items()}
    whole: dict[str, Any] = {}
    if device.type == "cuda":
        rounds = -(-URBANSOUND8K_CLIPS // clips)
        taken = [run(str(device), rounds)[0] for _ in range(repeats)]
        whole = {"urbansound8k_clips": rounds * clips, "urbansound8k_seconds_after_decoding": spread(taken)}
    return {"clips_per_second": speeds, "largest_difference": apart, **whole}


def _clip(folder: Path, number: int, seconds: int = 4, rate: int = 44100) -> Path:
    """Write a clip of fading noise and a tone."""
    time_axis = np.arange(seconds * rate) / rate
    noise = np.random.default_rng(number).standard_normal(len(time_axis)) * np.exp(-time_axis)
    samples = 0.1 * noise + 0.3 * np.sin(2 * np.pi * 110 * (number + 1) * time_axis)
    path = folder / f"{number}.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path
