"""The practical's planes against torchaudio's transforms applied directly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchaudio import transforms

from harness.errors import FeatureError
from harness.features.waves import Stretch, Waves
from harness.registry import PLANES, code, options_of

FOURIER = {"n_fft": 1024, "win_length": 512, "hop_length": 256}
MEL = {**FOURIER, "n_mels": 64, "f_min": 1.0, "f_max": 22050.0, "norm": None, "mel_scale": "htk"}


def _waves(*clips: NDArray[np.float32]) -> Waves:
    return Waves([Stretch(samples) for samples in clips], 44100, 256)


def _plane(name: str, waves: Waves, **options: Any) -> Tensor:
    """Return a plane, shape (B, rows, frames), as torchaudio has it."""
    plane = PLANES.get(name)
    values: Tensor = code(plane.compute)(waves, options_of(plane)(**options))
    return values.mT


@pytest.fixture(params=["noise", "silence"])
def samples(request: pytest.FixtureRequest) -> NDArray[np.float32]:
    noise = np.random.default_rng(3).standard_normal(3 * 44100).astype(np.float32)
    return 0.1 * noise if request.param == "noise" else np.zeros_like(noise)


def test_planes_are_torchaudios(samples: NDArray[np.float32]) -> None:
    signal, waves = torch.from_numpy(samples), _waves(samples)
    spectrogram = 10 * torch.log10(transforms.Spectrogram(**FOURIER)(signal) + 1e-10)
    mel = 10 * torch.log10(transforms.MelSpectrogram(44100, **MEL)(signal) + 1e-10)
    mfcc = transforms.MFCC(44100, n_mfcc=64, melkwargs=MEL)(signal)
    assert _plane("spectrogram", waves).shape == (1, 513, 1 + len(samples) // 256)
    torch.testing.assert_close(_plane("spectrogram", waves)[0], spectrogram, rtol=0, atol=1e-5)
    torch.testing.assert_close(_plane("mel", waves)[0], mel, rtol=0, atol=1e-4)
    torch.testing.assert_close(_plane("mfcc", waves)[0], mfcc, rtol=0, atol=1e-3)


def test_a_quiet_clip_keeps_its_range_beside_a_loud_one() -> None:
    # Decibels are cut 80 dB below the maximum of each clip, not of the batch.
    loud = np.random.default_rng(0).standard_normal(44100).astype(np.float32)
    quiet = np.float32(1e-4) * loud
    together = _plane("mfcc", _waves(loud, quiet))
    torch.testing.assert_close(together[1], _plane("mfcc", _waves(quiet))[0], rtol=0, atol=1e-4)


def test_planes_of_other_settings_share_nothing(samples: NDArray[np.float32]) -> None:
    waves = _waves(samples)
    for options in ({}, {"n_fft": 2048}, {"n_fft": 2048, "n_mels": 80}, {"win_length": 1024}, {"f_min": 50.0}):
        torch.testing.assert_close(_plane("mel", waves, **options), _plane("mel", _waves(samples), **options))


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("mel", {"win_length": 2048}, r"features\.planes\.mel: win_length = 2048 exceeds n_fft = 1024"),
        ("mfcc", {"n_mfcc": 65}, r"features\.planes\.mfcc: n_mfcc = 65 .* n_mels = 64"),
        ("mfcc", {"f_min": 22050.0}, r"features\.planes\.mfcc: f_min = 22050"),
        ("spectrogram", {"n_fft": 8192}, r"spectrogram: 4000 samples are too few for n_fft = 8192; raise .*seconds"),
    ],
)
def test_contradicting_settings_are_named(name: str, change: dict[str, float], message: str) -> None:
    with pytest.raises(FeatureError, match=message):
        _plane(name, _waves(np.zeros(4000, np.float32)), **change)
