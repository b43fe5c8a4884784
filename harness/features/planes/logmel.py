"""LM: the log-mel spectrogram (Su et al. 2019, section 3.1).

Reference: ``librosa.feature.melspectrogram`` (Slaney's scale and area normalisation) and ``librosa.power_to_db``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Annotated

import numpy as np

from harness.features.row_scale import RowScale, mel_scale
from harness.registry import Plane, register
from harness.section import Most, Positive, Section

if TYPE_CHECKING:
    from torch import Tensor

    from harness.features.spectrum import Spectrum
    from harness.features.waves import Waves

_GROUPS = 6


class LogMelOptions(Section):
    """Settings of LM."""

    n_fft: Annotated[Positive, Most(2**16, "1.5 s at 44.1 kHz")] = 1024
    """Points of the Fourier transform and samples of its Hann window."""
    n_mels: Annotated[Positive, Most(4_096, "more than the bins of a 2^13-point transform would support")] = 60
    """Mel bands (Slaney scale and area normalisation)."""


def rows(options: LogMelOptions) -> int:
    """Return the number of mel bands."""
    return options.n_mels


def scale(options: LogMelOptions, sample_rate: int) -> RowScale:
    """Return the centre frequencies of the bands."""
    return mel_scale(options.n_mels, sample_rate)


def compute(waves: Waves, options: LogMelOptions) -> Tensor:
    """Return LM, shape (B, T, n_mels)."""
    return log_mel(waves.spectrum(options.n_fft), options.n_mels)


register(
    Plane(
        name="LM",
        compute="harness.features.planes.logmel:compute",
        rows="harness.features.planes.logmel:rows",
        scale="harness.features.planes.logmel:scale",
        unit="dB",
        options="harness.features.planes.logmel:LogMelOptions",
        revision=3,
        aliases=("log-mel",),
    )
)


def log_mel(spectrum: Spectrum, n_mels: int) -> Tensor:
    """Return the mel spectrograms in dB, at most 80 dB below the clip's maximum; shape (B, T, n_mels)."""
    from harness.features.spectrum import power_to_db

    return power_to_db(mel_bands(spectrum.power, spectrum.sample_rate, spectrum.n_fft, n_mels))


def mel_bands(values_BTF: Tensor, sample_rate: int, n_fft: int, n_mels: int) -> Tensor:
    """Return the sums of ``values_BTF``, powers or magnitudes, over ``n_mels`` mel bands; shape (B, T, n_mels).

    ``sample_rate`` in Hz and ``n_fft`` are those of the transform.
    """
    import torch

    blocks = _mel_blocks(sample_rate, n_fft, n_mels, str(values_BTF.device))
    return torch.cat([values_BTF[..., first : first + len(bank_FM)] @ bank_FM for first, bank_FM in blocks], dim=-1)


@lru_cache(maxsize=8)
def _mel_blocks(sample_rate: int, n_fft: int, n_mels: int, device: str) -> list[tuple[int, Tensor]]:
    """Return the bands in groups, each with the first frequency bin its bands reach and their weights on from there.

    A band is a triangle over a few bins, so grouping avoids most products with zero.
    """
    import torch

    from harness.features.filter_banks import mel_bank

    bank_FM = mel_bank(sample_rate, n_fft, n_mels)
    blocks = []
    for columns_FM in np.array_split(bank_FM, min(n_mels, _GROUPS), axis=1):
        reached = np.flatnonzero(columns_FM.any(axis=1))
        first, stop = (int(reached[0]), int(reached[-1]) + 1) if len(reached) else (0, 1)
        blocks.append((first, torch.from_numpy(columns_FM[first:stop].copy()).to(device)))
    return blocks
