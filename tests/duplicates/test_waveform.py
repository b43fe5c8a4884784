"""The measure on waveforms: lag and shares of planted copies, and what unrelated sounds reach."""

from __future__ import annotations

import numpy as np
import pytest

from harness.duplicates.find import LEAST_R, LEAST_Z, SAME_LAG
from harness.duplicates.waveform import RATE, agreement, correlation_near, whitened
from tests.duplicates.conftest import clicks, noise


def _white(samples: np.ndarray) -> np.ndarray:
    return whitened(samples.astype(np.float32))


def test_a_copy_at_a_fractional_lag_agrees() -> None:
    from scipy.signal import resample_poly

    fine = resample_poly(noise(1), 4, 1)
    found = agreement(_white(fine[::4]), _white(fine[4_002::4]))
    assert found.lag * RATE == pytest.approx(1000.5, abs=0.2)
    assert found.r > 0.95
    assert found.second > 0.95


def test_the_lag_has_the_sign_of_the_order() -> None:
    sound = noise(2)
    ahead, behind = _white(sound), _white(sound[8_000:])
    assert agreement(ahead, behind).lag == pytest.approx(0.5)
    assert agreement(behind, ahead).lag == pytest.approx(-0.5)


@pytest.mark.parametrize("seed", range(4))
def test_noises_of_one_colour_do_not_agree(seed: int) -> None:
    found = agreement(_white(noise(seed)), _white(noise(seed + 10)))
    assert abs(found.r) < LEAST_R / 2
    assert abs(found.z) < LEAST_Z / 1.5
    assert found.first < 0.1


def test_without_whitening_they_would() -> None:
    """The control of the one above: their spectra are equal, and a plain correlation of spectrograms nears 1."""
    spectra = [np.log(np.abs(np.fft.rfft(noise(seed)[:16_384])) ** 2 + 1e-12) for seed in (0, 10)]
    smooth = [np.convolve(each, np.ones(64) / 64, "valid") for each in spectra]
    assert np.corrcoef(smooth)[0, 1] > 0.9


@pytest.mark.parametrize("seed", range(4))
def test_single_clicks_do_not_agree(seed: int) -> None:
    found = agreement(_white(clicks(seed, 1)), _white(clicks(seed + 10, 1)))
    assert abs(found.z) < LEAST_Z


def test_silence_agrees_with_nothing() -> None:
    found = agreement(_white(np.zeros(4_000)), _white(noise(1)))
    assert (found.r, found.z, found.first, found.second) == (0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("seconds", [1.3, -1.3])
@pytest.mark.parametrize("fourths", range(4))
def test_the_correlation_near_a_lag_is_little_less_than_at_the_best_one(
    fourths: int, seconds: float, sign: int
) -> None:
    from scipy.signal import resample_poly

    fine = resample_poly(noise(3), 4, 1)
    begins = 4 * int(abs(seconds) * RATE) + fourths
    one, other = _white(fine[::4]), _white(sign * fine[begins::4])
    if seconds < 0:
        one, other = other, one
    best = abs(agreement(one, other).r)
    assert best > 0.95
    for off in (-SAME_LAG, 0.0, SAME_LAG):
        assert 0.65 * best <= correlation_near(one, other, seconds + off, SAME_LAG) <= 1.01 * best
    assert correlation_near(one, other, seconds + 4 * SAME_LAG, SAME_LAG) < LEAST_R / 2


def test_there_is_no_correlation_with_silence_or_without_a_sample_in_common() -> None:
    sound = _white(noise(1))
    assert correlation_near(_white(np.zeros(4_000)), sound, 0.0, SAME_LAG) == 0.0
    assert correlation_near(sound, sound, 60.0, SAME_LAG) == 0.0
    assert correlation_near(sound, sound[:1], 0.0, SAME_LAG) <= 1.0
