"""The constant-Q chromagram: energy in the 12 pitch classes, from filters a third of a semitone apart over 7 octaves.

Reference: ``librosa.feature.chroma_cqt`` with its defaults, after C. Schörkhuber, A. Klapuri, "Constant-Q transform
toolbox for music processing", 2010: the top octave is filtered at the full sample rate, and every lower one by the same
filters from the signal at half the rate of the octave above. That one bank serves all octaves is what makes this fast:
it depends on the clip's tuning only, of which there are 100.

Signals are float32, as in the reference. Halving the rate is soxr's work, on the host; what follows runs on any device.
Tolerance: 1e-4 of a frame's largest value where there is sound, and 2e-3 in digital silence, where the last
digits of a resampling filter are all there is. On 725 real clips the largest differences are 6e-5 and 1.5e-3, and no
tuning differs.

Shapes, as suffixes of names: N samples, T = 1 + N // hop_length frames, F frequency bins that the filters reach, B = 36
filters of one octave.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from harness.errors import FeatureError
from harness.features.audio import Samples, resample
from harness.features.spectrum import periodic_hann
from harness.features.tuning import estimate_tuning

PITCH_CLASSES = 12
OCTAVES = 7
LOWEST = 440.0 * 2.0 ** (-45 / 12)
"""Hz: C1, 45 semitones below A4."""

_FILTERS = 36
_TUNING_FFT, _TUNING_HOP = 2048, 512
_STEP = 2.0 ** (1 / _FILTERS)
# Centre frequency over bandwidth, of a filter that reaches from one neighbour to the next.
_Q = (_STEP**2 + 1) / (_STEP**2 - 1)
# Of the Hann window, in bins of its transform, as the reference has measured it on 1,000 samples.
_WINDOW_BANDWIDTH = 1.50018310546875
_DROPPED_SHARE = 0.01
# The lowest filters last over a second and hear a sound's tail faintly in the silence after it; in float32 rounding
# would drown it.
_WIDE_OCTAVES = 2
_SILENCE = torch.finfo(torch.float32).tiny


def constant_q_chroma(samples: Samples, sample_rate: int, hop_length: int, device: str = "cpu") -> Tensor:
    """Return the chromagram, float32, each frame's largest value 1 and silent frames 0; shape (12, T).

    Raises
    ------
    FeatureError
        When half of ``sample_rate`` is below the highest filter, or the clip is too short to be filtered.
    """
    frames = 1 + len(samples) // hop_length
    signal_N = torch.from_numpy(samples).to(device)
    lowest = LOWEST * 2.0 ** (_signal_tuning(signal_N, sample_rate) / _FILTERS)
    response_TB = torch.zeros(frames, _FILTERS, device=device)
    for octave, (signal, rate, hop) in zip(
        reversed(range(OCTAVES)), _octave_signals(samples, sample_rate, hop_length, lowest), strict=True
    ):
        n_fft, first, bank_FB = _bank(lowest * 2.0**octave / rate, device)
        padded_N = F.pad(torch.from_numpy(signal).to(device), (n_fft // 2, n_fft // 2))
        if octave < _WIDE_OCTAVES:
            padded_N, bank_FB = padded_N.to(torch.float64), bank_FB.to(torch.complex128)
        # Where rounding up the halved length gives one frame more than the whole clip has, it is left out.
        spectrum_TF = torch.fft.rfft(padded_N.unfold(0, n_fft, hop)[:frames])[:, first : first + len(bank_FB)]
        response_TB += (spectrum_TF @ bank_FB).abs()
    # Filters 35, 0 and 1 are those around C, and so on upwards.
    chroma_TC = response_TB.roll(1, dims=1).view(frames, PITCH_CLASSES, -1).sum(dim=2)
    peak_T = chroma_TC.amax(dim=1, keepdim=True)
    return (chroma_TC / torch.where(peak_T < _SILENCE, 1.0, peak_T)).T


def _signal_tuning(signal_N: Tensor, sample_rate: int) -> float:
    """Return the tuning in fractions of a filter's distance from the next, from a spectrum of its own."""
    padded_N = F.pad(signal_N, (_TUNING_FFT // 2, _TUNING_FFT // 2))
    window = periodic_hann(_TUNING_FFT, torch.float32, str(signal_N.device))
    spectrum_TF = torch.fft.rfft(padded_N.unfold(0, _TUNING_FFT, _TUNING_HOP) * window)
    magnitude_TF = (spectrum_TF.real.square() + spectrum_TF.imag.square()).sqrt_()
    return estimate_tuning(magnitude_TF, sample_rate, _TUNING_FFT, _FILTERS)


def _octave_signals(
    samples: Samples, sample_rate: int, hop_length: int, lowest: float
) -> Iterator[tuple[Samples, float, int]]:
    """Yield the signal, its rate and its hop for each octave, the highest first.

    A rate is halved as long as the hop is even; louder by the square root of 2 each time, which keeps energy.
    """
    highest = lowest * 2.0**OCTAVES / _STEP * (1 + 0.5 * _WINDOW_BANDWIDTH / _Q)
    if highest > sample_rate / 2:
        raise FeatureError(
            f"tonnetz: features.sample_rate = {sample_rate} is too low for the constant-Q transform (C1 to B7, 32.7 Hz "
            f"to 4 kHz), whose highest filter reaches {highest:.0f} Hz; set it to at least {math.ceil(2 * highest)}"
        )
    rate, hop = float(sample_rate), hop_length
    spare = math.ceil(math.log2(sample_rate / 2 / highest)) - 2
    twos = (hop & -hop).bit_length() - 1
    factor = 2 ** max(0, min(spare, twos - OCTAVES + 1))
    if len(samples) < factor:
        raise FeatureError(
            f"tonnetz: {len(samples)} samples are too few for the constant-Q transform at features.sample_rate = "
            f"{sample_rate}, which needs {factor}; raise features.segment_frames"
        )
    signal = samples
    if factor > 1:
        signal = _slower(samples, factor)
        rate, hop = rate / factor, hop // factor
    for octave in reversed(range(OCTAVES)):
        yield signal, rate, hop
        if hop % 2 == 0 and octave > 0:
            signal = _slower(signal, 2)
            rate, hop = rate / 2, hop // 2


def _slower(signal: Samples, factor: int) -> Samples:
    # Divided in float64 as in the reference: where a clip falls silent, the last digits are all that is left of it, and
    # frames are scaled to 1.
    slower: Samples = (resample(signal, factor, 1) / np.sqrt(1 / factor)).astype(np.float32)
    return slower


@lru_cache(maxsize=256)
def _bank(lowest: float, device: str) -> tuple[int, int, Tensor]:
    """Return the length of the transform, the first bin the filters reach, and their weights, complex64, shape (F, B).

    ``lowest`` is the frequency of the lowest filter in cycles per sample; the others follow up to one octave higher.
    Weights of a filter that together make less than a hundredth of it are zero.
    """
    frequencies = lowest * 2.0 ** (np.arange(_FILTERS) / _FILTERS)
    lengths = _Q / frequencies
    n_fft = 2 ** math.ceil(math.log2(lengths.max()))
    filters = np.zeros((_FILTERS, n_fft), np.complex64)
    for row, frequency, length in zip(filters, frequencies, lengths, strict=True):
        time = np.arange(math.floor(-length / 2), math.floor(length / 2))
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(len(time)) / len(time))
        start = (n_fft - len(time)) // 2
        # Gain 1 at the centre, as if over the whole transform; then by the root of the length, so that noise gives
        # all filters alike.
        row[start : start + len(time)] = window / window.sum() * np.exp(2j * np.pi * frequency * time)
    filters *= lengths[:, None] / n_fft
    weights = np.fft.fft(filters)[:, : n_fft // 2 + 1].astype(np.complex64)
    weights[_negligible(np.abs(weights))] = 0
    weights /= np.sqrt(lengths)[:, None]
    reached = np.flatnonzero(weights.any(axis=0))
    first, stop = int(reached[0]), int(reached[-1]) + 1
    return n_fft, first, torch.from_numpy(np.ascontiguousarray(weights[:, first:stop].T)).to(device)


def _negligible(magnitudes: np.ndarray) -> np.ndarray:
    """Return where the smallest values of each row lie that together make less than a hundredth of its sum."""
    ascending = np.sort(magnitudes, axis=1)
    share = np.cumsum(ascending / magnitudes.sum(axis=1, keepdims=True), axis=1)
    kept = np.argmin(share < _DROPPED_SHARE, axis=1)
    smallest_kept = np.take_along_axis(ascending, kept[:, None], axis=1)
    negligible: np.ndarray = magnitudes < smallest_kept
    return negligible
