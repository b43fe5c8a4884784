"""Whether two clips have a waveform in common, measured without the landmarks that suggested the pair.

Both clips are first made as even as possible, in frequency and in time: each frequency gets the same weight, and each
moment the same level unless it is silent. Otherwise two noises of one colour, or two clips with one click each, would
correlate. At the lag with the largest cross-correlation two numbers are computed over the samples that both clips have:

- r, the normalised correlation, in [-1, 1]: near 1 for equal audio, near 0 for different audio;
- z = sum(u) / sqrt(sum(u**2)) of the products u of samples, the t-statistic of their mean, which does not assume that
  samples are equally loud. A few samples that agree by chance have a large r if the rest is silent, but a small z.

Conventions: signals are mono float32 at :data:`RATE`, shape (N,); a lag is the time in the first clip at which the
second one begins, in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.duplicates.fingerprint import RATE

_BAND = (100.0, 7_000.0)
"""Hz. Below it is hum and wind; above it resampling filters and encoders cut the spectrum."""
_SMOOTHED_HZ = 200.0
_SMOOTHED_S = 0.032
_QUIETEST = 1e-6
"""Parts of the spectrum, and moments, this far below the strongest (60 dB) are taken as silent."""
_SILENT = 1e-3
"""Moments this far below the loudest one (30 dB) get less level; silence none."""
_BLOCK = RATE // 10
_AGREES = 0.25
"""Correlation of a block from which on the block counts as shared; different noise has an SD of 0.03."""
_TAPS = np.arange(-16, 17)

Whitened = NDArray[np.float16]


@dataclass(frozen=True)
class Agreement:
    """What two clips have in common at their best lag.

    Attributes
    ----------
    lag
        Seconds from the start of the first clip to the start of the second.
    r, z
        As this module describes; negative where one clip has the opposite sign.
    first, second
        Shares of the sounding part of each clip that the other one also has.
    """

    lag: float
    r: float
    z: float
    first: float
    second: float


def whitened(samples: NDArray[np.float32]) -> Whitened:
    """Return the clip with its spectrum and its level made even; zeros where it is silent."""
    from scipy.fft import irfft, next_fast_len, rfft
    from scipy.ndimage import uniform_filter1d

    size = next_fast_len(len(samples) + _BLOCK, real=True)
    spectrum = rfft(samples, size)
    hertz = np.arange(len(spectrum)) * (RATE / size)
    inside = (hertz >= _BAND[0]) & (hertz <= _BAND[1])
    power = np.where(inside, np.square(np.abs(spectrum)), 0.0)
    around = uniform_filter1d(power, 1 + int(_SMOOTHED_HZ * size / RATE))
    loudest = float(around.max(initial=0.0))
    if loudest <= 0.0:
        return np.zeros(len(samples), np.float16)
    flat = irfft(spectrum * inside / np.sqrt(around + _QUIETEST * loudest), size)[: len(samples)]
    level = uniform_filter1d(np.square(flat), int(_SMOOTHED_S * RATE))
    even: Whitened = (flat / np.sqrt(level + _SILENT * level.max())).astype(np.float16)
    return even


def correlation_near(one: Whitened, other: Whitened, lag: float, within: float) -> float:
    """Return about the largest absolute correlation of the whitened clips ``one`` and ``other`` at lags of ``lag``
    plus or minus ``within`` seconds.

    A seventh of the work of :func:`agreement`. The energies are those of the samples that both have at ``lag``, and the
    lag is a whole number of samples, so that a correlation r at the best lag is seen as 0.65 r or more if the clips
    share some tenths of a second. Of shorter parts less may be seen, but the z of those is too small in any case.
    """
    from scipy.fft import irfft, next_fast_len, rfft

    middle, most = round(lag * RATE), int(within * RATE) + len(_TAPS)
    start, later = max(0, middle), max(0, -middle)
    length = max(0, min(len(one) - start, len(other) - later))
    if not length:
        return 0.0
    size = next_fast_len(8 * most, real=True)
    block = size - 2 * most
    n_blocks = -(-length // block)
    x, y = np.zeros(n_blocks * block + 2 * most, np.float32), np.zeros(n_blocks * block, np.float32)
    x[most : most + length] = one[start : start + length]
    y[:length] = other[later : later + length]
    scale = float(np.sqrt((x @ x) * (y @ y)))
    if scale <= 0.0:
        return 0.0
    # A block of the second clip is correlated with one of the first clip that is ``most`` samples longer at both ends.
    products = rfft(np.lib.stride_tricks.sliding_window_view(x, size)[::block], axis=1)
    products *= np.conj(rfft(y.reshape(n_blocks, block), size, axis=1))
    correlation = irfft(products.sum(axis=0), size)[: 2 * most + 1]
    return float(np.abs(correlation).max()) / scale


def agreement(one: Whitened, other: Whitened) -> Agreement:
    """Return what two whitened clips have in common at the lag where they correlate most."""
    from scipy.fft import irfft, next_fast_len, rfft

    size = next_fast_len(len(one) + len(other) + len(_TAPS), real=True)
    spectra = [rfft(clip.astype(np.float32), size) for clip in (one, other)]
    correlation = irfft(spectra[0] * np.conj(spectra[1]), size)
    peak = int(np.argmax(np.abs(correlation)))
    lag = peak - size if peak > len(one) else peak
    fraction = _fraction(correlation[(peak + _TAPS) % size])
    start, later = max(0, lag), max(0, -lag)
    length = min(len(one) - start, len(other) - later)
    x = one[start : start + length].astype(np.float32)
    y: NDArray[np.floating] = other[later : later + length].astype(np.float32)
    if fraction:
        y = np.convolve(y, _interpolator(fraction), "same")[:length]
    products = x * y
    starts = np.arange(0, max(length, 1), _BLOCK)
    xx, yy, xy = (np.add.reduceat(values, starts) for values in (x * x, y * y, products))
    total, scale = float(products.sum()), float(np.sqrt(xx.sum() * yy.sum()))
    if scale <= 0.0:
        return Agreement(0.0, 0.0, 0.0, 0.0, 0.0)
    agrees = xy * np.sign(total) > _AGREES * np.sqrt(xx * yy)
    shares = [
        float(energy[agrees].sum() / np.square(clip.astype(np.float32)).sum())
        for energy, clip in ((xx, one), (yy, other))
    ]
    return Agreement((lag + fraction) / RATE, total / scale, total / float(np.sqrt(np.square(products).sum())), *shares)


def _fraction(around: NDArray[np.floating]) -> float:
    """Return by how many samples the extremum lies beside the middle of ``around``, in eighths."""
    eighths = np.arange(-4, 5) / 8
    return float(eighths[np.argmax([abs(around @ _interpolator(each)) for each in eighths])])


def _interpolator(fraction: float) -> NDArray[np.float64]:
    """Return the weights of a signal's samples around n for its value at n + fraction; as a filter they delay it by
    that."""
    weights: NDArray[np.float64] = np.sinc(_TAPS - fraction) * np.hanning(len(_TAPS) + 2)[1:-1]
    return weights
