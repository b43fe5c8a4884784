"""Samples from an audio file, at a given rate and length.

Conventions: samples are float32, mono, shape (n,), full scale at 1.0; rates are in Hz.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.choices import Padding
from harness.data.audiofile import RATES, not_a_file, open_audio, unusable
from harness.errors import FeatureError

# A resampled sample depends on the input shortly after it. With soxr 1.1's HQ recipe 2,000 samples of the lower rate
# were enough for each of eleven pairs of rates.
_LOOKAHEAD_SAMPLES = 8192

Samples = NDArray[np.float32]


def read_mono(path: Path, seconds: Callable[[int], float] | None = None) -> tuple[Samples, int]:
    """Decode ``path`` and return its samples, shape (n,), channels averaged, and its sample rate.

    Parameters
    ----------
    path : Path
        The audio file.
    seconds : callable, optional
        Returns, for the file's sample rate in Hz, how many seconds from the start are decoded at least, where there are
        so many; default: all.

    Raises
    ------
    FeatureError
        When the file cannot be decoded, holds no samples, or holds NaN or infinity.
    """
    import soundfile

    try:
        with open_audio(path) as file:
            rate = file.samplerate
            wanted = -1 if seconds is None else min(math.ceil(seconds(rate) * rate), file.frames)
            channels = file.read(wanted, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError) as error:
        raise FeatureError(
            f"{path}: cannot decode the audio: {error}; restore or repair the file (`harness data check DATASET` lists "
            "all damaged files)"
        ) from None
    if len(channels) == 0:
        raise FeatureError(f"{path}: the file contains no samples; restore it, or remove the clip from the metadata")
    return _mono(path, channels, 0), int(rate)


def read_windows(path: Path, seconds: float, hop: float, whole: float) -> Iterator[tuple[float, Samples, int]]:
    """Decode the recording ``path``, of any length, in windows of ``seconds``, ``hop`` seconds apart, one at a time.

    The last window ends where the recording ends. A recording of at most ``whole`` seconds is one window, as long as it
    is.

    Yields
    ------
    start : float
        Where the window starts, in seconds.
    samples : ndarray of float32, shape (n,)
        Its samples, channels averaged.
    rate : int
        Their sample rate in Hz.

    Raises
    ------
    FeatureError
        When the file is missing, cannot be decoded, holds no samples, or holds NaN or infinity.
    """
    import soundfile

    if fault := not_a_file(path):
        raise FeatureError(f"{path}: {fault}; name an audio file")
    try:
        with open_audio(path) as file:
            rate = int(file.samplerate)
            if file.frames <= 0 or not RATES[0] <= rate <= RATES[1]:
                raise FeatureError(f"{path}: {unusable(file.frames, rate)}; record it again, or convert it")
            length, starts = _cut(file.frames, rate, seconds, hop, whole)
            for start in starts:
                file.seek(start)
                channels = file.read(length, dtype="float32", always_2d=True)
                yield start / rate, _mono(path, channels, start), rate
    except (soundfile.SoundFileError, OSError) as error:
        raise FeatureError(
            f"{path}: cannot decode the audio: {error}; convert it to a format that libsndfile reads, such as WAV, "
            "FLAC, Ogg or MP3"
        ) from None


def count_windows(path: Path, seconds: float, hop: float, whole: float) -> int:
    """Return how many windows :func:`read_windows` yields; 1 for a file that it will refuse.

    Parameters
    ----------
    path : Path
        The recording.
    seconds, hop : float
        Length of a window and distance between two, in seconds.
    whole : float
        Seconds up to which a recording is one window.
    """
    import soundfile

    try:
        with open_audio(path) as file:
            return len(_cut(file.frames, int(file.samplerate), seconds, hop, whole)[1])
    except (soundfile.SoundFileError, OSError):
        return 1


def _cut(frames: int, rate: int, seconds: float, hop: float, whole: float) -> tuple[int, list[int]]:
    """Return the length of a window and where each starts, in samples."""
    length = frames if frames <= round(whole * rate) else round(seconds * rate)
    last = max(0, frames - length)
    return length, [*range(0, last, max(1, round(hop * rate))), last]


def _mono(path: Path, channels: NDArray[np.float32], first: int) -> Samples:
    """Return the mean of ``channels``, shape (n, channels), which start at sample ``first`` of the file."""
    samples: Samples = channels[:, 0] if channels.shape[1] == 1 else channels.mean(axis=1, dtype=np.float32)
    finite = np.isfinite(samples)
    if not finite.all():
        at = int(np.argmin(finite))
        raise FeatureError(
            f"{path}: {int((~finite).sum())} of {len(samples)} samples are not finite, the first at sample "
            f"{first + at} ({samples[at]}); repair the file or remove the clip from the metadata"
        )
    return np.ascontiguousarray(samples)


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


def seconds_before_resampling(seconds: float, rate: int, target: int) -> float:
    """Return how many seconds at ``rate`` Hz, from the start, determine the first ``seconds`` at ``target`` Hz to the
    bit."""
    return seconds if rate == target else seconds + _LOOKAHEAD_SAMPLES / min(rate, target)


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
