"""MFCC and derivatives against the plain librosa calls.

Tolerance: 1e-3 (coefficients reach several hundred). Both transform in float64 and go on in float32.
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
from harness.features.planes.mfcc import derivatives, mfcc, mfcc_with_deltas
from tests.features.conftest import spectrum_of

TOLERANCE = 1e-3


def _reference(samples: NDArray[np.floating], n_mfcc: int = 20, width: int = 9) -> NDArray[np.floating]:
    rows = librosa.feature.mfcc(y=samples, sr=22050, n_mfcc=n_mfcc, n_fft=1024, hop_length=512)
    return np.vstack([rows, *(librosa.feature.delta(rows, width=width, order=order) for order in (1, 2))])


def test_real_clips(real_signals: list[NDArray[np.float32]]) -> None:
    for samples in real_signals:
        ours = mfcc_with_deltas(spectrum_of(samples), 20, 9)[0].T
        assert ours.shape == (60, 1 + len(samples) // 512)
        np.testing.assert_allclose(ours, _reference(samples), rtol=0, atol=TOLERANCE)


def test_made_signals(made_signal: NDArray[np.float32]) -> None:
    ours = mfcc_with_deltas(spectrum_of(made_signal), 13, 5)[0].T
    np.testing.assert_allclose(ours, _reference(made_signal, 13, 5), rtol=0, atol=TOLERANCE)


@settings(deadline=None)
@given(half=st.integers(1, 7), extra=st.integers(0, 30), order=st.sampled_from([1, 2]), seed=st.integers(0, 2**32 - 1))
def test_derivatives_are_librosas(half: int, extra: int, order: int, seed: int) -> None:
    width = 2 * half + 1
    plane = np.random.default_rng(seed).standard_normal((3, width + extra))
    ours = derivatives(torch.from_numpy(plane.T)[None], width)[order - 1]
    np.testing.assert_allclose(ours[0].T, librosa.feature.delta(plane, width=width, order=order), atol=1e-10)


def test_a_line_has_its_slope_everywhere() -> None:
    line = torch.arange(20, dtype=torch.float64)[None, :, None] * 3.0
    first, second = derivatives(line, 9)
    np.testing.assert_allclose(first, np.full((1, 20, 1), 3.0), atol=1e-12)
    np.testing.assert_allclose(second, np.zeros((1, 20, 1)), atol=1e-12)


def test_too_few_frames_name_the_settings() -> None:
    with pytest.raises(FeatureError, match=r"delta_width = 9 frames .* received 8; .*segment_frames"):
        derivatives(torch.zeros(1, 8, 2), 9)


def test_more_coefficients_than_bands_are_refused() -> None:
    with pytest.raises(FeatureError, match=r"planes\.MFCC: n_mfcc is 129"):
        mfcc(spectrum_of(np.zeros(20480, np.float32)), 129)
