"""Banks of filters over the bins of a Fourier transform: Slaney's mel bands and pitch classes.

Reference: ``librosa.filters.mel`` and ``librosa.filters.chroma`` with their defaults. The banks are computed by the
same operations in the same order, so the weights are identical to the bit; librosa itself is not imported, because
loading it takes longer than the features of a hundred clips.

Shapes, as suffixes of names: F = 1 + n_fft // 2 frequency bins, M mel bands, C pitch classes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Slaney's scale (Auditory Toolbox, 1998): linear below 1 kHz, 15 mel per kHz; logarithmic above, 27 mel per factor 6.4.
_HERTZ_PER_MEL = 200.0 / 3
_KNEE_HERTZ = 1000.0
_KNEE_MEL = _KNEE_HERTZ / _HERTZ_PER_MEL
_LOG_STEP = np.log(6.4) / 27.0

# Ellis's chromagram: pitch classes count in octaves from A0 (an octave below 55 Hz), and bins far from octave 5 count
# less, by a Gaussian of 2 octaves.
_A0 = 440.0 / 16
_CENTRE_OCTAVE, _OCTAVE_WIDTH = 5.0, 2


def mel_frequencies(n_mels: int, f_max: float) -> NDArray[np.float64]:
    """Return ``n_mels`` frequencies in Hz, evenly spaced on Slaney's mel scale from 0 to ``f_max``."""
    mels_M = np.linspace(0.0, _mel(f_max), n_mels)
    above = mels_M >= _KNEE_MEL
    frequencies_M: NDArray[np.float64] = _HERTZ_PER_MEL * mels_M
    frequencies_M[above] = _KNEE_HERTZ * np.exp(_LOG_STEP * (mels_M[above] - _KNEE_MEL))
    return frequencies_M


def mel_bank(sample_rate: float, n_fft: int, n_mels: int) -> NDArray[np.float32]:
    """Return triangular bands of area 2 up to half of ``sample_rate`` (Hz), as weights, shape (F, M).

    A band narrower than the distance between two bins may be 0 everywhere.
    """
    corners_M = mel_frequencies(n_mels + 2, sample_rate / 2)
    widths_M = np.diff(corners_M)
    distance_MF = corners_M[:, None] - np.fft.rfftfreq(n_fft, d=1.0 / sample_rate)
    rising_MF = -distance_MF[:-2] / widths_M[:-1, None]
    falling_MF = distance_MF[2:] / widths_M[1:, None]
    # Rounded before the area is normalised, as in the reference.
    bank_MF = np.maximum(0, np.minimum(rising_MF, falling_MF)).astype(np.float32)
    bank_MF *= (2.0 / (corners_M[2:] - corners_M[:-2]))[:, None]
    return bank_MF.T


def chroma_bank(sample_rate: float, n_fft: int, n_chroma: int, tuning: float) -> NDArray[np.float32]:
    """Return weights of the bins in each pitch class, shape (F, C).

    Parameters
    ----------
    sample_rate : float
        In Hz.
    n_fft : int
        Points of the Fourier transform.
    n_chroma : int
        Number of pitch classes in an octave.
    tuning : float
        Deviation from A440, in fractions of a pitch class.
    """
    bins_N = np.linspace(0, sample_rate, n_fft, endpoint=False)[1:]
    # The constant bin has no pitch; it counts as one and a half octaves below the first.
    place_N = n_chroma * np.log2(bins_N / (_A0 * 2.0 ** (tuning / n_chroma)))
    place_N = np.concatenate(([place_N[0] - 1.5 * n_chroma], place_N))
    width_N = np.concatenate((np.maximum(np.diff(place_N), 1.0), [1]))
    half = np.round(n_chroma / 2)
    distance_CN = np.remainder(place_N - np.arange(n_chroma)[:, None] + half + 10 * n_chroma, n_chroma) - half
    weight_CN = np.exp(-0.5 * (2 * distance_CN / width_N) ** 2)
    length_N = np.sqrt(np.sum(np.abs(weight_CN) ** 2, axis=0))
    length_N[length_N < np.finfo(weight_CN.dtype).tiny] = 1.0
    weight_CN /= length_N
    weight_CN *= np.exp(-0.5 * ((place_N / n_chroma - _CENTRE_OCTAVE) / _OCTAVE_WIDTH) ** 2)
    # From A, where the octaves begin, to C.
    bank_CN = np.roll(weight_CN, -3 * (n_chroma // 12), axis=0)
    return np.ascontiguousarray(bank_CN[:, : 1 + n_fft // 2], dtype=np.float32).T


def _mel(frequency: float) -> float:
    if frequency < _KNEE_HERTZ:
        return frequency / _HERTZ_PER_MEL
    return float(_KNEE_MEL + np.log(frequency / _KNEE_HERTZ) / _LOG_STEP)
