"""Tuning: how far the pitches of a clip are from A440 tuning.

Reference: ``librosa.estimate_tuning`` with its defaults. Peaks of the spectrum between 150 and 4,000 Hz are located by
a parabola through three bins; of the louder half of them, the most frequent deviation is the tuning.

float32 throughout, as in the reference: a peak that is created or moved by rounding alone then counts in both.
Tolerance: none. The tuning is one of 100 values, and was the same for each of 725 real clips. Only for a spectrum as
flat as a click's does it depend on rounding.
"""

from __future__ import annotations

import itertools
import math
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

LOWEST, HIGHEST = 150.0, 4000.0
"""Hz; only peaks between them count."""

_SHARE_OF_MAXIMUM = 0.1
_STEPS = 100
_A440_OCTAVE_ZERO = 440.0 / 16

Index = NDArray[np.int64]
Values = NDArray[np.float32]


def estimate_tunings(spectrum_BTF: Tensor, sample_rate: float, n_fft: int, bins_per_octave: int) -> list[float]:
    """Return the deviation of each clip's pitches from A440 tuning, in fractions of a bin.

    Deviations are multiples of 0.01 in [-0.5, 0.5); 0 without any peak, as in silence.

    Parameters
    ----------
    spectrum_BTF : Tensor of float32, shape (B, T, 1 + n_fft // 2)
        Magnitude or power.
    sample_rate : float
        In Hz.
    n_fft : int
        Length of the transform, in samples.
    bins_per_octave : int
        Number of bins per octave, whose width is the unit of the result.
    """
    clip_P, pitch_P, height_P = _peaks(spectrum_BTF, sample_rate, n_fft)
    n_clips = len(spectrum_BTF)
    loud_P = height_P >= _medians(clip_P, height_P, n_clips)[clip_P]
    # torch's logarithm, whose last digit decides about pitches on a border.
    octave_P = torch.log2(torch.from_numpy(pitch_P[loud_P]) / _A440_OCTAVE_ZERO)
    deviation_P = (bins_per_octave * octave_P).remainder(1.0).to(torch.float64)
    step_P = torch.bucketize(torch.where(deviation_P >= 0.5, deviation_P - 1.0, deviation_P), _borders(), right=True)
    count_BS = np.bincount(clip_P[loud_P] * _STEPS + step_P.numpy(), minlength=n_clips * _STEPS).reshape(-1, _STEPS)
    # The lowest of equally frequent ones.
    tunings = np.where(count_BS.any(axis=1), count_BS.argmax(axis=1) / _STEPS - 0.5, 0.0)
    return [round(float(tuning), 2) for tuning in tunings]


@lru_cache(maxsize=1)
def _borders() -> Tensor:
    """Return the borders between steps; numpy's, as torch's differ in the last digits and some pitches are on a
    border."""
    return torch.from_numpy(np.linspace(-0.5, 0.5, _STEPS + 1)[1:-1].copy())


def _peaks(spectrum_BTF: Tensor, sample_rate: float, n_fft: int) -> tuple[Index, Values, Values]:
    """Return clip, frequency in Hz and height of the peaks over a tenth of their frame's maximum; shape (P,) each.

    They are found where the spectrum is, and located on the host.
    """
    first = max(1, math.ceil(LOWEST * n_fft / sample_rate))
    stop = min(spectrum_BTF.shape[2] - 1, math.ceil(min(HIGHEST, sample_rate / 2) * n_fft / sample_rate))
    n_frames, n_bins = spectrum_BTF.shape[1:]
    if stop <= first:
        return np.empty(0, np.int64), np.empty(0, np.float32), np.empty(0, np.float32)
    on_host = spectrum_BTF.device.type == "cpu"
    # numpy compares in half of torch's time.
    values_BTF: Any = spectrum_BTF.numpy() if on_host else spectrum_BTF
    threshold: Any = _SHARE_OF_MAXIMUM * spectrum_BTF.amax(dim=2, keepdim=True)
    # From the bin before the first to the one after the last.
    rises_BTF = values_BTF[..., first : stop + 1] > values_BTF[..., first - 1 : stop]
    # The reference sets values below the threshold to 0 first; above it, comparing with the neighbours gives the same.
    is_peak = values_BTF[..., first:stop] > (threshold.numpy() if on_host else threshold)
    is_peak &= rises_BTF[..., :-1]
    is_peak &= ~rises_BTF[..., 1:]
    frame_P, bin_P = np.divmod(np.flatnonzero(torch.as_tensor(is_peak).numpy(force=True)), stop - first)
    bin_P += first
    place_P, flat = torch.from_numpy(frame_P * n_bins + bin_P).to(spectrum_BTF.device), spectrum_BTF.reshape(-1)
    below_P, here_P, above_P = (flat.take(place_P + k).numpy(force=True) for k in (-1, 0, 1))
    slope_P = (above_P - below_P) / 2
    curvature_P = above_P + below_P - 2 * here_P
    shift_P = np.zeros_like(slope_P)
    np.divide(-slope_P, curvature_P, out=shift_P, where=np.abs(slope_P) < np.abs(curvature_P))
    pitch_P = (bin_P + shift_P.astype(np.float64)) * (sample_rate / n_fft)
    return frame_P // n_frames, pitch_P.astype(np.float32), here_P + 0.5 * slope_P * shift_P


def _medians(clip_P: Index, value_P: Values, n_clips: int) -> Values:
    """Return the middle value of each clip, or the mean of the two in the middle, shape (n_clips,), 0 without any
    value; clips ascend."""
    medians = np.zeros(n_clips, np.float32)
    ends = np.searchsorted(clip_P, np.arange(n_clips + 1))
    for clip, (start, stop) in enumerate(itertools.pairwise(ends.tolist())):
        if start < stop:
            low, high = (stop - start - 1) // 2, (stop - start) // 2
            ordered = np.partition(value_P[start:stop], (low, high))
            medians[clip] = (ordered[low] + ordered[high]) / 2
    return medians
