"""MFCC: cepstral coefficients with their first and second derivatives (Su et al. 2019, section 3.1).

Reference: ``librosa.feature.mfcc`` and ``librosa.feature.delta`` with their defaults. The derivatives are those of a
polynomial fitted to a window of frames (A. Savitzky, M. J. E. Golay, Analytical Chemistry 36(8), 1964): of degree 1 for
the first and 2 for the second. At the ends the polynomial of the outermost complete window is continued.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, field_validator

from harness.errors import FeatureError
from harness.features.planes.logmel import log_mel
from harness.features.row_scale import RowScale, coefficients
from harness.registry import Plane, register
from harness.section import Most, Positive, Section

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from harness.features.spectrum import Spectrum
    from harness.features.waves import Waves

MEL_BANDS = 128
"""Bands below the cosine transform: librosa's default."""


class MfccOptions(Section):
    """Settings of MFCC."""

    n_fft: Annotated[Positive, Most(2**16, "1.5 s at 44.1 kHz")] = 1024
    """Points of the Fourier transform and samples of its Hann window."""
    n_mfcc: Annotated[Positive, Most(4_096, "no more than the number of bands")] = 20
    """Coefficients, of 128 mel bands; their first and second derivatives are appended."""
    delta_width: Annotated[Annotated[int, Field(ge=3)], Most(1_001, "frames; 23 s with the default hop")] = 9
    """Frames of the Savitzky-Golay filter of the derivatives; odd."""

    @field_validator("delta_width")
    @classmethod
    def _odd(cls, width: int) -> int:
        if width % 2 == 0:
            raise ValueError(f"delta_width must be odd, received {width}")
        return width


def rows(options: MfccOptions) -> int:
    """Return the number of coefficients and derivatives."""
    return 3 * options.n_mfcc


def scale(options: MfccOptions, _sample_rate: int) -> RowScale:
    """Return the numbers of the coefficients and their derivatives."""
    return coefficients(options.n_mfcc, derivatives=2)


def compute(waves: Waves, options: MfccOptions) -> Tensor:
    """Return MFCC, shape (B, T, 3 * n_mfcc)."""
    return mfcc_with_deltas(waves.spectrum(options.n_fft), options.n_mfcc, options.delta_width)


register(
    Plane(
        name="MFCC",
        compute="harness.features.planes.mfcc:compute",
        rows="harness.features.planes.mfcc:rows",
        scale="harness.features.planes.mfcc:scale",
        unit="dB",
        options="harness.features.planes.mfcc:MfccOptions",
        revision=3,
        aliases=("mfcc-deltas",),
    )
)


def mfcc_with_deltas(spectrum: Spectrum, n_mfcc: int, width: int) -> Tensor:
    """Return coefficients, first and second derivatives, in this order; shape (B, T, 3 * n_mfcc).

    Raises
    ------
    FeatureError
        When more coefficients than mel bands are requested, or the clips have fewer frames than ``width``.
    """
    import torch

    coefficients = mfcc(spectrum, n_mfcc)
    return torch.cat([coefficients, *derivatives(coefficients, width)], dim=-1)


def mfcc(spectrum: Spectrum, n_mfcc: int, plane: str = "MFCC") -> Tensor:
    """Return the first ``n_mfcc`` values of the orthonormal DCT-II of log-mel spectrograms; shape (B, T, n_mfcc).

    ``plane`` names the plane in messages. Raises FeatureError when ``n_mfcc`` exceeds the number of mel bands.
    """
    import torch

    if n_mfcc > MEL_BANDS:
        raise FeatureError(
            f"features.planes.{plane}: n_mfcc is {n_mfcc}, but there are only {MEL_BANDS} mel bands; lower it to at "
            f"most {MEL_BANDS}"
        )
    # Sums of 128 values of about a hundred, with both signs, need more digits than float32 has.
    decibels_BTM = log_mel(spectrum, MEL_BANDS).to(torch.float64)
    return decibels_BTM @ _cosines(n_mfcc, MEL_BANDS, str(decibels_BTM.device))


def derivatives(plane_BTR: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """Return the first and the second derivative along frames, per frame; shape as ``plane_BTR`` both.

    ``width`` is the odd number of frames that polynomials are fitted to. Raises FeatureError when there are fewer
    frames.
    """
    import torch

    n_frames = plane_BTR.shape[1]
    if n_frames < width:
        raise FeatureError(
            f"features.planes.MFCC: derivatives over delta_width = {width} frames need at least as many frames, "
            f"received {n_frames}; lower delta_width, or raise features.segment_frames (for images: "
            "features.image.seconds)"
        )
    weights_W2 = _savitzky_golay(width, plane_BTR.dtype, str(plane_BTR.device))
    middle_BTR2 = plane_BTR.unfold(1, width, 1) @ weights_W2
    # The derivative whose order is the polynomial's degree is constant, so the outermost windows' values are repeated.
    half = torch.arange(n_frames, device=plane_BTR.device).sub_(width // 2).clamp_(0, middle_BTR2.shape[1] - 1)
    first, second = middle_BTR2[:, half].unbind(dim=-1)
    return first, second


@lru_cache(maxsize=8)
def _cosines(n_rows: int, n_columns: int, device: str) -> Tensor:
    """Return the first rows of the orthonormal DCT-II matrix, transposed; shape (n_columns, n_rows)."""
    import torch

    row = torch.arange(n_rows, dtype=torch.float64)
    column = torch.arange(n_columns, dtype=torch.float64)[:, None]
    matrix = math.sqrt(2.0 / n_columns) * torch.cos(math.pi / n_columns * row * (column + 0.5))
    matrix[:, 0] /= math.sqrt(2.0)
    return matrix.to(device)


@lru_cache(maxsize=8)
def _savitzky_golay(width: int, dtype: torch.dtype, device: str) -> Tensor:
    """Return the weights, shape (width, 2), that give the first derivative of the line, and the second of the parabola,
    that fit a window best by least squares."""
    import torch

    position = torch.arange(width, dtype=torch.float64) - width // 2
    columns = []
    for order in (1, 2):
        powers_WP = position[:, None] ** torch.arange(order + 1, dtype=torch.float64)
        columns.append(torch.linalg.pinv(powers_WP)[order] * math.factorial(order))
    return torch.stack(columns, dim=1).to(device, dtype)
