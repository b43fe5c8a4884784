"""Tonnetz against the plain librosa call.

Tolerance: 1e-4 (values lie in [-1, 1]).
"""

from __future__ import annotations

import warnings

import librosa
import numpy as np
import pytest
from numpy.typing import NDArray

from harness.errors import FeatureError
from harness.features.constant_q import clip_tunings
from harness.features.planes.tonnetz import tonnetz
from tests.features.conftest import signals_of

TOLERANCE = 1e-4


def _reference(samples: NDArray[np.float32], tuning: float | None = None) -> NDArray[np.floating]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return librosa.feature.tonnetz(chroma=librosa.feature.chroma_cqt(y=samples, sr=22050, tuning=tuning))


def test_real_clips(real_signals: list[NDArray[np.float32]]) -> None:
    for samples in real_signals:
        ours = tonnetz(signals_of(samples), 22050, 512)[0].T
        assert ours.shape == (6, 1 + len(samples) // 512)
        np.testing.assert_allclose(ours, _reference(samples), rtol=0, atol=TOLERANCE)


def test_made_signals(made_signal: NDArray[np.float32]) -> None:
    ours = tonnetz(signals_of(made_signal), 22050, 512)[0].T
    assert ours.isfinite().all()
    # A click's spectrum is flat, so rounding alone decides where its peaks and with them its tuning lie: tell it.
    tuning = clip_tunings(signals_of(made_signal), 22050, "cpu")[0][0] if np.count_nonzero(made_signal) == 1 else None
    np.testing.assert_allclose(ours, _reference(made_signal, tuning), rtol=0, atol=TOLERANCE)


def test_silence_is_zero_and_gives_no_warning(recwarn: pytest.WarningsRecorder) -> None:
    assert not tonnetz(signals_of(np.zeros(20480, np.float32)), 22050, 512).any()
    assert not list(recwarn)


def test_a_fifth_stands_where_its_angle_puts_it() -> None:
    time = np.arange(3 * 22050) / 22050
    # A pure C (pitch class 0) lies at angle 0 on all three circles: sine 0, cosine the circle's radius.
    c = np.sin(2 * np.pi * 261.6256 * time).astype(np.float32)
    np.testing.assert_allclose(tonnetz(signals_of(c), 22050, 512)[0, 60], [0, 1, 0, 1, 0, 0.5], atol=0.15)


def test_too_low_a_rate_is_refused() -> None:
    with pytest.raises(FeatureError, match=r"sample_rate = 4000"):
        tonnetz(signals_of(np.zeros(20480, np.float32), 4000), 4000, 512)
