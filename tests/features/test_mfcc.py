"""MFCC and derivatives against the plain librosa calls.

Tolerance: 1e-3 (coefficients reach several hundred). The reference rounds its transform to float32; in float64 both
agree to 1e-8.
"""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from harness.errors import FeatureError
from harness.features.mfcc import delta, mfcc, mfcc_with_deltas
from harness.features.spectrum import spectrum

TOLERANCE = 1e-3


def _reference(samples: NDArray[np.floating], n_mfcc: int = 20, width: int = 9) -> NDArray[np.floating]:
    rows = librosa.feature.mfcc(y=samples, sr=22050, n_mfcc=n_mfcc, n_fft=1024, hop_length=512)
    return np.vstack([rows, *(librosa.feature.delta(rows, width=width, order=order) for order in (1, 2))])


def test_real_clips(real_signals: list[NDArray[np.float32]]) -> None:
    for samples in real_signals:
        ours = mfcc_with_deltas(spectrum(samples, 22050, 1024, 512), 20, 9)
        assert ours.shape == (60, 1 + len(samples) // 512)
        np.testing.assert_allclose(ours, _reference(samples), rtol=0, atol=TOLERANCE)


def test_made_signals(made_signal: NDArray[np.float32]) -> None:
    ours = mfcc_with_deltas(spectrum(made_signal, 22050, 1024, 512), 13, 5)
    np.testing.assert_allclose(ours, _reference(made_signal.astype(np.float64), 13, 5), rtol=0, atol=1e-8)


@settings(deadline=None)
@given(half=st.integers(1, 7), extra=st.integers(0, 30), order=st.sampled_from([1, 2]), seed=st.integers(0, 2**32 - 1))
def test_derivatives_are_librosas(half: int, extra: int, order: int, seed: int) -> None:
    width = 2 * half + 1
    plane = np.random.default_rng(seed).standard_normal((3, width + extra))
    ours = delta(torch.from_numpy(plane), width, order)
    np.testing.assert_allclose(ours, librosa.feature.delta(plane, width=width, order=order), atol=1e-10)


def test_a_line_has_its_slope_everywhere() -> None:
    line = torch.arange(20, dtype=torch.float64)[None] * 3.0
    np.testing.assert_allclose(delta(line, 9, 1), np.full((1, 20), 3.0), atol=1e-12)
    np.testing.assert_allclose(delta(line, 9, 2), np.zeros((1, 20)), atol=1e-12)


def test_too_few_frames_name_the_settings() -> None:
    with pytest.raises(FeatureError, match=r"delta_width = 9 frames .* received 8; .*segment_frames"):
        delta(torch.zeros(2, 8), 9, 1)


def test_more_coefficients_than_bands_are_refused() -> None:
    with pytest.raises(FeatureError, match=r"features\.n_mfcc is 129"):
        mfcc(spectrum(np.zeros(20480, np.float32), 22050, 1024, 512), 129)
