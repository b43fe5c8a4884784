"""The constant-Q chromagram against the plain librosa call.

Tolerance: 1e-4 of a frame's largest value (values lie in [0, 1]), and 2e-5 for these clips where there is sound.
"""

from __future__ import annotations

import warnings

import librosa
import numpy as np
import pytest
from numpy.typing import NDArray

from harness.errors import FeatureError
from harness.features.constant_q import LOWEST, OctaveSignals, _bank, clip_tunings, constant_q_chroma
from tests.features.conftest import signals_of

TOLERANCE = 1e-4
WHERE_THERE_IS_SOUND = 2e-5


def _reference(
    samples: NDArray[np.float32], rate: int = 22050, hop: int = 512, tuning: float | None = None
) -> NDArray[np.floating]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return librosa.feature.chroma_cqt(y=samples, sr=rate, hop_length=hop, tuning=tuning)


def _ours(samples: NDArray[np.float32], rate: int = 22050, hop: int = 512) -> NDArray[np.float32]:
    chroma: NDArray[np.float32] = constant_q_chroma(signals_of(samples, rate, hop), rate, hop)[0].T.numpy()
    return chroma


@pytest.mark.slow
def test_real_clips(real_signals: list[NDArray[np.float32]]) -> None:
    for samples in real_signals:
        ours, expected = _ours(samples), _reference(samples)
        assert ours.shape == (12, 1 + len(samples) // 512)
        np.testing.assert_allclose(ours, expected, rtol=0, atol=TOLERANCE)
        centres = np.minimum(np.arange(ours.shape[1]) * 512, len(samples) - 1)
        sounding = samples[centres] != 0
        np.testing.assert_allclose(ours[:, sounding], expected[:, sounding], rtol=0, atol=WHERE_THERE_IS_SOUND)


def test_made_signals(made_signal: NDArray[np.float32]) -> None:
    ours = _ours(made_signal)
    # A click's spectrum is flat, so rounding alone decides where its peaks and with them its tuning lie: tell it.
    tuning = clip_tunings(signals_of(made_signal), 22050, "cpu")[0][0] if np.count_nonzero(made_signal) == 1 else None
    np.testing.assert_allclose(ours, _reference(made_signal, tuning=tuning), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize(
    ("rate", "hop"),
    # Hops with few factors of 2 end the halving early, high rates begin with it.
    [
        (22050, 512),
        (22050, 256),
        (22050, 320),
        (22050, 440),
        (16000, 512),
        (44100, 1024),
        (48000, 512),
        (96000, 128),
        (96000, 4096),
    ],
)
def test_other_rates_and_hops(rate: int, hop: int) -> None:
    samples = np.random.default_rng(hop).standard_normal(2 * rate).astype(np.float32)
    ours, expected = _ours(samples, rate, hop), _reference(samples, rate, hop)
    np.testing.assert_allclose(ours, expected[:, : ours.shape[1]], rtol=0, atol=TOLERANCE)


def test_seven_seconds() -> None:
    samples = np.random.default_rng(7).standard_normal(7 * 22050).astype(np.float32)
    np.testing.assert_allclose(_ours(samples), _reference(samples), rtol=0, atol=TOLERANCE)


def test_silence_is_zero_and_gives_no_warning(recwarn: pytest.WarningsRecorder) -> None:
    assert not _ours(np.zeros(20480, np.float32)).any()
    assert not list(recwarn)


@pytest.mark.parametrize("n", [44100, 44099, 43519, 43521])
def test_frames_are_counted_alike_where_the_transform_halves_the_rate_first(n: int) -> None:
    samples = np.random.default_rng(0).standard_normal(n).astype(np.float32)
    assert _ours(samples, 44100).shape == (12, 1 + n // 512)


def test_one_bank_serves_all_octaves_of_a_tuning() -> None:
    _bank.cache_clear()
    _ours(np.random.default_rng(0).standard_normal(44100).astype(np.float32))
    assert _bank.cache_info().misses == 1
    assert _bank.cache_info().hits == 6


def test_a_filter_hears_its_own_frequency_most() -> None:
    n_fft, first, bank = _bank(LOWEST * 64 / 22050, "cpu")
    frequency = (first + bank.abs().argmax(dim=0)) / n_fft * 22050
    np.testing.assert_allclose(frequency, LOWEST * 64 * 2 ** (np.arange(36) / 36), rtol=0, atol=22050 / n_fft)


def test_too_low_a_rate_is_refused() -> None:
    with pytest.raises(FeatureError, match=r"sample_rate = 4000 is too low .* at least 8\d\d\d"):
        _ours(np.zeros(20480, np.float32), 4000)


def test_too_short_a_clip_for_the_first_halvings_is_refused() -> None:
    with pytest.raises(FeatureError, match=r"1 samples are too few .* needs \d"):
        _ours(np.zeros(1, np.float32), 96000, 4096)


@pytest.mark.parametrize("rate", [22050, 21300])
def test_clips_of_a_batch_are_those_alone(rate: int) -> None:
    # At 21,300 Hz the lowest filter is longer or shorter than 512 samples, as the tuning has it.
    time = np.arange(2 * rate) / rate
    noise = 0.01 * np.random.default_rng(0).standard_normal(2 * rate)
    clips = [(noise + np.sin(2 * np.pi * 440 * 2 ** (by / 36) * time)).astype(np.float32) for by in (-0.45, 0.0, 0.4)]
    together = constant_q_chroma([OctaveSignals(samples, rate, 512) for samples in clips], rate, 512)
    for samples, chroma in zip(clips, together, strict=True):
        np.testing.assert_allclose(chroma.T, _ours(samples, rate), rtol=0, atol=1e-6)
