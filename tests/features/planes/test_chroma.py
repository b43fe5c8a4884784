"""Chroma against the plain librosa call.

Tolerance: 1e-5 (values lie in [0, 1]). The reference rounds its transform to float32; in float64 both agree to 1e-9.
"""

from __future__ import annotations

import librosa
import numpy as np
import pytest
from numpy.typing import NDArray

from harness.features.pitch_tuning import estimate_tunings
from harness.features.planes.chroma import chroma
from tests.features.conftest import spectrum_of

TOLERANCE = 1e-5

pytestmark = pytest.mark.filterwarnings("ignore:Trying to estimate tuning from empty frequency set")


def _reference(samples: NDArray[np.floating], n_chroma: int = 12, tuning: float | None = None) -> NDArray[np.floating]:
    return librosa.feature.chroma_stft(
        y=samples, sr=22050, n_fft=1024, hop_length=512, n_chroma=n_chroma, tuning=tuning
    )


def test_real_clips(real_signals: list[NDArray[np.float32]]) -> None:
    for samples in real_signals:
        ours = chroma(spectrum_of(samples), 12)[0].T
        assert ours.shape == (12, 1 + len(samples) // 512)
        np.testing.assert_allclose(ours, _reference(samples), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("n_chroma", [12, 24])
def test_made_signals(made_signal: NDArray[np.float32], n_chroma: int) -> None:
    transform = spectrum_of(made_signal)
    # A click's spectrum is flat, so rounding alone decides where its peaks and with them its tuning lie: tell it.
    tuning = estimate_tunings(transform.power, 22050, 1024, n_chroma)[0] if np.count_nonzero(made_signal) == 1 else None
    expected = _reference(made_signal, n_chroma, tuning)
    np.testing.assert_allclose(chroma(transform, n_chroma)[0].T, expected, rtol=0, atol=TOLERANCE)


def test_silent_frames_are_zero_and_others_reach_one() -> None:
    time = np.arange(22050) / 22050
    samples = np.concatenate([np.sin(2 * np.pi * 440 * time), np.zeros(22050)]).astype(np.float32)
    peaks = chroma(spectrum_of(samples), 12)[0].amax(dim=1).numpy()
    np.testing.assert_allclose(peaks[:40], 1.0)
    np.testing.assert_array_equal(peaks[-40:], 0.0)
