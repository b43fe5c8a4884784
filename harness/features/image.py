"""Image channels: each plane as one picture of the clip's first seconds, for image networks.

``spectrogram``, ``mel`` and ``mfcc`` follow the ResNet-18 practical and come from torchaudio's transforms (reflected
ends, HTK mel bands without area normalisation). The paper's planes keep their own settings and code. Whatever the
plane, rows run from its first row (lowest frequency or coefficient) down, columns along time.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F
from torchaudio import functional as audio_functional
from torchaudio import transforms

from harness.errors import FeatureError
from harness.features.audio import Samples, exactly
from harness.study import ImageSection


def excerpt(samples: Samples, sample_rate: int, seconds: float) -> Samples:
    """Return the first ``seconds`` of a clip, with silence appended where it is shorter."""
    return exactly(samples, round(seconds * sample_rate))


def resize(planes: Tensor, rows: int, columns: int) -> Tensor:
    """Return ``planes``, shape (n, bins, frames), brought to (n, rows, columns), float32, bilinearly, smoothed where
    they shrink."""
    pictures = F.interpolate(
        planes.to(torch.float32)[:, None],
        size=(rows, columns),
        mode="bilinear",
        align_corners=False,
        antialias=True,
    )
    return pictures[:, 0]


class PracticalPlanes:
    """The practical's planes of one excerpt; what they share is computed once.

    Parameters
    ----------
    samples
        The excerpt at ``settings.sample_rate``, shape (n,).

    Raises
    ------
    FeatureError
        When the settings contradict each other.
    """

    def __init__(self, samples: Samples, settings: ImageSection) -> None:
        _check(settings, len(samples))
        self._settings = settings
        self._power_FT: Tensor = _spectrogram(settings)(torch.from_numpy(samples))
        self._mel_MT: Tensor | None = None

    def plane(self, name: str) -> Tensor:
        """Return ``"spectrogram"``, ``"mel"`` or ``"mfcc"`` before resizing, float32; shape (bins, frames)."""
        if name == "spectrogram":
            return self._decibels(self._power_FT)
        if self._mel_MT is None:
            self._mel_MT = _mel_scale(self._settings)(self._power_FT)
        if name == "mel":
            return self._decibels(self._mel_MT)
        if name == "mfcc":
            # As in torchaudio's MFCC: decibels of its own, cut 80 dB below the maximum.
            decibels_MT: Tensor = audio_functional.amplitude_to_DB(
                self._mel_MT, multiplier=10.0, amin=1e-10, db_multiplier=0.0, top_db=80.0
            )
            return torch.matmul(_cosines(self._settings).T, decibels_MT)
        raise KeyError(name)

    def _decibels(self, power: Tensor) -> Tensor:
        return 10.0 * torch.log10(power + self._settings.db_offset)


def _check(settings: ImageSection, n_samples: int) -> None:
    where = "features.image"
    if settings.win_length > settings.n_fft:
        raise FeatureError(f"{where}: win_length = {settings.win_length} exceeds n_fft = {settings.n_fft}; lower it")
    if settings.n_mfcc > settings.n_mels:
        raise FeatureError(
            f"{where}: n_mfcc = {settings.n_mfcc} coefficients cannot come from n_mels = {settings.n_mels} bands"
        )
    if settings.f_min >= settings.sample_rate / 2:
        raise FeatureError(f"{where}: f_min = {settings.f_min} Hz is not below half of {settings.sample_rate} Hz")
    if n_samples <= settings.n_fft // 2:
        raise FeatureError(
            f"{where}: seconds = {settings.seconds} gives {n_samples} samples, too few for n_fft = {settings.n_fft}"
        )


@lru_cache(maxsize=4)
def _spectrogram(settings: ImageSection) -> transforms.Spectrogram:
    return transforms.Spectrogram(
        n_fft=settings.n_fft, win_length=settings.win_length, hop_length=settings.hop_length, power=2.0
    )


@lru_cache(maxsize=4)
def _mel_scale(settings: ImageSection) -> transforms.MelScale:
    return transforms.MelScale(
        n_mels=settings.n_mels,
        sample_rate=settings.sample_rate,
        f_min=settings.f_min,
        f_max=settings.sample_rate / 2,
        n_stft=settings.n_fft // 2 + 1,
        norm=None,
        mel_scale="htk",
    )


@lru_cache(maxsize=4)
def _cosines(settings: ImageSection) -> Tensor:
    matrix: Tensor = audio_functional.create_dct(settings.n_mfcc, settings.n_mels, norm="ortho")
    return matrix
