"""LM: the log-mel spectrogram (Su et al. 2019, section 2.1).

Reference: ``librosa.feature.melspectrogram`` (Slaney's scale and area normalisation) and ``librosa.power_to_db``.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from harness.features.spectrum import Spectrum, power_to_db

_GROUPS = 6


def log_mel(spectrum: Spectrum, n_mels: int) -> Tensor:
    """Return the mel spectrogram in dB, at most 80 dB below the clip's maximum; shape (n_mels, frames)."""
    blocks = _mel_blocks(spectrum.sample_rate, spectrum.n_fft, n_mels, str(spectrum.power.device))
    return power_to_db(
        torch.cat([bank_MF @ spectrum.power[first : first + bank_MF.shape[1]] for first, bank_MF in blocks])
    )


@lru_cache(maxsize=8)
def _mel_blocks(sample_rate: int, n_fft: int, n_mels: int, device: str) -> list[tuple[int, Tensor]]:
    """Return the bands in groups, each with the first frequency bin its bands reach and their weights on from there.

    A band is a triangle over a few bins, so that groups spare most products with zero.
    """
    import librosa

    # In float32 and widened, because that is how the reference weighs its spectrogram.
    bank_MF = librosa.filters.mel(sr=sample_rate, n_fft=n_fft, n_mels=n_mels).astype(np.float64)
    blocks = []
    for rows_MF in np.array_split(bank_MF, min(n_mels, _GROUPS)):
        reached = np.flatnonzero(rows_MF.any(axis=0))
        first, stop = (int(reached[0]), int(reached[-1]) + 1) if len(reached) else (0, 1)
        blocks.append((first, torch.from_numpy(rows_MF[:, first:stop].copy()).to(device)))
    return blocks
