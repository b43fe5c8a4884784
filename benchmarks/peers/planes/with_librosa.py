"""librosa's planes, each from the file, with the settings of the paper's planes and a single thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import librosa
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from benchmarks.librosa_features import librosa_planes
from benchmarks.peers.planes.serve import serve
from harness.study import FeaturesSection

PARAMS = FeaturesSection(clip_seconds=5.0)
RATE, HOP = PARAMS.sample_rate, PARAMS.hop_length
Samples = NDArray[np.float32]


def log_mel(y: Samples) -> object:
    """Return LM."""
    options = PARAMS.of("LM")
    mel = librosa.feature.melspectrogram(y=y, sr=RATE, n_mels=options.n_mels, n_fft=options.n_fft, hop_length=HOP)
    return librosa.power_to_db(mel)


def mfcc(y: Samples) -> object:
    """Return the coefficients and their two derivatives."""
    options = PARAMS.of("MFCC")
    made = librosa.feature.mfcc(y=y, sr=RATE, n_mfcc=options.n_mfcc, n_fft=options.n_fft, hop_length=HOP)
    width = options.delta_width
    return made, librosa.feature.delta(made, width=width), librosa.feature.delta(made, width=width, order=2)


def chroma(y: Samples) -> object:
    """Return the chroma."""
    options = PARAMS.of("chroma")
    return librosa.feature.chroma_stft(y=y, sr=RATE, n_chroma=options.n_chroma, n_fft=options.n_fft, hop_length=HOP)


def contrast(y: Samples) -> object:
    """Return the spectral contrast."""
    options = PARAMS.of("contrast")
    return librosa.feature.spectral_contrast(
        y=y, sr=RATE, n_bands=options.bands, fmin=options.fmin, n_fft=options.n_fft, hop_length=HOP
    )


def tonnetz(y: Samples) -> object:
    """Return the tonnetz."""
    return librosa.feature.tonnetz(y=y, sr=RATE, hop_length=HOP)


def of_clips(plane: Callable[[Samples], object], paths: Sequence[str]) -> None:
    """Compute one plane of the clips at ``paths``."""
    for path in paths:
        plane(librosa.load(path, sr=RATE)[0])


def all_five(paths: Sequence[str]) -> None:
    """Compute the five planes of each clip, loaded once."""
    for path in paths:
        librosa_planes(Path(path), PARAMS)


PLANES = {"log-mel": log_mel, "MFCC": mfcc, "chroma": chroma, "contrast": contrast, "tonnetz": tonnetz}

if __name__ == "__main__":
    with threadpool_limits(limits=1):
        serve({name: partial(of_clips, plane) for name, plane in PLANES.items()} | {"all five": all_five})
