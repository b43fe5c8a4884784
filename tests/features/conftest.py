"""Signals to compare planes on: real clips of both data sets, and made ones that are short, silent, clipped or odd."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from numpy.typing import NDArray

from harness.data.clips import ClipTable
from harness.features.audio import lengthen, read_mono, resample
from harness.features.constant_q import OctaveSignals
from harness.features.sets import LaidOut
from harness.features.spectrum import Spectrum, spectrum
from harness.registry import PLANES, Layout, feature_set

RATE = 22050
ONE_SEGMENT = 40 * 512
SEGMENT_PLANES = feature_set("MLMC").planes
SEGMENTS = [LaidOut(Layout.SEGMENTS, name) for name in SEGMENT_PLANES]
IMAGES = [LaidOut(Layout.IMAGE, plane.name) for plane in PLANES]

Signal = NDArray[np.float32]


def _made() -> dict[str, Signal]:
    rng = np.random.default_rng(7)
    time = np.arange(2 * RATE) / RATE
    noise = rng.standard_normal(2 * RATE)
    click = np.zeros(RATE)
    click[5000] = 1.0
    tone_then_silence = np.concatenate([0.5 * np.sin(2 * np.pi * 440 * time), np.zeros(RATE)])
    signals = {
        "silent": np.zeros(ONE_SEGMENT),
        "very quiet": 1e-7 * noise,
        "short (0.05 s)": 0.3 * noise[: RATE // 20],
        "one sample": np.ones(1),
        "no sample": np.zeros(0),
        "clipped": np.clip(8 * np.sin(2 * np.pi * 331 * time) + noise, -1, 1),
        "click": click,
        "tone, then silence": tone_then_silence,
        "odd length": 0.1 * noise[:31337],
        "detuned tone": np.sin(2 * np.pi * 440 * 2 ** (0.3 / 12) * time),
    }
    return {name: lengthen(values.astype(np.float32), ONE_SEGMENT) for name, values in signals.items()}


MADE = _made()


@pytest.fixture(params=MADE)
def made_signal(request: pytest.FixtureRequest) -> Signal:
    """Return a made signal at 22,050 Hz, at least one segment long."""
    return MADE[request.param]


def _some(paths: Sequence[Path], n: int) -> list[Path]:
    return list(paths[:: max(1, len(paths) // n)][:n])


@pytest.fixture(scope="session")
def esc_paths(esc_root: Path) -> list[Path]:
    """Return 8 ESC-10 clips (44,100 Hz), spread over folds and classes."""
    return _some(sorted((esc_root / "ESC-50" / "audio").iterdir()), 8)


@pytest.fixture(scope="session")
def urbansound_paths(urbansound_root: Path) -> list[Path]:
    """Return 8 UrbanSound8K clips (22,050 Hz) and the shortest of all, which lasts 0.05 s."""
    paths = sorted((urbansound_root / "UrbanSound8K" / "audio").glob("fold*/*"))
    shortest = min(paths, key=lambda path: soundfile.info(path).frames)
    assert soundfile.info(shortest).duration < 0.06
    return [*_some(paths, 8), shortest]


@pytest.fixture(scope="session")
def real_signals(esc_paths: list[Path], urbansound_paths: list[Path]) -> list[Signal]:
    """Return real clips at 22,050 Hz, at least one segment long, and what else can happen to them: cut to 0.05 s,
    clipped, 7 s long, silent, and silent but for a start."""
    clips = []
    for path in [*esc_paths, *urbansound_paths]:
        samples, rate = read_mono(path)
        clips.append(resample(samples, rate, RATE))
    longest = np.concatenate(clips[:2])[: 7 * RATE]
    loud = clips[2] / np.abs(clips[2]).max()
    clips += [
        clips[0][: RATE // 20],
        np.clip(8 * loud, -1, 1),
        longest,
        np.zeros_like(clips[0]),
        lengthen(clips[1][: RATE // 2], 5 * RATE),
    ]
    return [lengthen(samples, ONE_SEGMENT) for samples in clips]


def spectrum_of(samples: Signal) -> Spectrum:
    """Return the spectrum of a batch of one clip at 22,050 Hz, with the planes' usual frames."""
    return spectrum(torch.from_numpy(samples)[None], RATE, 1024, 512)


def signals_of(samples: Signal, rate: int = RATE, hop: int = 512) -> list[OctaveSignals]:
    """Return a batch of one clip as the constant-Q transform takes it."""
    return [OctaveSignals(samples, rate, hop)]


@pytest.fixture
def write_clips(tmp_path: Path) -> Callable[..., ClipTable]:
    """Return a function that writes n different clips (half of them shorter than one segment) and returns their
    table."""

    def write(n: int, rate: int = RATE, folder: str = "audio") -> ClipTable:
        root = tmp_path / folder
        root.mkdir()
        rows = []
        digest = hashlib.sha256()
        for i in range(n):
            rng = np.random.default_rng(i)
            length = int(rate * (0.05 + 0.1 * i if i % 2 else 1.5 + 0.02 * i))
            samples = 0.2 * np.sin(np.arange(length) * (0.02 + 0.01 * i)) + 0.02 * rng.standard_normal(length)
            path = root / f"clip-{i:03d}.wav"
            soundfile.write(path, samples.astype(np.float32), rate, subtype="PCM_16")
            digest.update(path.read_bytes())
            rows.append((path.stem, str(path), 0, 1, path.stem, length / rate))
        frame = pd.DataFrame(rows, columns=["clip_id", "path", "label", "fold", "recording", "duration"])
        return ClipTable("made", frame, ("only",), digest.hexdigest())

    return write
