"""gammatone: power in the bands of an auditory filter bank, in dB.

Sources: R. D. Patterson et al., "Complex sounds and auditory images", 1992 (fourth-order gammatone filters of 1.019
equivalent rectangular bandwidths); B. R. Glasberg, B. C. J. Moore, "Derivation of auditory filter shapes from
notched-noise data", Hearing Research 47, 1990 (the bandwidths); M. Slaney, "An efficient implementation of the
Patterson-Holdsworth auditory filter bank", Apple Technical Report 35, 1993 (the spacing). The filters weight the bins
of a power spectrum by their own power response, which is 1 at the centre frequency. Reference for the responses:
``scipy.signal.gammatone``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Annotated

import numpy as np

from harness.errors import FeatureError
from harness.features.row_scale import RowScale, in_hertz
from harness.registry import Plane, register
from harness.section import Most, Positive, Rate, Section

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from harness.features.waves import Waves

# Glasberg and Moore 1990: asymptotic ratio of frequency to bandwidth, and the bandwidth at 0 Hz.
_EAR_Q, _LEAST_HZ = 9.26449, 24.7
_ORDER = 4
_BANDWIDTHS = 1.019


class GammatoneOptions(Section):
    """Settings of gammatone."""

    n_fft: Annotated[Positive, Most(2**16, "1.5 s at 44.1 kHz")] = 2048
    """Points of the Fourier transform and samples of its Hann window; a filter at 50 Hz is 30 Hz wide."""
    n_bands: Annotated[Positive, Most(4_096, "more than the bins of a 2^13-point transform would support")] = 64
    """Filters, equally spaced in equivalent rectangular bandwidths."""
    fmin: Annotated[Rate, Most(384_000, "Hz, half the highest sample rate")] = 50.0
    """Centre frequency of the lowest filter in Hz; the highest is below half the sample rate."""


def rows(options: GammatoneOptions) -> int:
    """Return the number of filters."""
    return options.n_bands


def scale(options: GammatoneOptions, sample_rate: int) -> RowScale:
    """Return the centre frequencies of the filters."""
    return in_hertz(centre_frequencies(options.n_bands, options.fmin, sample_rate))


def compute(waves: Waves, options: GammatoneOptions) -> Tensor:
    """Return the powers in dB, at most 80 dB below the clip's maximum; shape (B, T, n_bands).

    Raises FeatureError when ``fmin`` is not below half the sample rate.
    """
    from harness.features.spectrum import power_to_db

    if 2 * options.fmin >= waves.sample_rate:
        raise FeatureError(
            f"features.planes.gammatone: fmin = {options.fmin:g} Hz is not below half of features.sample_rate = "
            f"{waves.sample_rate}; lower fmin"
        )
    bank_FM = _bank(waves.sample_rate, options.n_fft, options.n_bands, options.fmin, waves.device)
    return power_to_db(waves.spectrum(options.n_fft).power @ bank_FM)


register(
    Plane(
        name="gammatone",
        compute=f"{__name__}:compute",
        rows=f"{__name__}:rows",
        scale="harness.features.planes.gammatone:scale",
        unit="dB",
        options=f"{__name__}:GammatoneOptions",
    )
)


def centre_frequencies(n_bands: int, fmin: float, sample_rate: int) -> NDArray[np.float64]:
    """Return centre frequencies in Hz from ``fmin`` to below half of ``sample_rate``, equally spaced in bandwidths;
    shape (n_bands,)."""
    offset = _EAR_Q * _LEAST_HZ
    ratio = (sample_rate / 2 + offset) / (fmin + offset)
    centre_M: NDArray[np.float64] = (fmin + offset) * ratio ** (np.arange(n_bands) / n_bands) - offset
    return centre_M


def power_response(frequency_F: NDArray[np.float64], centre_M: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the squared magnitude of the filters' responses, 1 at the centre; shape (F, M).

    Parameters
    ----------
    frequency_F : ndarray of float64, shape (F,)
        Frequencies in Hz.
    centre_M : ndarray of float64, shape (M,)
        Centre frequencies in Hz.
    """
    width_M = _BANDWIDTHS * (centre_M / _EAR_Q + _LEAST_HZ)

    def response(frequency: NDArray[np.float64]) -> NDArray[np.complex128]:
        above, below = (1 + 1j * (frequency - sign * centre_M) / width_M for sign in (1, -1))
        return above**-_ORDER + below**-_ORDER

    powers_FM: NDArray[np.float64] = np.abs(response(frequency_F[:, None]) / response(centre_M)) ** 2
    return powers_FM


@lru_cache(maxsize=8)
def _bank(sample_rate: int, n_fft: int, n_bands: int, fmin: float, device: str) -> Tensor:
    """Return the weights of frequency bins, float32, shape (F, n_bands)."""
    import torch

    frequency_F = np.arange(1 + n_fft // 2) * sample_rate / n_fft
    bank_FM = power_response(frequency_F, centre_frequencies(n_bands, fmin, sample_rate))
    return torch.from_numpy(bank_FM).to(device, torch.float32)
