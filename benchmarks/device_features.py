"""The planes of MLMC computed on a device, against the CPU; needs the harness's whole install for reading audio."""

from __future__ import annotations

import tempfile
import time
import wave
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.record import spread


def features_on(device: torch.device, *, clips: int, repeats: int) -> dict[str, Any]:
    """Compute every clip on the CPU and on ``device`` in turns; return clips per second and the largest difference."""
    from harness.features.compute import compute_planes
    from harness.features.sets import planes_of
    from harness.study import FeaturesSection
    from harness.vocabulary import feature_set

    planes, settings = planes_of(feature_set("MLMC")), FeaturesSection()
    with tempfile.TemporaryDirectory() as folder:
        paths = [_clip(Path(folder), number) for number in range(clips)]

        def run(where: str) -> tuple[float, list[dict[Any, Any]]]:
            began = time.perf_counter()
            found = [compute_planes(path, planes, settings, where) for path in paths]
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
    return {"clips_per_second": speeds, "largest_difference": apart}


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
