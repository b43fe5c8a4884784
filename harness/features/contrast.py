"""Spectral contrast: peak against valley in octave bands (Su et al. 2019, section 3.1, where its 7 rows are called
chroma's).

Reference: ``librosa.feature.spectral_contrast`` with its defaults, after D.-N. Jiang et al., "Music type classification
by spectral contrast feature", ICME 2002. Band 0 ends at ``fmin``, each further band spans an octave, the last one
reaches up to half the sample rate.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from harness.errors import FeatureError
from harness.features.spectrum import Spectrum, power_to_db

_QUANTILE = 0.02


@dataclass(frozen=True)
class _Band:
    """Frequency bins start to stop - 1; ``n`` of them make the peak, and as many the valley."""

    start: int
    stop: int
    n: int


def contrast(spectrum: Spectrum, n_bands: int, fmin: float) -> Tensor:
    """Return peak minus valley in dB for each band; shape (B, T, n_bands + 1).

    Raises
    ------
    FeatureError
        When a band begins above half the sample rate or holds too few frequency bins.
    """
    bands = _bands(spectrum.sample_rate, spectrum.n_fft, n_bands, fmin)
    valleys, peaks = zip(
        *(_ends(spectrum.magnitude[..., band.start : band.stop], band.n) for band in bands), strict=True
    )
    # Decibels of a magnitude as if it were a power: so does the reference.
    return power_to_db(torch.stack(peaks, dim=-1)) - power_to_db(torch.stack(valleys, dim=-1))


def _ends(band_BTF: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """Return the means of the ``n`` smallest and of the ``n`` largest values; shape (B, T) both."""
    if n == 1:
        return band_BTF.amin(dim=-1), band_BTF.amax(dim=-1)
    if band_BTF.device.type == "cpu":
        # The same values in a tenth of the time that torch takes.
        sorted_BTF = torch.from_numpy(np.sort(band_BTF.numpy(), axis=-1))
    else:
        sorted_BTF = band_BTF.sort(dim=-1).values
    return sorted_BTF[..., :n].mean(dim=-1), sorted_BTF[..., -n:].mean(dim=-1)


@lru_cache(maxsize=8)
def _bands(sample_rate: int, n_fft: int, n_bands: int, fmin: float) -> tuple[_Band, ...]:
    frequency_F = np.fft.rfftfreq(n_fft, 1.0 / sample_rate)
    edges = np.concatenate([[0.0], fmin * 2.0 ** np.arange(n_bands + 1)])
    where = f"features.contrast_bands = {n_bands} with contrast_fmin = {fmin} at {sample_rate} Hz"
    if edges[-2] >= sample_rate / 2:
        raise FeatureError(
            f"{where}: the last band would begin at {edges[-2]:g} Hz, at or above half the sample rate; "
            "lower contrast_bands or contrast_fmin"
        )
    bands = []
    for k, (low, high) in enumerate(itertools.pairwise(edges)):
        inside = np.flatnonzero((frequency_F >= low) & (frequency_F <= high))
        if len(inside) == 0:
            raise FeatureError(f"{where}: no frequency bin of n_fft = {n_fft} lies in {low:g} to {high:g} Hz")
        last = k == n_bands
        # The reference lets a band begin one bin early, counts its quantile with that bin and its last one, and then
        # leaves the last bin to the next band.
        start = int(inside[0]) - (k > 0)
        stop = len(frequency_F) if last else int(inside[-1]) + 1
        n = max(1, int(np.rint(_QUANTILE * (stop - start))))
        stop -= not last
        if stop <= start:
            raise FeatureError(f"{where}: the band {low:g} to {high:g} Hz holds one bin of n_fft = {n_fft} only")
        bands.append(_Band(start, stop, n))
    return tuple(bands)
