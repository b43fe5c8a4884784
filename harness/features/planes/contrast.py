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
from typing import TYPE_CHECKING, Annotated

import numpy as np

from harness.errors import FeatureError
from harness.features.row_scale import RowScale
from harness.registry import Plane, register
from harness.section import Most, Positive, Rate, Section

if TYPE_CHECKING:
    from torch import Tensor

    from harness.features.spectrum import Spectrum
    from harness.features.waves import Waves

_QUANTILE = 0.02


class ContrastOptions(Section):
    """Settings of contrast."""

    n_fft: Annotated[Positive, Most(2**16, "1.5 s at 44.1 kHz")] = 1024
    """Points of the Fourier transform and samples of its Hann window."""
    bands: Annotated[Positive, Most(16, "octaves; human hearing spans about 10")] = 6
    """Octave bands; one row more than bands."""
    fmin: Annotated[Rate, Most(384_000, "Hz, half the highest sample rate")] = 200.0
    """Upper edge of the first band in Hz."""


def rows(options: ContrastOptions) -> int:
    """Return the number of bands, with the one below them."""
    return options.bands + 1


def scale(options: ContrastOptions, sample_rate: int) -> RowScale:
    """Return the limits of the bands."""
    edges = [0.0, *(options.fmin * 2.0**octave for octave in range(options.bands)), sample_rate / 2]
    return RowScale("Band in Hz", tuple(f"{low:.0f} to {high:.0f}" for low, high in itertools.pairwise(edges)))


def compute(waves: Waves, options: ContrastOptions) -> Tensor:
    """Return contrast, shape (B, T, bands + 1)."""
    return contrast(waves.spectrum(options.n_fft), options.bands, options.fmin)


register(
    Plane(
        name="contrast",
        compute="harness.features.planes.contrast:compute",
        rows="harness.features.planes.contrast:rows",
        scale="harness.features.planes.contrast:scale",
        unit="dB",
        options="harness.features.planes.contrast:ContrastOptions",
        revision=3,
    )
)


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
    import torch

    from harness.features.spectrum import power_to_db

    bands = _bands(spectrum.sample_rate, spectrum.n_fft, n_bands, fmin)
    valleys, peaks = zip(
        *(_ends(spectrum.magnitude[..., band.start : band.stop], band.n) for band in bands), strict=True
    )
    # Like the reference, this converts a magnitude to decibels as if it were a power.
    return power_to_db(torch.stack(peaks, dim=-1)) - power_to_db(torch.stack(valleys, dim=-1))


def _ends(band_BTF: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """Return the means of the ``n`` smallest and of the ``n`` largest values; shape (B, T) both."""
    import torch

    if n == 1:
        low_BT, high_BT = band_BTF.aminmax(dim=-1)
        return low_BT, high_BT
    if band_BTF.device.type == "cpu":
        # Same values as torch's in a tenth of the time.
        sorted_BTF = torch.from_numpy(np.sort(band_BTF.numpy(), axis=-1))
    else:
        sorted_BTF = band_BTF.sort(dim=-1).values
    return sorted_BTF[..., :n].mean(dim=-1), sorted_BTF[..., -n:].mean(dim=-1)


@lru_cache(maxsize=8)
def _bands(sample_rate: int, n_fft: int, n_bands: int, fmin: float) -> tuple[_Band, ...]:
    frequency_F = np.fft.rfftfreq(n_fft, 1.0 / sample_rate)
    edges = np.concatenate([[0.0], fmin * 2.0 ** np.arange(n_bands + 1)])
    where = f"features.planes.contrast: bands = {n_bands} with fmin = {fmin} at {sample_rate} Hz"
    if edges[-2] >= sample_rate / 2:
        raise FeatureError(
            f"{where}: the last band would start at {edges[-2]:g} Hz, at or above half the sample rate; lower bands or "
            "fmin"
        )
    bands = []
    for k, (low, high) in enumerate(itertools.pairwise(edges)):
        inside = np.flatnonzero((frequency_F >= low) & (frequency_F <= high))
        if len(inside) == 0:
            raise FeatureError(f"{where}: no frequency bin of n_fft = {n_fft} lies in {low:g} to {high:g} Hz")
        last = k == n_bands
        # In the reference a band begins one bin early, its quantile is counted with that bin and its last one, and the
        # last bin is then left to the next band.
        start = int(inside[0]) - (k > 0)
        stop = len(frequency_F) if last else int(inside[-1]) + 1
        n = max(1, int(np.rint(_QUANTILE * (stop - start))))
        stop -= not last
        if stop <= start:
            raise FeatureError(f"{where}: the band {low:g} to {high:g} Hz contains only one bin of n_fft = {n_fft}")
        bands.append(_Band(start, stop, n))
    return tuple(bands)
