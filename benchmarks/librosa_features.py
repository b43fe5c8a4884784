"""The five planes of the paper by plain librosa calls: what the harness's own are compared and raced with."""

from __future__ import annotations

import warnings
from pathlib import Path

import librosa
import numpy as np
from numpy.typing import NDArray

from harness.study import FeaturesSection

Planes = dict[str, NDArray[np.float32]]


def librosa_planes(path: Path, params: FeaturesSection) -> Planes:
    """Return LM, MFCC, chroma, contrast and tonnetz of the clip at ``path`` by name; shape (bins, frames) each.

    Every call begins from the samples with librosa's defaults, as a script would that follows its documentation. Clips
    are loaded at ``params.sample_rate`` and lengthened to one segment.
    """
    samples, rate = librosa.load(path, sr=params.sample_rate)
    missing = (params.segment_frames - 1) * params.hop_length - len(samples)
    samples = np.pad(samples, (0, max(0, missing)))
    window = {"n_fft": params.n_fft, "hop_length": params.hop_length}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        power = librosa.feature.melspectrogram(y=samples, sr=rate, n_mels=params.n_mels, **window)
        mfcc = librosa.feature.mfcc(y=samples, sr=rate, n_mfcc=params.n_mfcc, **window)
        return {
            "LM": librosa.power_to_db(power),
            "MFCC": np.concatenate(
                [
                    mfcc,
                    librosa.feature.delta(mfcc, width=params.delta_width),
                    librosa.feature.delta(mfcc, width=params.delta_width, order=2),
                ]
            ),
            "chroma": librosa.feature.chroma_stft(y=samples, sr=rate, n_chroma=params.n_chroma, **window),
            "contrast": librosa.feature.spectral_contrast(
                y=samples, sr=rate, n_bands=params.contrast_bands, fmin=params.contrast_fmin, **window
            ),
            "tonnetz": librosa.feature.tonnetz(y=samples, sr=rate, hop_length=params.hop_length),
        }
