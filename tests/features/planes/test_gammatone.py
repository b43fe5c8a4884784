"""Gammatone filters against scipy's.

Tolerance: 0.05 dB down to 60 dB below the peak. scipy samples the impulse response and scales it by its envelope, which
differs from 1 at the centre by 0.02 dB at 50 Hz.
"""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
from numpy.typing import NDArray

from harness.errors import FeatureError
from harness.features.planes.gammatone import GammatoneOptions, centre_frequencies, compute, power_response
from harness.features.waves import Stretch, Waves

# High enough that what scipy's sampling folds back is below the tolerance.
RATE = 88_200


def _compute(samples: NDArray[np.floating], options: GammatoneOptions, rate: int = 22050) -> NDArray[np.float32]:
    values: NDArray[np.float32] = compute(Waves([Stretch(samples.astype(np.float32))], rate, 512), options)[0].numpy()
    return values


@pytest.mark.parametrize("centre", [50.0, 200.0, 1000.0, 4000.0, 8000.0])
def test_responses_are_scipys(centre: float) -> None:
    frequency = np.linspace(0, RATE / 8, 2000)
    taps, _ = scipy.signal.gammatone(centre, "fir", fs=RATE, numtaps=RATE // 4)
    expected = np.abs(scipy.signal.freqz(taps, worN=frequency, fs=RATE)[1]) ** 2
    ours = power_response(frequency, np.array([centre]))[:, 0]
    passed = expected > 1e-6
    assert passed.sum() > 20
    np.testing.assert_allclose(10 * np.log10(ours[passed]), 10 * np.log10(expected[passed]), rtol=0, atol=0.05)


def test_a_response_is_1_at_its_centre() -> None:
    centres = centre_frequencies(64, 50.0, 22050)
    np.testing.assert_allclose(np.diag(power_response(centres, centres)), 1.0, rtol=0, atol=1e-12)


def test_centres_are_equally_spaced_in_bandwidths() -> None:
    centres = centre_frequencies(64, 50.0, 22050)
    assert centres[0] == pytest.approx(50.0)
    assert centres[-1] < 22050 / 2
    # Glasberg and Moore's number of bandwidths below a frequency.
    steps = np.diff(9.26449 * np.log(1 + centres / (24.7 * 9.26449)))
    np.testing.assert_allclose(steps, steps[0], rtol=1e-9)


@pytest.mark.parametrize("band", [5, 20, 50, 63])
def test_a_tone_is_loudest_in_its_own_band(band: int) -> None:
    frequency = centre_frequencies(64, 50.0, 22050)[band]
    tone = np.sin(2 * np.pi * frequency * np.arange(22050) / 22050)
    assert (_compute(tone, GammatoneOptions(n_fft=4096))[10:30].argmax(axis=1) == band).all()


def test_the_range_is_80_db(made_signal: NDArray[np.float32]) -> None:
    values = _compute(made_signal, GammatoneOptions(n_bands=32, fmin=100.0))
    assert values.shape == (1 + len(made_signal) // 512, 32)
    assert np.isfinite(values).all()
    assert values.max() - values.min() <= 80.0 + 1e-5


def test_a_lowest_band_above_half_the_sample_rate_is_refused() -> None:
    with pytest.raises(FeatureError, match=r"gammatone: fmin = 4000 Hz is not below .* = 8000; lower fmin"):
        _compute(np.zeros(20480), GammatoneOptions(fmin=4000.0), 8000)
