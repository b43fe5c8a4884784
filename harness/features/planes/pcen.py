"""PCEN: per-channel energy normalisation of a mel spectrogram: it suppresses steady noise and evens out loudness.

Source: Y. Wang, P. Getreuer, T. Hughes, R. F. Lyon, R. A. Saurous, "Trainable frontend for robust and far-field keyword
spotting", ICASSP 2017, equations 1 and 2; its parameters are fixed here, not trained. Reference: ``librosa.pcen`` of
magnitudes in mel bands (Slaney's scale and area normalisation) at the full scale of 32-bit samples, for which its
defaults are made.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from harness.features.planes.logmel import mel_bands
from harness.features.row_scale import RowScale, mel_scale
from harness.registry import Plane, register
from harness.section import Most, Positive, Rate, Section

if TYPE_CHECKING:
    from torch import Tensor

    from harness.features.waves import Waves

FULL_SCALE = 2.0**31
"""What a sample of 1.0 is scaled to."""


class PcenOptions(Section):
    """Settings of PCEN."""

    n_fft: Annotated[Positive, Most(2**16, "1.5 s at 44.1 kHz")] = 1024
    """Points of the Fourier transform and samples of its Hann window."""
    n_mels: Annotated[Positive, Most(4_096, "more than the bins of a 2^13-point transform would support")] = 128
    """Mel bands (Slaney scale and area normalisation)."""
    gain: Annotated[Annotated[float, Field(ge=0)], Most(2, "1 removes a constant level entirely")] = 0.98
    """Exponent of the smoothed energy that each band is divided by."""
    bias: Annotated[Rate, Most(1e6, "far above a normalised band, which is around 1")] = 2.0
    """Added before the root, so that weak sounds stay weak."""
    power: Annotated[Rate, Most(1, "no compression")] = 0.5
    """Exponent of the compression."""
    time_constant: Annotated[Rate, Most(60, "the longest clip that can be used")] = 0.4
    """Seconds over which energy is smoothed."""
    eps: Annotated[Rate, Most(FULL_SCALE, "full scale")] = 1e-6
    """Added to the smoothed energy, so that silence is not divided by zero."""


def rows(options: PcenOptions) -> int:
    """Return the number of mel bands."""
    return options.n_mels


def scale(options: PcenOptions, sample_rate: int) -> RowScale:
    """Return the centre frequencies of the bands."""
    return mel_scale(options.n_mels, sample_rate)


def compute(waves: Waves, options: PcenOptions) -> Tensor:
    """Return PCEN, shape (B, T, n_mels)."""
    magnitude_BTF = waves.spectrum(options.n_fft).magnitude
    bands_BTM = mel_bands(magnitude_BTF, waves.sample_rate, options.n_fft, options.n_mels)
    return pcen(FULL_SCALE * bands_BTM.double(), waves.sample_rate / waves.hop_length, options).float()


register(
    Plane(
        name="PCEN",
        compute=f"{__name__}:compute",
        rows=f"{__name__}:rows",
        scale="harness.features.planes.pcen:scale",
        options=f"{__name__}:PcenOptions",
    )
)


def pcen(energy_BTM: Tensor, frame_rate: float, options: PcenOptions) -> Tensor:
    """Return energies, divided by their smoothed past and compressed; shape (B, T, n_mels).

    Parameters
    ----------
    energy_BTM : Tensor of float64, shape (B, T, n_mels)
        Energy of each band, at least 0.
    frame_rate : float
        Frames per second.
    options : PcenOptions
        The settings.
    """
    smoothed_BTM = _smoothed(energy_BTM, smoothing(options.time_constant * frame_rate))
    # Logarithms, because a power of a small energy underflows.
    level_BTM = math.log(options.eps) + (smoothed_BTM / options.eps).log1p()
    normalised_BTM = energy_BTM * (-options.gain * level_BTM).exp()
    compressed_BTM: Tensor = (
        options.bias**options.power * (options.power * (normalised_BTM / options.bias).log1p()).expm1()
    )
    return compressed_BTM


def smoothing(frames: float) -> float:
    """Return the weight of a frame in a running mean over about ``frames`` frames, in (0, 1]."""
    return 2.0 / (math.sqrt(1.0 + 4.0 * frames**2) + 1.0)


def _smoothed(energy_BTM: Tensor, weight: float) -> Tensor:
    """Return the running means over time, shape as ``energy_BTM``; before the first frame they are 1, as in librosa."""
    import torch

    means = [torch.ones_like(energy_BTM[:, 0])]
    for energy_BM in energy_BTM.unbind(dim=1):
        means.append(torch.lerp(means[-1], energy_BM, weight))
    return torch.stack(means[1:], dim=1)
