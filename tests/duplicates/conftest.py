"""Made sounds that differ, and copies of them in other forms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from scipy.signal import lfilter

from harness.duplicates.find import Duplicates, Pair, find_duplicates

RATE = 22_050
Samples = NDArray[np.floating]


def noise(seed: int, seconds: float = 3.0, colour: float = 0.9) -> Samples:
    """Return noise whose spectrum and level vary over time; all of one ``colour`` have the same long-term spectrum."""
    draws = np.random.default_rng(seed)
    n = int(seconds * RATE)
    made = lfilter([1.0], [1.0, -colour], draws.normal(size=n))
    level = 0.3 + np.abs(np.interp(np.arange(n), np.linspace(0, n, 20), draws.normal(size=20)))
    return 0.2 * made * level / np.abs(made * level).max()


def tone(frequency: float, seconds: float = 3.0) -> Samples:
    return 0.3 * np.sin(2 * np.pi * frequency * np.arange(int(seconds * RATE)) / RATE)


def clicks(seed: int, count: int, seconds: float = 3.0) -> Samples:
    """Return ``count`` short decaying clicks in digital silence."""
    draws = np.random.default_rng(seed)
    made = np.zeros(int(seconds * RATE))
    for start in draws.integers(0, len(made) - 400, count):
        made[start : start + 300] += draws.normal(size=300) * np.exp(-np.arange(300) / 20)
    return 0.5 * made / np.abs(made).max()


LONG = noise(100, 6.0)
ORIGINALS: dict[str, Samples] = {
    **{f"noise-{seed}": noise(seed) for seed in range(6)},
    "tone": tone(440.0),
    "tone-later": np.roll(tone(440.0), 3000),
    "beep": np.sign(tone(437.0)) * 0.2,
    "clicks-1": clicks(1, 1),
    "clicks-2": clicks(2, 1),
    "clicks-3": clicks(3, 8),
    "clicks-4": clicks(4, 8),
    "first-half": LONG[: 4 * RATE],
}


def _wav(folder: Path, name: str, samples: Samples) -> None:
    soundfile.write(folder / f"{name}.wav", _whole(samples), RATE, subtype="PCM_16")


def _whole(samples: Samples) -> NDArray[np.int16]:
    return np.rint(32_767 * samples).astype(np.int16)


def _lossy(folder: Path, name: str, samples: Samples, suffix: str, rate: int = RATE) -> None:
    kind = {"ogg": ("OGG", "VORBIS"), "mp3": ("MP3", "MPEG_LAYER_III")}[suffix]
    path = folder / f"{name}.{suffix}"
    soundfile.write(path, samples, rate, format=kind[0], subtype=kind[1], compression_level=0.8)


def _resampled(samples: Samples, rate: int) -> Samples:
    import soxr

    return np.asarray(soxr.resample(samples, RATE, rate))


COPIES: dict[str, Callable[[Path, str], None]] = {
    "noise-0.mp3": lambda folder, _: _lossy(folder, "noise-0", ORIGINALS["noise-0"], "mp3"),
    "noise-1.ogg": lambda folder, _: _lossy(folder, "noise-1", ORIGINALS["noise-1"], "ogg"),
    "noise-2-quiet.wav": lambda folder, _: _wav(folder, "noise-2-quiet", -0.05 * ORIGINALS["noise-2"]),
    "noise-3-late.ogg": lambda folder, _: _lossy(
        folder, "noise-3-late", np.concatenate([np.zeros(9_000), ORIGINALS["noise-3"]]), "ogg"
    ),
    "noise-4-middle.mp3": lambda folder, _: _lossy(
        folder, "noise-4-middle", 0.3 * ORIGINALS["noise-4"][17_000:50_000], "mp3"
    ),
    "noise-5-rate.ogg": lambda folder, _: _lossy(
        folder, "noise-5-rate", _resampled(ORIGINALS["noise-5"], 16_000), "ogg", 16_000
    ),
    "noise-0-equal.flac": lambda folder, _: soundfile.write(
        folder / "noise-0-equal.flac", _whole(ORIGINALS["noise-0"]), RATE, subtype="PCM_16"
    ),
    "second-half.ogg": lambda folder, _: _lossy(folder, "second-half", LONG[2 * RATE :], "ogg"),
    "beep.mp3": lambda folder, _: _lossy(folder, "beep", ORIGINALS["beep"], "mp3"),
}


class Found:
    """What was found among the originals and their copies, by file name."""

    def __init__(self, paths: list[Path], found: Duplicates) -> None:
        self.names = [path.name for path in paths]
        self.found = found

    def pair(self, one: str, other: str) -> Pair | None:
        ends = sorted(self.names.index(name) for name in (one, other))
        return next((pair for pair in self.found.pairs if [pair.first, pair.second] == ends), None)


@pytest.fixture(scope="package")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sounds")
    for name, samples in ORIGINALS.items():
        _wav(folder, name, samples)
    for name, write in COPIES.items():
        write(folder, name)
    for name in ("noise-0", "clicks-3"):
        _wav(folder, f"{name}-reversed", ORIGINALS[name][::-1])
    _wav(folder, "silence", np.zeros(RATE))
    _wav(folder, "more-silence", np.zeros(RATE))
    (folder / "broken.wav").write_bytes(b"RIFF but no more")
    return folder


@pytest.fixture(scope="package")
def found(sounds: Path) -> Found:
    paths = sorted(sounds.iterdir())
    return Found(paths, find_duplicates(paths))
