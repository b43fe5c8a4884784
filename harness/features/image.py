"""Image channels: each plane as one picture of the clip's first seconds, for image networks.

``spectrogram``, ``mel`` and ``mfcc`` follow the ResNet-18 practical, which takes them from torchaudio's transforms
(reflected ends, HTK mel bands without area normalisation). They are the same formulas in the same order of operations,
so that the planes are equal to torchaudio's to the bit, as the tests check. The paper's planes keep their own settings
and code. Whatever the plane, rows run from its first row (lowest frequency or coefficient) down, columns along time.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

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
        self._power_FT = _power_spectrum(torch.from_numpy(samples), settings)
        self._mel_MT: Tensor | None = None

    def plane(self, name: str) -> Tensor:
        """Return ``"spectrogram"``, ``"mel"`` or ``"mfcc"`` before resizing, float32; shape (bins, frames)."""
        if name == "spectrogram":
            return self._decibels(self._power_FT)
        if self._mel_MT is None:
            self._mel_MT = torch.matmul(self._power_FT.T, _mel_bands(self._settings)).T
        if name == "mel":
            return self._decibels(self._mel_MT)
        if name == "mfcc":
            # As in torchaudio's MFCC: decibels of its own, cut 80 dB below the maximum.
            decibels_MT = 10.0 * torch.log10(self._mel_MT.clamp(min=1e-10))
            return torch.matmul(_cosines(self._settings), decibels_MT.clamp(min=float(decibels_MT.max()) - 80.0))
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


def _power_spectrum(samples_N: Tensor, settings: ImageSection) -> Tensor:
    """Return squared magnitudes of the Fourier transform of Hann-windowed frames; shape (bins, frames)."""
    spectrum_FT = torch.stft(
        samples_N,
        n_fft=settings.n_fft,
        hop_length=settings.hop_length,
        win_length=settings.win_length,
        window=torch.hann_window(settings.win_length),
        pad_mode="reflect",
        return_complex=True,
    )
    return spectrum_FT.abs().pow(2.0)


@lru_cache(maxsize=4)
def _mel_bands(settings: ImageSection) -> Tensor:
    """Return triangular bands of height 1, evenly spaced on the HTK mel scale; shape (bins, bands)."""
    edges = 2595.0 * math.log10(1.0 + settings.f_min / 700.0), 2595.0 * math.log10(1.0 + settings.sample_rate / 1400.0)
    corners_M = 700.0 * (10.0 ** (torch.linspace(*edges, settings.n_mels + 2) / 2595.0) - 1.0)
    # The highest bin is whole hertz in torchaudio, at an odd sample rate as well.
    bins_F = torch.linspace(0, settings.sample_rate // 2, settings.n_fft // 2 + 1)
    distance_FM = corners_M - bins_F[:, None]
    widths_M = corners_M.diff()
    rising_FM, falling_FM = -distance_FM[:, :-2] / widths_M[:-1], distance_FM[:, 2:] / widths_M[1:]
    return torch.minimum(rising_FM, falling_FM).clamp(min=0.0)


@lru_cache(maxsize=4)
def _cosines(settings: ImageSection) -> Tensor:
    """Return the orthonormal discrete cosine transform (DCT-II); shape (coefficients, bands)."""
    bands_M, coefficients_K = torch.arange(float(settings.n_mels)), torch.arange(float(settings.n_mfcc))
    matrix_KM = torch.cos(math.pi / settings.n_mels * (bands_M + 0.5) * coefficients_K[:, None])
    matrix_KM[0] *= math.sqrt(0.5)
    return matrix_KM * math.sqrt(2.0 / settings.n_mels)
