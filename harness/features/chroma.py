"""Chroma: energy in each of the pitch classes (Su et al. 2019, section 3.1, where its 12 rows are called contrast's).

Reference: ``librosa.feature.chroma_stft`` with its defaults: the tuning is estimated once per clip, and each frame is
scaled so that its largest value is 1.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from harness.features.spectrum import Spectrum
from harness.features.tuning import estimate_tunings

_SILENCE = torch.finfo(torch.float32).tiny


def chroma(spectrum: Spectrum, n_chroma: int) -> Tensor:
    """Return the chromagrams, values in [0, 1], zero where a frame is silent; shape (B, T, n_chroma)."""
    rate, n_fft, device = spectrum.sample_rate, spectrum.n_fft, str(spectrum.magnitude.device)
    tunings = estimate_tunings(spectrum.power, rate, n_fft, n_chroma)
    bank_BFC = torch.stack([_chroma_bank(rate, n_fft, n_chroma, tuning, device) for tuning in tunings])
    return scaled_frames(spectrum.power @ bank_BFC)


def scaled_frames(energy_BTC: Tensor) -> Tensor:
    """Return ``energy_BTC`` with each frame's largest value 1, and silent frames as they are."""
    peak_BT1 = energy_BTC.amax(dim=-1, keepdim=True)
    return energy_BTC / torch.where(peak_BT1 < _SILENCE, 1.0, peak_BT1)


@lru_cache(maxsize=128)
def _chroma_bank(sample_rate: int, n_fft: int, n_chroma: int, tuning: float, device: str) -> Tensor:
    """Return weights, shape (1 + n_fft // 2, n_chroma); tunings come in hundredths of a bin, so a few dozen recur."""
    import librosa

    bank_CF = librosa.filters.chroma(sr=sample_rate, n_fft=n_fft, n_chroma=n_chroma, tuning=tuning)
    return torch.from_numpy(bank_CF.T.copy()).to(device, torch.float32)
