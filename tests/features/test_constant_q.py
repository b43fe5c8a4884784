"""The constant-Q chromagram against the plain librosa call.

Tolerance for these clips: 1e-4 of a frame's largest value (values lie in [0, 1]), and 2e-5 where there is sound. Over
more clips the module states 2e-3 and 1e-4: digital silence holds only a resampling filter's last digits.
"""

from __future__ import annotations

import warnings

import librosa
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from harness.errors import FeatureError
from harness.features.constant_q import LOWEST, _bank, _signal_tuning, constant_q_chroma

TOLERANCE = 1e-4
WHERE_THERE_IS_SOUND = 2e-5


def _reference(
    samples: NDArray[np.float32], rate: int = 22050, hop: int = 512, tuning: float | None = None
) -> NDArray[np.floating]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return librosa.feature.chroma_cqt(y=samples, sr=rate, hop_length=hop, tuning=tuning)


def test_real_clips(real_signals: list[NDArray[np.float32]]) -> None:
    for samples in real_signals:
        ours, expected = constant_q_chroma(samples, 22050, 512).numpy(), _reference(samples)
        assert ours.shape == (12, 1 + len(samples) // 512)
        np.testing.assert_allclose(ours, expected, rtol=0, atol=TOLERANCE)
        centres = np.minimum(np.arange(ours.shape[1]) * 512, len(samples) - 1)
        sounding = samples[centres] != 0
        np.testing.assert_allclose(ours[:, sounding], expected[:, sounding], rtol=0, atol=WHERE_THERE_IS_SOUND)


def test_made_signals(made_signal: NDArray[np.float32]) -> None:
    ours = constant_q_chroma(made_signal, 22050, 512)
    # A click's spectrum is flat, so rounding alone decides where its peaks and with them its tuning lie: tell it.
    tuning = _signal_tuning(torch.from_numpy(made_signal), 22050) if np.count_nonzero(made_signal) == 1 else None
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
    ours, expected = constant_q_chroma(samples, rate, hop), _reference(samples, rate, hop)
    np.testing.assert_allclose(ours, expected[:, : ours.shape[1]], rtol=0, atol=TOLERANCE)


def test_seven_seconds() -> None:
    samples = np.random.default_rng(7).standard_normal(7 * 22050).astype(np.float32)
    np.testing.assert_allclose(constant_q_chroma(samples, 22050, 512), _reference(samples), rtol=0, atol=TOLERANCE)


def test_silence_is_zero_and_gives_no_warning(recwarn: pytest.WarningsRecorder) -> None:
    assert not constant_q_chroma(np.zeros(20480, np.float32), 22050, 512).any()
    assert not list(recwarn)


@pytest.mark.parametrize("n", [44100, 44099, 43519, 43521])
def test_frames_are_counted_alike_where_the_transform_halves_the_rate_first(n: int) -> None:
    samples = np.random.default_rng(0).standard_normal(n).astype(np.float32)
    assert constant_q_chroma(samples, 44100, 512).shape == (12, 1 + n // 512)


def test_one_bank_serves_all_octaves_of_a_tuning() -> None:
    _bank.cache_clear()
    constant_q_chroma(np.random.default_rng(0).standard_normal(44100).astype(np.float32), 22050, 512)
    assert _bank.cache_info().misses == 1
    assert _bank.cache_info().hits == 6


def test_a_filter_hears_its_own_frequency_most() -> None:
    n_fft, first, bank = _bank(LOWEST * 64 / 22050, "cpu")
    frequency = (first + bank.abs().argmax(dim=0)) / n_fft * 22050
    np.testing.assert_allclose(frequency, LOWEST * 64 * 2 ** (np.arange(36) / 36), rtol=0, atol=22050 / n_fft)


def test_too_low_a_rate_is_refused() -> None:
    with pytest.raises(FeatureError, match=r"sample_rate = 4000 is too low .* at least 8\d\d\d"):
        constant_q_chroma(np.zeros(20480, np.float32), 4000, 512)


def test_too_short_a_clip_for_the_first_halvings_is_refused() -> None:
    with pytest.raises(FeatureError, match=r"1 samples are too few .* needs \d"):
        constant_q_chroma(np.zeros(1, np.float32), 96000, 4096)
