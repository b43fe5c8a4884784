"""Shortcuts: each number of sounds whose history is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.features.planes.shortcut import Measure, ShortcutOptions, compute, rows
from harness.features.waves import Stretch, Waves

RATE = 44_100


def _measured(measure: Measure, samples: NDArray[np.floating], hop: int = 2**20) -> list[float]:
    options = ShortcutOptions(measures=(measure,))
    values = compute(Waves([Stretch(samples.astype(np.float32))], RATE, hop), options)
    assert values.shape[2] == rows(options)
    assert (values == values[:, :1]).all()
    return [float(value) for value in values[0, 0]]


def _noise(seconds: float, cutoff: float = RATE / 2, level: float = 0.1) -> NDArray[np.float64]:
    """Return white noise up to ``cutoff`` Hz."""
    n = int(seconds * RATE)
    spectrum = np.fft.rfft(np.random.default_rng(0).normal(size=n))
    spectrum[np.fft.rfftfreq(n, 1 / RATE) > cutoff] = 0
    made = np.fft.irfft(spectrum, n)
    return np.asarray(level * made / made.std())


@pytest.mark.parametrize("seconds", [0.5, 4.0])
def test_length_is_in_octaves_of_seconds(seconds: float) -> None:
    assert _measured(Measure.LENGTH, _noise(seconds)) == pytest.approx([math.log2(seconds)], abs=1e-4)


@pytest.mark.parametrize("cutoff", [4_000.0, 11_025.0, 16_000.0])
def test_the_band_limit_of_an_encoder_is_found(cutoff: float) -> None:
    sound = np.round(_noise(2.0, cutoff) * 32_767) / 32_767  # as 16-bit audio
    roll_off, highest = _measured(Measure.BANDWIDTH, sound)
    assert 2**roll_off == pytest.approx(0.99 * cutoff, rel=0.01)
    assert 2**highest == pytest.approx(cutoff, abs=150)


def test_weak_high_frequencies_count_for_the_limit_but_not_for_the_roll_off() -> None:
    sound = _noise(2.0, 2_000.0) + _noise(2.0, 15_000.0, level=0.001)
    roll_off, highest = _measured(Measure.BANDWIDTH, sound)
    assert 2**roll_off < 2_050
    assert 2**highest == pytest.approx(15_000, abs=150)


def test_padding_is_counted_at_both_ends() -> None:
    sound = np.concatenate([np.zeros(RATE // 2), _noise(2.0), np.zeros(RATE)])
    share, leading, trailing = _measured(Measure.SILENCE, sound)
    assert (leading, trailing) == pytest.approx((0.5, 1.0), abs=0.001)
    assert share == pytest.approx(1.5 / 3.5, abs=0.001)


def test_a_silent_clip_is_silent_from_both_ends() -> None:
    assert _measured(Measure.SILENCE, np.zeros(RATE)) == pytest.approx([1.0, 1.0, 1.0])
    assert _measured(Measure.BANDWIDTH, np.zeros(RATE)) == [0.0, 0.0]


def test_loudness_is_in_dbfs() -> None:
    sine = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)
    assert _measured(Measure.LOUDNESS, sine) == pytest.approx([-9.03, -6.02], abs=0.01)


def test_clipping_is_the_share_at_full_scale() -> None:
    assert _measured(Measure.CLIPPING, np.clip(20 * _noise(1.0), -1, 1))[0] > -0.5
    assert _measured(Measure.CLIPPING, _noise(1.0)) == pytest.approx([-6.0])


def test_the_numbers_do_not_depend_on_the_frames() -> None:
    sound = _noise(1.0)
    for measure in Measure:
        assert _measured(measure, sound, hop=512) == _measured(measure, sound)
