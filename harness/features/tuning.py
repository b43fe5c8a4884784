"""Tuning: how far the pitches of a clip lie from those of an A at 440 Hz.

Reference: ``librosa.estimate_tuning`` with its defaults. Peaks of the spectrum between 150 and 4,000 Hz are located by
a parabola through three bins; of the louder half of them, the most frequent deviation is the tuning.

float32 throughout, as in the reference: a peak that rounding alone makes or moves then counts in both alike.
Tolerance: none. The tuning is one of 100 values, and was the same one for each of 725 real clips. Only a spectrum as
flat as a click's leaves the choice to rounding.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

LOWEST, HIGHEST = 150.0, 4000.0
"""Hz; only peaks between them count."""

_SHARE_OF_MAXIMUM = 0.1
_STEPS = 100
_A440_OCTAVE_ZERO = 440.0 / 16


def estimate_tuning(spectrum_TF: Tensor, sample_rate: float, n_fft: int, bins_per_octave: int) -> float:
    """Return the deviation in fractions of a bin, in hundredths, in [-0.5, 0.5); 0 without any peak, as in silence.

    Parameters
    ----------
    spectrum_TF
        Magnitude or power, float32, shape (frames, 1 + n_fft // 2), frames first.
    """
    pitch_N, height_N = _peaks(spectrum_TF, sample_rate, n_fft)
    if len(pitch_N) == 0:
        return 0.0
    pitch_N = pitch_N[height_N >= _median(height_N)]
    deviation_N = (bins_per_octave * torch.log2(pitch_N / _A440_OCTAVE_ZERO)).remainder(1.0)
    deviation_N = torch.where(deviation_N >= 0.5, deviation_N - 1.0, deviation_N).to(torch.float64)
    # numpy's, because torch's differ from it in last digits, and pitches do lie on a border.
    edges = torch.from_numpy(np.linspace(-0.5, 0.5, _STEPS + 1)).to(deviation_N.device)
    step_N = torch.bucketize(deviation_N, edges[1:-1], right=True)
    counts = torch.bincount(step_N, minlength=_STEPS).cpu()
    # Of equally frequent ones the lowest, which argmax alone does not promise.
    fullest = int((counts == counts.max()).nonzero()[0, 0])
    return round(fullest / _STEPS - 0.5, 2)


def _peaks(spectrum_TF: Tensor, sample_rate: float, n_fft: int) -> tuple[Tensor, Tensor]:
    """Return frequencies in Hz and heights of the peaks over a tenth of their frame's maximum; shape (n,) both."""
    first = max(1, math.ceil(LOWEST * n_fft / sample_rate))
    stop = min(spectrum_TF.shape[1] - 1, math.ceil(min(HIGHEST, sample_rate / 2) * n_fft / sample_rate))
    if stop <= first:
        empty = spectrum_TF.new_empty(0)
        return empty, empty
    threshold_T = _SHARE_OF_MAXIMUM * spectrum_TF.amax(dim=1, keepdim=True)
    here, below, above = (spectrum_TF[:, first + k : stop + k] for k in (0, -1, 1))
    # A neighbour below the threshold counts as 0, so a peak need only exceed it or stand over it.
    is_peak = (here > threshold_T) & (here > below) & (here >= above)
    frame_N, bin_N = is_peak.nonzero(as_tuple=True)
    here_N, below_N, above_N = (side[frame_N, bin_N] for side in (here, below, above))
    slope_N = (above_N - below_N) / 2
    curvature_N = above_N + below_N - 2 * here_N
    shift_N = torch.where(slope_N.abs() < curvature_N.abs(), -slope_N / curvature_N, 0.0)
    pitch_N = ((bin_N + first).to(torch.float64) + shift_N) * (sample_rate / n_fft)
    return pitch_N.to(spectrum_TF.dtype), here_N + 0.5 * slope_N * shift_N


def _median(values_N: Tensor) -> Tensor:
    """Return the middle value, or the mean of the two in the middle."""
    sorted_N = values_N.sort().values
    middle = len(sorted_N) // 2
    return sorted_N[middle] if len(sorted_N) % 2 else (sorted_N[middle - 1] + sorted_N[middle]) / 2
