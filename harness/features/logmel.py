"""LM: the log-mel spectrogram (Su et al. 2019, section 2.1).

Reference: ``librosa.feature.melspectrogram`` (Slaney's scale and area normalisation) and ``librosa.power_to_db``.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from harness.features.spectrum import Spectrum, power_to_db


def log_mel(spectrum: Spectrum, n_mels: int) -> Tensor:
    """Return the mel spectrogram in dB, at most 80 dB below the clip's maximum; shape (n_mels, frames)."""
    bank_MF = _mel_bank(spectrum.sample_rate, spectrum.n_fft, n_mels).to(spectrum.power)
    return power_to_db(bank_MF @ spectrum.power)


@lru_cache(maxsize=8)
def _mel_bank(sample_rate: int, n_fft: int, n_mels: int) -> Tensor:
    import librosa

    # In float32 and widened, because that is how the reference weighs its spectrogram.
    return torch.from_numpy(librosa.filters.mel(sr=sample_rate, n_fft=n_fft, n_mels=n_mels)).to(torch.float64)
