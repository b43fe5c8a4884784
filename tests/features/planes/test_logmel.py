"""LM against the plain librosa calls.

Tolerance: 1e-4 dB. Both transform in float64 and go on in float32.
"""

from __future__ import annotations

import librosa
import numpy as np
from numpy.typing import NDArray

from harness.features.planes.logmel import log_mel
from tests.features.conftest import spectrum_of

TOLERANCE = 1e-4


def _reference(samples: NDArray[np.floating], n_mels: int) -> NDArray[np.floating]:
    power = librosa.feature.melspectrogram(y=samples, sr=22050, n_fft=1024, hop_length=512, n_mels=n_mels)
    return librosa.power_to_db(power)


def test_real_clips(real_signals: list[NDArray[np.float32]]) -> None:
    for samples in real_signals:
        ours = log_mel(spectrum_of(samples), 60)[0].T
        assert ours.shape == (60, 1 + len(samples) // 512)
        np.testing.assert_allclose(ours, _reference(samples, 60), rtol=0, atol=TOLERANCE)


def test_made_signals(made_signal: NDArray[np.float32]) -> None:
    ours = log_mel(spectrum_of(made_signal), 60)[0].T
    np.testing.assert_allclose(ours, _reference(made_signal, 60), rtol=0, atol=TOLERANCE)


def test_the_range_is_80_db(made_signal: NDArray[np.float32]) -> None:
    ours = log_mel(spectrum_of(made_signal), 40)[0].T
    assert ours.shape[0] == 40
    assert ours.max() - ours.min() <= 80.0 + 1e-5
