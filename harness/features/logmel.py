"""LM: the log-mel spectrogram (Su et al. 2019, section 3.1).

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
    """Return the mel spectrograms in dB, at most 80 dB below the clip's maximum; shape (B, T, n_mels)."""
    blocks = _mel_blocks(spectrum.sample_rate, spectrum.n_fft, n_mels, str(spectrum.magnitude.device))
    return power_to_db(
        torch.cat([spectrum.power[..., first : first + len(bank_FM)] @ bank_FM for first, bank_FM in blocks], dim=-1)
    )


@lru_cache(maxsize=8)
def _mel_blocks(sample_rate: int, n_fft: int, n_mels: int, device: str) -> list[tuple[int, Tensor]]:
    """Return the bands in groups, each with the first frequency bin its bands reach and their weights on from there.

    A band is a triangle over a few bins, so that groups spare most products with zero.
    """
    import librosa

    bank_FM = librosa.filters.mel(sr=sample_rate, n_fft=n_fft, n_mels=n_mels).T
    blocks = []
    for columns_FM in np.array_split(bank_FM, min(n_mels, _GROUPS), axis=1):
        reached = np.flatnonzero(columns_FM.any(axis=1))
        first, stop = (int(reached[0]), int(reached[-1]) + 1) if len(reached) else (0, 1)
        blocks.append((first, torch.from_numpy(columns_FM[first:stop].copy()).to(device)))
    return blocks
