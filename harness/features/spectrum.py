"""The short-time Fourier transform that planes of a clip share, decibels, and scaling.

All functions take batches of clips of one length. Shapes, as suffixes of names: B clips of a batch, N samples,
T = 1 + N // hop_length frames, F = 1 + n_fft // 2 frequency bins; in the planes also M mel bands, C pitch classes, R
rows.

The transform is computed in float64 and everything after it in float32, as in librosa: a nearly silent band next to
loud ones keeps its digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Spectrum:
    """Magnitude spectrogram of a batch of clips.

    Attributes
    ----------
    magnitude
        Absolute value of the transform, float32, shape (B, T, F).
    """

    magnitude: Tensor
    sample_rate: int
    n_fft: int
    hop_length: int

    @cached_property
    def power(self) -> Tensor:
        """Squared magnitude, shape (B, T, F)."""
        return self.magnitude.square()


def spectrum(
    signals_BN: Tensor, sample_rate: int, n_fft: int, hop_length: int, precision: torch.dtype = torch.float64
) -> Spectrum:
    """Return the short-time Fourier transform's magnitudes, with a periodic Hann window.

    Frames are centred on multiples of ``hop_length`` and the ends padded with silence: ``librosa.stft`` with its
    defaults.

    Parameters
    ----------
    signals_BN : Tensor of float32, shape (B, N)
        The clips.
    sample_rate : int
        In Hz; recorded in the result.
    n_fft : int
        Length of window and transform, in samples.
    hop_length : int
        Samples between frames.
    precision : torch.dtype
        Floating-point type of the window and the transform.
    """
    frames_BTW = frames(signals_BN, n_fft, hop_length) * periodic_hann(n_fft, precision, str(signals_BN.device))
    return Spectrum(magnitude(torch.fft.rfft(frames_BTW).to(torch.complex64)), sample_rate, n_fft, hop_length)


def frames(signals_BN: Tensor, length: int, hop_length: int) -> Tensor:
    """Return a view of the signals in frames around multiples of ``hop_length``; shape (B, T, length)."""
    return F.pad(signals_BN, (length // 2, length // 2)).unfold(1, length, hop_length)


def magnitude(values: Tensor) -> Tensor:
    """Return the absolute values of complex ``values``, same shape."""
    if values.device.type == "cpu":
        # Same values as torch's in a tenth of the time.
        return torch.from_numpy(np.abs(values.numpy()))
    return values.abs()


@lru_cache(maxsize=8)
def periodic_hann(length: int, dtype: torch.dtype, device: str) -> Tensor:
    """Return the Hann window that continues periodically, shape (length,), computed in float64."""
    return torch.hann_window(length, periodic=True, dtype=torch.float64).to(device, dtype)


def power_to_db(power_BTR: Tensor, floor: float = 1e-10, top_db: float = 80.0) -> Tensor:
    """Return 10 log10(max(power, floor)), clipped ``top_db`` below the largest value of each clip.

    ``librosa.power_to_db`` with its defaults (reference 1).
    """
    decibels_BTR = power_BTR.clamp_min(floor).log10_().mul_(10.0)
    return decibels_BTR.clamp_min_(decibels_BTR.amax(dim=(1, 2), keepdim=True) - top_db)


def scaled_frames(energy_BTC: Tensor) -> Tensor:
    """Return ``energy_BTC`` scaled so that each frame's largest value is 1; silent frames are unchanged."""
    peak_BT1 = energy_BTC.amax(dim=-1, keepdim=True)
    return energy_BTC / torch.where(peak_BT1 < torch.finfo(torch.float32).tiny, 1.0, peak_BT1)
