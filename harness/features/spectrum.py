"""The short-time Fourier transform that all planes of a clip share, and decibels.

Shapes, as suffixes of names: F = 1 + n_fft // 2 frequency bins, T = 1 + n_samples // hop_length frames; in the planes
also M mel bands, C pitch classes, R rows.

Everything from here to the planes is float64: it costs little beside decoding and the constant-Q transform, and leaves
librosa's own float32 rounding as the only difference from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from harness.features.audio import Samples


@dataclass(frozen=True)
class Spectrum:
    """Power spectrogram of one clip.

    Attributes
    ----------
    power
        Squared magnitude of the transform, float64, shape (F, T).
    """

    power: Tensor
    sample_rate: int
    n_fft: int
    hop_length: int


def spectrum(samples: Samples, sample_rate: int, n_fft: int, hop_length: int, device: str = "cpu") -> Spectrum:
    """Transform ``samples``, shape (n,), with a periodic Hann window of ``n_fft`` samples.

    Frames are centred on multiples of ``hop_length`` and the ends padded with silence: ``librosa.stft`` with its
    defaults. The power lies on ``device``.
    """
    signal = torch.from_numpy(samples).to(device, torch.float64)
    transform_FT = torch.stft(
        signal,
        n_fft,
        hop_length,
        window=periodic_hann(n_fft, torch.float64, device),
        center=True,
        pad_mode="constant",
        return_complex=True,
    )
    power_FT = transform_FT.real.square() + transform_FT.imag.square()
    return Spectrum(power_FT, sample_rate, n_fft, hop_length)


@lru_cache(maxsize=8)
def periodic_hann(length: int, dtype: torch.dtype, device: str) -> Tensor:
    """Return the Hann window that continues periodically, shape (length,), computed in float64."""
    return torch.hann_window(length, periodic=True, dtype=torch.float64).to(device, dtype)


def power_to_db(power: Tensor, floor: float = 1e-10, top_db: float = 80.0) -> Tensor:
    """Return 10 log10(max(power, floor)), nothing further than ``top_db`` below the largest value of all.

    ``librosa.power_to_db`` with its defaults (reference 1).
    """
    decibels = 10.0 * torch.log10(power.clamp_min(floor))
    return decibels.clamp_min(decibels.max().item() - top_db)
