"""CQT against the plain librosa calls.

Tolerance: 0.01 dB. librosa transforms in float32, in which -80 dB keep three digits.
"""

from __future__ import annotations

import warnings

import librosa
import numpy as np
import pytest
from numpy.typing import NDArray

from harness.errors import FeatureError
from harness.features.planes.cqt import CqtOptions, compute
from harness.features.waves import Stretch, Waves

TOLERANCE = 0.01
DEFAULTS = CqtOptions()


def _ours(
    samples: NDArray[np.float32], options: CqtOptions = DEFAULTS, rate: int = 22050, hop: int = 512
) -> NDArray[np.float32]:
    values: NDArray[np.float32] = compute(Waves([Stretch(samples)], rate, hop), options)[0].T.numpy()
    return values


def _reference(
    samples: NDArray[np.float32], rate: int = 22050, hop: int = 512, bins: int = 12, octaves: int = 7, fmin: float = 0.0
) -> NDArray[np.floating]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of clips shorter than the longest filter
        values = librosa.cqt(
            y=samples, sr=rate, hop_length=hop, fmin=fmin or None, n_bins=bins * octaves, bins_per_octave=bins
        )
    return librosa.amplitude_to_db(np.abs(values))


@pytest.mark.slow
def test_real_clips(real_signals: list[NDArray[np.float32]]) -> None:
    for samples in real_signals[::3]:
        ours = _ours(samples)
        assert ours.shape == (84, 1 + len(samples) // 512)
        np.testing.assert_allclose(ours, _reference(samples), rtol=0, atol=TOLERANCE)


def test_made_signals(made_signal: NDArray[np.float32]) -> None:
    np.testing.assert_allclose(_ours(made_signal), _reference(made_signal), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize(
    ("rate", "hop", "bins", "octaves", "fmin"),
    [
        (22050, 512, 24, 5, 65.4),
        (22050, 440, 12, 7, 32.7),
        (44100, 1024, 36, 8, 40.0),
        (48000, 512, 2, 1, 1010.0),
        (16000, 256, 12, 3, 100.0),
    ],
)
def test_other_filters_rates_and_hops(rate: int, hop: int, bins: int, octaves: int, fmin: float) -> None:
    samples = np.random.default_rng(hop).standard_normal(rate).astype(np.float32)
    ours = _ours(samples, CqtOptions(bins_per_octave=bins, octaves=octaves, fmin=fmin), rate, hop)
    expected = _reference(samples, rate, hop, bins, octaves, fmin)
    assert len(ours) == len(expected) == bins * octaves
    np.testing.assert_allclose(ours, expected[:, : ours.shape[1]], rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("row", [24, 45, 70])
def test_a_tone_is_loudest_in_its_own_row(row: int) -> None:
    tone = np.sin(2 * np.pi * 440 * 2 ** ((row - 45) / 12) * np.arange(44100) / 22050).astype(np.float32)
    assert (_ours(tone)[:, 20:60].argmax(axis=0) == row).all()


def test_too_low_a_rate_is_refused_with_what_helps() -> None:
    with pytest.raises(FeatureError, match=r"CQT: features\.sample_rate = 8000 is too low .* or lower fmin or octaves"):
        _ours(np.zeros(20480, np.float32), rate=8000)
    assert _ours(np.zeros(20480, np.float32), CqtOptions(octaves=6), 8000).shape == (72, 41)
