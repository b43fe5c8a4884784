"""Landmarks of a clip: triples of spectral peaks, as integers that equal audio has in common.

Method: A. Wang, An industrial-strength audio search algorithm, ISMIR 2003, with three peaks in a hash instead of two. A
triple has 38 bits, so that unrelated clips share few even in a large data set.

A peak depends neither on the level of the clip nor on when it begins, and most peaks of the strong parts of a spectrum
survive lossy coding. Speed, pitch and time stretching do change them.

Conventions: signals are mono float32 at :data:`RATE`; frames are :data:`HOP` samples apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
HOP = 256
"""Samples between frames: 16 ms."""
_N_FFT = 1024
_AROUND_BINS, _AROUND_FRAMES = 8, 4
"""A peak is the largest value within so many bins (125 Hz) and frames (64 ms) on each side."""
_DYNAMICS_DB = 70.0
"""Peaks this far below the clip's largest are rounding and coding noise."""
_MOST_BIN = 460
"""Above 7.2 kHz the resampling filter and many encoders have cut the spectrum."""
_NEIGHBOURS = 5
"""A triple is a peak with two of so many that follow it."""
_MOST_FRAMES, _MOST_BINS = 63, 63
"""Distances of the later peaks of a triple: 1 s and 1 kHz at most."""
_LOOK_AHEAD = 96


@dataclass(frozen=True)
class Landmarks:
    """Hashes of a clip, uint64, shape (n,), ascending and different, and the frame of each one's first peak, int32."""

    hashes: NDArray[np.uint64]
    frames: NDArray[np.int32]


def landmarks(samples: NDArray[np.float32]) -> Landmarks:
    """Return the landmarks of a clip, shape (N,); none if it is silent or shorter than three frames."""
    frames, bins = _peaks(samples)
    first, second, third = _triples(frames, bins)
    steps = [frames[later] - frames[first] for later in (second, third)]
    intervals = [bins[later] - bins[first] + _MOST_BINS for later in (second, third)]
    packed = bins[first].astype(np.uint64)
    for step, interval in zip(steps, intervals, strict=True):
        packed = (packed << np.uint64(6) | step.astype(np.uint64)) << np.uint64(7) | interval.astype(np.uint64)
    # A tone repeats its triples; one of each is enough.
    hashes, chosen = np.unique(packed, return_index=True)
    return Landmarks(hashes, frames[first][chosen].astype(np.int32))


def _peaks(samples: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return frame and bin of each peak, by frame."""
    from scipy.fft import rfft
    from scipy.ndimage import maximum_filter

    padded = np.pad(samples, _N_FFT // 2)
    framed = np.lib.stride_tricks.sliding_window_view(padded, _N_FFT)[::HOP]
    window = np.hanning(_N_FFT + 1)[:-1].astype(np.float32)
    power_TF = np.square(np.abs(rfft(framed * window, axis=1)))[:, :_MOST_BIN]
    size = (2 * _AROUND_FRAMES + 1, 2 * _AROUND_BINS + 1)
    floor = power_TF.max(initial=0.0) * 10 ** (-_DYNAMICS_DB / 10)
    found = (power_TF == maximum_filter(power_TF, size)) & (power_TF > max(floor, 1e-12))
    frames, bins = np.nonzero(found)
    return frames, bins


def _triples(
    frames: NDArray[np.int64], bins: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return positions of three peaks each: one, and two of the next :data:`_NEIGHBOURS` close to it."""
    n = len(frames)
    ahead = np.arange(n)[:, None] + np.arange(1, _LOOK_AHEAD + 1)
    inside = np.minimum(ahead, n - 1)
    step, interval = frames[inside] - frames[:, None], np.abs(bins[inside] - bins[:, None])
    near = (ahead < n) & (step > 0) & (step <= _MOST_FRAMES) & (interval <= _MOST_BINS)
    near &= np.cumsum(near, axis=1) <= _NEIGHBOURS
    rank = np.cumsum(near, axis=1)
    triples = []
    for one in range(1, _NEIGHBOURS):
        for other in range(one + 1, _NEIGHBOURS + 1):
            have = rank[:, -1] >= other if n else np.zeros(0, bool)
            anchors = np.flatnonzero(have)
            places = [np.argmax((rank[anchors] == k), axis=1) for k in (one, other)]
            triples.append((anchors, *(inside[anchors, place] for place in places)))
    first, second, third = (np.concatenate(each) for each in zip(*triples, strict=True))
    return first, second, third
