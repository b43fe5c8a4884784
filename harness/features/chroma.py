"""Chroma: energy in each of the pitch classes (Su et al. 2019, section 2.1, where its 12 rows are called contrast's).

Reference: ``librosa.feature.chroma_stft`` with its defaults: the tuning is estimated once per clip, and each frame is
scaled so that its largest value is 1.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from harness.features.spectrum import Spectrum
from harness.features.tuning import estimate_tuning

# The reference decides in float32 whether a frame is silent; the same threshold keeps its zeros zeros here.
_SILENCE = torch.finfo(torch.float32).tiny


def chroma(spectrum: Spectrum, n_chroma: int) -> Tensor:
    """Return the chromagram, values in [0, 1], zero where a frame is silent; shape (n_chroma, frames)."""
    power_TF = spectrum.power.T.to(torch.float32)
    tuning = estimate_tuning(power_TF, spectrum.sample_rate, spectrum.n_fft, n_chroma)
    bank_CF = _chroma_bank(spectrum.sample_rate, spectrum.n_fft, n_chroma, tuning, str(spectrum.power.device))
    energy_CT = bank_CF @ spectrum.power
    peak_T = energy_CT.amax(dim=0)
    return energy_CT / torch.where(peak_T < _SILENCE, 1.0, peak_T)


@lru_cache(maxsize=128)
def _chroma_bank(sample_rate: int, n_fft: int, n_chroma: int, tuning: float, device: str) -> Tensor:
    """Return weights, shape (n_chroma, 1 + n_fft // 2); tunings come in hundredths of a bin, so a few dozen recur."""
    import librosa

    bank_CF = librosa.filters.chroma(sr=sample_rate, n_fft=n_fft, n_chroma=n_chroma, tuning=tuning)
    return torch.from_numpy(bank_CF).to(device, torch.float64)
