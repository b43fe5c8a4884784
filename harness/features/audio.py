"""Samples from an audio file, at a given rate and length.

Conventions: samples are float32, mono, shape (n,), full scale at 1.0; rates are in Hz.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.choices import Padding
from harness.data.audiofile import open_audio
from harness.errors import FeatureError

Samples = NDArray[np.float32]


def read_mono(path: Path) -> tuple[Samples, int]:
    """Decode ``path`` and return its samples, shape (n,), channels averaged, and its sample rate.

    Raises
    ------
    FeatureError
        When the file cannot be decoded, holds no samples, or holds NaN or infinity.
    """
    import soundfile

    try:
        with open_audio(path) as file:
            channels, rate = file.read(dtype="float32", always_2d=True), file.samplerate
    except (soundfile.SoundFileError, OSError) as error:
        raise FeatureError(
            f"{path}: cannot decode the audio: {error}; restore or repair the file (`harness data check DATASET` lists "
            "all damaged files)"
        ) from None
    if len(channels) == 0:
        raise FeatureError(f"{path}: the file contains no samples; restore it, or remove the clip from the metadata")
    samples: Samples = channels[:, 0] if channels.shape[1] == 1 else channels.mean(axis=1, dtype=np.float32)
    finite = np.isfinite(samples)
    if not finite.all():
        first = int(np.argmin(finite))
        raise FeatureError(
            f"{path}: {int((~finite).sum())} of {len(samples)} samples are not finite, the first at sample {first} "
            f"({samples[first]}); repair the file or remove the clip from the metadata"
        )
    return np.ascontiguousarray(samples), int(rate)


def resample(samples: Samples, rate: int, target: int) -> Samples:
    """Return ``samples`` resampled to ``target`` Hz, shape (ceil(n * target / rate),), by soxr's HQ recipe.

    The same recipe and length as ``librosa.load`` with its default ``res_type``.
    """
    if rate == target:
        return samples
    import soxr

    length = -(-len(samples) * target // rate)
    converted: Samples = soxr.resample(samples, rate, target, quality="HQ") if len(samples) else samples
    return lengthen(converted[:length], length)


def lengthen(samples: Samples, length: int, padding: Padding = Padding.ZEROS) -> Samples:
    """Return ``samples`` padded at the end to at least ``length`` of them.

    ``zeros`` appends silence; ``repeat`` appends the samples again, as often as needed (silence when there are
    none to repeat).
    """
    missing = length - len(samples)
    if missing <= 0:
        return samples
    if padding == Padding.REPEAT and len(samples):
        return np.resize(samples, length)
    return np.concatenate([samples, np.zeros(missing, np.float32)])


def exactly(samples: Samples, length: int) -> Samples:
    """Return the first ``length`` samples, shape (length,), with silence appended where there are fewer."""
    return lengthen(samples[:length], length)
