"""Chroma: energy in each of the pitch classes (Su et al. 2019, section 2.1, where its 12 rows are called contrast's).

Reference: ``librosa.feature.chroma_stft`` with its defaults: the tuning is estimated once per clip, and each frame is
scaled so that its largest value is 1.
"""

from __future__ import annotations

import warnings
from functools import lru_cache

import torch
from torch import Tensor

from harness.features.spectrum import Spectrum

# The reference decides in float32 whether a frame is silent; the same threshold keeps its zeros zeros here.
_SILENCE = torch.finfo(torch.float32).tiny


def chroma(spectrum: Spectrum, n_chroma: int) -> Tensor:
    """Return the chromagram, values in [0, 1], zero where a frame is silent; shape (n_chroma, frames)."""
    tuning = estimate_tuning(spectrum, n_chroma)
    bank_CF = _chroma_bank(spectrum.sample_rate, spectrum.n_fft, n_chroma, tuning).to(spectrum.power)
    energy_CT = bank_CF @ spectrum.power
    peak_T = energy_CT.amax(dim=0)
    return energy_CT / torch.where(peak_T < _SILENCE, 1.0, peak_T)


def estimate_tuning(spectrum: Spectrum, bins_per_octave: int) -> float:
    """Return the deviation of the clip's pitches from A440, in fractions of a bin, in [-0.5, 0.5).

    0 when the clip has no pitch at all, as in silence.
    """
    import librosa

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Trying to estimate tuning from empty frequency set")
        return float(
            librosa.estimate_tuning(
                S=spectrum.power.to(torch.float32).numpy(force=True),
                sr=spectrum.sample_rate,
                n_fft=spectrum.n_fft,
                bins_per_octave=bins_per_octave,
            )
        )


@lru_cache(maxsize=128)
def _chroma_bank(sample_rate: int, n_fft: int, n_chroma: int, tuning: float) -> Tensor:
    """Return weights, shape (n_chroma, 1 + n_fft // 2); tunings come in hundredths of a bin, so a few dozen recur."""
    import librosa

    return torch.from_numpy(librosa.filters.chroma(sr=sample_rate, n_fft=n_fft, n_chroma=n_chroma, tuning=tuning)).to(
        torch.float64
    )
