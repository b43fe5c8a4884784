"""Tuning: how far the pitches of a clip are from A440 tuning.

Reference: ``librosa.estimate_tuning`` with its defaults. Peaks of the spectrum between 150 and 4,000 Hz are located by
a parabola through three bins; of the louder half of them, the most frequent deviation is the tuning.

float32 throughout, as in the reference: a peak that is created or moved by rounding alone then counts in both.
Tolerance: none. The tuning is one of 100 values, and was the same for each of 725 real clips. Only for a spectrum as
flat as a click's does it depend on rounding.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

LOWEST, HIGHEST = 150.0, 4000.0
"""Hz; only peaks between them count."""

_SHARE_OF_MAXIMUM = 0.1
_STEPS = 100
_A440_OCTAVE_ZERO = 440.0 / 16


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
    clip_P, pitch_P = clip_P[loud_P], pitch_P[loud_P]
    deviation_P = (bins_per_octave * torch.log2(pitch_P / _A440_OCTAVE_ZERO)).remainder(1.0)
    deviation_P = torch.where(deviation_P >= 0.5, deviation_P - 1.0, deviation_P).to(torch.float64)
    step_P = torch.bucketize(deviation_P, _borders(str(deviation_P.device)), right=True)
    count_BS = torch.bincount(clip_P * _STEPS + step_P, minlength=n_clips * _STEPS).view(n_clips, _STEPS)
    counts = count_BS.numpy(force=True)
    # numpy guarantees the lowest of equally frequent ones, torch does not.
    tunings = np.where(counts.any(axis=1), counts.argmax(axis=1) / _STEPS - 0.5, 0.0)
    return [round(float(tuning), 2) for tuning in tunings]


@lru_cache(maxsize=2)
def _borders(device: str) -> Tensor:
    """Return the borders between steps; numpy's, as torch's differ in the last digits and some pitches are on a
    border."""
    return torch.from_numpy(np.linspace(-0.5, 0.5, _STEPS + 1)[1:-1].copy()).to(device)


def _peaks(spectrum_BTF: Tensor, sample_rate: float, n_fft: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return clip, frequency in Hz and height of the peaks over a tenth of their frame's maximum; shape (P,) each."""
    first = max(1, math.ceil(LOWEST * n_fft / sample_rate))
    stop = min(spectrum_BTF.shape[2] - 1, math.ceil(min(HIGHEST, sample_rate / 2) * n_fft / sample_rate))
    n_bins = spectrum_BTF.shape[2]
    if stop <= first:
        nothing = spectrum_BTF.new_empty(0)
        return nothing.to(torch.int64), nothing, nothing
    threshold_BT1 = _SHARE_OF_MAXIMUM * spectrum_BTF.amax(dim=2, keepdim=True)
    # From the bin before the first to the one after the last.
    rises_BTF = spectrum_BTF[..., first : stop + 1] > spectrum_BTF[..., first - 1 : stop]
    # The reference sets values below the threshold to 0 first; above it, comparing with the neighbours gives the same.
    is_peak = spectrum_BTF[..., first:stop] > threshold_BT1
    is_peak &= rises_BTF[..., :-1]
    is_peak &= ~rises_BTF[..., 1:]
    place_P = is_peak.view(-1).nonzero().view(-1)
    width = stop - first
    frame_P = torch.div(place_P, width, rounding_mode="floor")
    bin_P = place_P - frame_P * width + first
    flat = spectrum_BTF.reshape(-1)
    place_P = frame_P * n_bins + bin_P
    below_P, here_P, above_P = (flat[place_P + k] for k in (-1, 0, 1))
    slope_P = (above_P - below_P) / 2
    curvature_P = above_P + below_P - 2 * here_P
    shift_P = torch.where(slope_P.abs() < curvature_P.abs(), -slope_P / curvature_P, 0.0)
    pitch_P = (bin_P.to(torch.float64) + shift_P) * (sample_rate / n_fft)
    clip_P = torch.div(frame_P, spectrum_BTF.shape[1], rounding_mode="floor")
    return clip_P, pitch_P.to(spectrum_BTF.dtype), here_P + 0.5 * slope_P * shift_P


def _medians(clip_P: Tensor, value_P: Tensor, n_clips: int) -> Tensor:
    """Return the middle value of each clip, or the mean of the two in the middle, shape (n_clips,); clips ascend."""
    count_B = torch.bincount(clip_P, minlength=n_clips)
    end_B = count_B.cumsum(0)
    sorted_P, order_P = value_P.sort()
    if n_clips > 1:
        sorted_P = sorted_P[clip_P[order_P].argsort(stable=True)]
    if len(sorted_P) == 0:
        return value_P.new_zeros(n_clips)
    # Clips without any value read one of another clip's, which is never used.
    low_B, high_B = end_B - count_B + (count_B - 1).clamp_min(0) // 2, end_B - count_B + count_B // 2
    last = len(sorted_P) - 1
    return (sorted_P[low_B.clamp_max(last)] + sorted_P[high_B.clamp_max(last)]) / 2
