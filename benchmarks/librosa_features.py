"""The five planes of the paper by plain librosa calls: what the harness's own are compared and raced with."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

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
    options: dict[str, Any] = {name: params.of(name) for name in ("LM", "MFCC", "chroma", "contrast")}
    window = {name: {"n_fft": each.n_fft, "hop_length": params.hop_length} for name, each in options.items()}
    lm, cepstrum, chroma, contrast = options.values()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        power = librosa.feature.melspectrogram(y=samples, sr=rate, n_mels=lm.n_mels, **window["LM"])
        mfcc = librosa.feature.mfcc(y=samples, sr=rate, n_mfcc=cepstrum.n_mfcc, **window["MFCC"])
        return {
            "LM": librosa.power_to_db(power),
            "MFCC": np.concatenate(
                [
                    mfcc,
                    librosa.feature.delta(mfcc, width=cepstrum.delta_width),
                    librosa.feature.delta(mfcc, width=cepstrum.delta_width, order=2),
                ]
            ),
            "chroma": librosa.feature.chroma_stft(y=samples, sr=rate, n_chroma=chroma.n_chroma, **window["chroma"]),
            "contrast": librosa.feature.spectral_contrast(
                y=samples, sr=rate, n_bands=contrast.bands, fmin=contrast.fmin, **window["contrast"]
            ),
            "tonnetz": librosa.feature.tonnetz(y=samples, sr=rate, hop_length=params.hop_length),
        }
