"""PCEN against the plain librosa calls.

Tolerance: 1e-5 (values are around 1). Magnitudes are float32, all that follows is float64 here.
"""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from harness.features.planes.pcen import PcenOptions, compute, pcen
from harness.features.waves import Stretch, Waves

TOLERANCE = 1e-5
DEFAULTS = PcenOptions()


def _ours(samples: NDArray[np.float32], options: PcenOptions = DEFAULTS, hop: int = 512) -> NDArray[np.float32]:
    values: NDArray[np.float32] = compute(Waves([Stretch(samples)], 22050, hop), options)[0].T.numpy()
    return values


def _reference(
    samples: NDArray[np.float32], n_mels: int = 128, hop: int = 512, **options: float
) -> NDArray[np.float32]:
    bands = librosa.feature.melspectrogram(
        y=samples, sr=22050, n_fft=1024, hop_length=hop, n_mels=n_mels, power=1
    ).astype(np.float64)
    values: NDArray[np.float32] = librosa.pcen(bands * 2**31, sr=22050, hop_length=hop, **options)
    return values


def test_real_clips(real_signals: list[NDArray[np.float32]]) -> None:
    for samples in real_signals[::7]:
        ours = _ours(samples)
        assert ours.shape == (128, 1 + len(samples) // 512)
        np.testing.assert_allclose(ours, _reference(samples), rtol=0, atol=TOLERANCE)


def test_made_signals(made_signal: NDArray[np.float32]) -> None:
    np.testing.assert_allclose(_ours(made_signal), _reference(made_signal), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize(
    "options",
    [
        {"gain": 0.8, "bias": 10.0, "power": 0.25, "time_constant": 0.06},
        {"gain": 0.0, "power": 1.0},
        {"time_constant": 60.0, "eps": 1.0},
        {"gain": 1.0, "bias": 1e-3, "time_constant": 1e-4},
    ],
)
def test_every_option_is_librosas(made_signal: NDArray[np.float32], options: dict[str, float]) -> None:
    ours = _ours(made_signal, PcenOptions(n_mels=40, **options), hop=256)  # type: ignore[arg-type]
    np.testing.assert_allclose(ours, _reference(made_signal, 40, 256, **options), rtol=1e-5, atol=TOLERANCE)


@pytest.mark.parametrize("level", [1e3, 1e5, 1e9])
def test_the_level_of_a_steady_sound_hardly_counts(level: float) -> None:
    values = pcen(torch.full((1, 600, 1), level, dtype=torch.float64), 43.0, DEFAULTS)
    assert float(values[0, -1, 0]) == pytest.approx((level**0.02 + 2.0) ** 0.5 - 2.0**0.5, rel=1e-6)


def test_an_onset_exceeds_the_sound_that_follows() -> None:
    energy = torch.cat([torch.full((1, 200, 1), 1e4), torch.full((1, 200, 1), 1e6)], dim=1).double()
    values = pcen(energy, 43.0, DEFAULTS)[0, :, 0]
    assert values[200:].argmax() == 0
    assert float(values[200]) > 2 * float(values[-1])
