"""MFCC: cepstral coefficients with their first and second derivatives (Su et al. 2019, section 2.1).

Reference: ``librosa.feature.mfcc`` and ``librosa.feature.delta`` with their defaults. The derivatives are those of a
polynomial fitted to a window of frames (A. Savitzky, M. J. E. Golay, Analytical Chemistry 36(8), 1964): of degree 1 for
the first and 2 for the second. At the ends the polynomial of the outermost whole window is continued.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

from harness.errors import FeatureError
from harness.features.logmel import log_mel
from harness.features.spectrum import Spectrum

MEL_BANDS = 128
"""Bands below the cosine transform: librosa's default."""


def mfcc_with_deltas(spectrum: Spectrum, n_mfcc: int, width: int) -> Tensor:
    """Return coefficients, first and second derivatives, in this order from the top; shape (3 * n_mfcc, frames).

    Raises
    ------
    FeatureError
        When more coefficients than mel bands are asked for, or the clip has fewer frames than ``width``.
    """
    coefficients = mfcc(spectrum, n_mfcc)
    return torch.cat([coefficients, delta(coefficients, width, 1), delta(coefficients, width, 2)])


def mfcc(spectrum: Spectrum, n_mfcc: int) -> Tensor:
    """Return the first ``n_mfcc`` rows of the orthonormal DCT-II of a log-mel spectrogram; shape (n_mfcc, frames).

    Raises FeatureError when ``n_mfcc`` exceeds the number of mel bands.
    """
    if n_mfcc > MEL_BANDS:
        raise FeatureError(f"features.n_mfcc is {n_mfcc}, but there are {MEL_BANDS} mel bands; set it to at most that")
    decibels_MT = log_mel(spectrum, MEL_BANDS)
    return _cosines(n_mfcc, MEL_BANDS).to(decibels_MT) @ decibels_MT


def delta(plane_RT: Tensor, width: int, order: int) -> Tensor:
    """Return the derivative of ``order`` along frames, per frame; shape as ``plane_RT``.

    ``width`` is the odd number of frames that the polynomial of degree ``order`` is fitted to. Raises FeatureError
    when there are fewer frames.
    """
    frames = plane_RT.shape[1]
    if frames < width:
        raise FeatureError(
            f"derivatives over features.delta_width = {width} frames need as many frames, received {frames}; "
            "lower delta_width, or raise features.segment_frames (for images: features.image.seconds)"
        )
    middle = plane_RT.unfold(1, width, 1) @ _savitzky_golay(width, order).to(plane_RT)
    # The order-th derivative of a polynomial of that degree is constant, so the outermost windows' values continue.
    half = width // 2
    return torch.cat([middle[:, :1].expand(-1, half), middle, middle[:, -1:].expand(-1, half)], dim=1)


@lru_cache(maxsize=8)
def _cosines(n_rows: int, n_columns: int) -> Tensor:
    """Return the first rows of the orthonormal DCT-II matrix, shape (n_rows, n_columns)."""
    row = torch.arange(n_rows, dtype=torch.float64)[:, None]
    column = torch.arange(n_columns, dtype=torch.float64)[None, :]
    matrix = math.sqrt(2.0 / n_columns) * torch.cos(math.pi / n_columns * row * (column + 0.5))
    matrix[0] /= math.sqrt(2.0)
    return matrix


@lru_cache(maxsize=8)
def _savitzky_golay(width: int, order: int) -> Tensor:
    """Return the weights, shape (width,), that give the order-th derivative of the polynomial of degree ``order`` that
    fits a window best by least squares."""
    position = torch.arange(width, dtype=torch.float64) - width // 2
    powers_WP = position[:, None] ** torch.arange(order + 1, dtype=torch.float64)
    fit_PW: Tensor = torch.linalg.pinv(powers_WP)
    return fit_PW[order] * math.factorial(order)
