"""MFCC-static: cepstral coefficients without derivatives.

Source: S. B. Davis, P. Mermelstein, "Comparison of parametric representations for monosyllabic word recognition in
continuously spoken sentences", IEEE TASSP 28(4), 1980. Reference: ``librosa.feature.mfcc`` with its defaults (128 mel
bands on Slaney's scale, dB, orthonormal DCT-II).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from harness.features.planes.mfcc import MEL_BANDS, mfcc
from harness.features.row_scale import RowScale, coefficients
from harness.registry import Plane, register
from harness.section import Most, Positive, Section

if TYPE_CHECKING:
    from torch import Tensor

    from harness.features.waves import Waves


class MfccStaticOptions(Section):
    """Settings of MFCC-static."""

    n_fft: Annotated[Positive, Most(2**16, "1.5 s at 44.1 kHz")] = 1024
    """Points of the Fourier transform and samples of its Hann window."""
    n_mfcc: Annotated[Positive, Most(MEL_BANDS, "the number of mel bands")] = 20
    """Coefficients, of 128 mel bands."""


def rows(options: MfccStaticOptions) -> int:
    """Return the number of coefficients."""
    return options.n_mfcc


def scale(options: MfccStaticOptions, _sample_rate: int) -> RowScale:
    """Return the numbers of the coefficients."""
    return coefficients(options.n_mfcc)


def compute(waves: Waves, options: MfccStaticOptions) -> Tensor:
    """Return coefficients, shape (B, T, n_mfcc)."""
    return mfcc(waves.spectrum(options.n_fft), options.n_mfcc, "MFCC-static")


register(
    Plane(
        name="MFCC-static",
        compute=f"{__name__}:compute",
        rows=f"{__name__}:rows",
        scale="harness.features.planes.mfcc_static:scale",
        unit="dB",
        options=f"{__name__}:MfccStaticOptions",
    )
)
