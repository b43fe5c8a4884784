"""Spectral contrast against the plain librosa call.

Tolerance: 1e-4 dB. Both transform in float64 and go on in float32.
"""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from harness.errors import FeatureError
from harness.features.planes.contrast import contrast
from harness.features.spectrum import spectrum
from tests.features.conftest import spectrum_of

TOLERANCE = 1e-4


def _reference(samples: NDArray[np.floating], **options: float) -> NDArray[np.floating]:
    return librosa.feature.spectral_contrast(y=samples, sr=22050, n_fft=1024, hop_length=512, **options)


@pytest.mark.slow
def test_real_clips(real_signals: list[NDArray[np.float32]]) -> None:
    for samples in real_signals:
        ours = contrast(spectrum_of(samples), 6, 200.0)[0].T
        assert ours.shape == (7, 1 + len(samples) // 512)
        np.testing.assert_allclose(ours, _reference(samples), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize(("n_bands", "fmin"), [(6, 200.0), (4, 200.0), (1, 3000.0), (5, 100.0), (5, 172.265625)])
def test_made_signals(made_signal: NDArray[np.float32], n_bands: int, fmin: float) -> None:
    ours = contrast(spectrum_of(made_signal), n_bands, fmin)[0].T
    expected = _reference(made_signal, n_bands=n_bands, fmin=fmin)
    np.testing.assert_allclose(ours, expected, rtol=0, atol=TOLERANCE)


def test_silence_has_no_contrast() -> None:
    assert not contrast(spectrum_of(np.zeros(20480, np.float32)), 6, 200.0).any()


def test_bands_above_half_the_sample_rate_are_refused() -> None:
    silence = spectrum_of(np.zeros(20480, np.float32))
    with pytest.raises(FeatureError, match=r"planes\.contrast: bands = 8 .* last band would start at 25600 Hz"):
        contrast(silence, 8, 200.0)


def test_bands_without_bins_are_refused() -> None:
    with pytest.raises(FeatureError, match=r"fmin = 20.* n_fft = 128"):
        contrast(spectrum(torch.zeros(1, 20480), 22050, 128, 512), 6, 20.0)
