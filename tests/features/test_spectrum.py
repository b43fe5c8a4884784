"""The shared transform and decibels against librosa."""

from __future__ import annotations

import librosa
import numpy as np
import torch
from numpy.typing import NDArray

from harness.features.spectrum import power_to_db
from tests.features.conftest import spectrum_of


def test_power_is_that_of_librosas_transform(made_signal: NDArray[np.float32]) -> None:
    ours = spectrum_of(made_signal).power[0].T
    expected = np.abs(librosa.stft(made_signal, n_fft=1024, hop_length=512)) ** 2
    assert ours.shape == (513, 1 + len(made_signal) // 512) == expected.shape
    np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-18)


def test_decibels_are_librosas() -> None:
    power = np.geomspace(1e-14, 1e4, 200).reshape(20, 10)
    np.testing.assert_allclose(power_to_db(torch.from_numpy(power)[None])[0], librosa.power_to_db(power), atol=1e-12)


def test_decibels_of_silence_are_the_floor() -> None:
    np.testing.assert_array_equal(power_to_db(torch.zeros(2, 3, 4)), np.full((2, 3, 4), -100.0))
