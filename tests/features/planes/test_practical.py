"""The practical's planes against torchaudio's transforms applied directly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
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


def _torchaudios(samples: NDArray[np.float32], rate: int, n_mfcc: int, **mel: Any) -> dict[str, Tensor]:
    """The practical's planes, from torchaudio's transforms as the practical calls them."""
    fourier = {name: mel[name] for name in FOURIER}
    signal = torch.from_numpy(samples)
    return {
        "spectrogram": 10 * torch.log10(transforms.Spectrogram(**fourier)(signal) + 1e-10),
        "mel": 10 * torch.log10(transforms.MelSpectrogram(rate, **mel)(signal) + 1e-10),
        "mfcc": transforms.MFCC(rate, n_mfcc=n_mfcc, melkwargs=mel)(signal),
    }


def _check(waves: Waves, expected: dict[str, Tensor], options: dict[str, Any], n_mfcc: int) -> None:
    fourier = {name: options[name] for name in FOURIER}
    bands = fourier | {name: options[name] for name in ("n_mels", "f_min")}
    assert torch.equal(_plane("spectrogram", waves, **fourier)[0], expected["spectrogram"])
    assert torch.equal(_plane("mel", waves, **bands)[0], expected["mel"])
    # Torchaudio multiplies the transposed matrices: the same sums, for which a kernel may choose another order.
    found = _plane("mfcc", waves, **bands, n_mfcc=n_mfcc)[0]
    torch.testing.assert_close(found, expected["mfcc"], rtol=1e-5, atol=1e-3)


def test_planes_are_torchaudios_to_the_bit(samples: NDArray[np.float32]) -> None:
    assert _plane("spectrogram", _waves(samples)).shape == (1, 513, 1 + len(samples) // 256)
    _check(_waves(samples), _torchaudios(samples, 44100, 64, **MEL), MEL, 64)


@pytest.mark.filterwarnings("ignore:At least one mel filterbank")
@settings(max_examples=60, deadline=None)
@given(
    rate=st.integers(1_000, 96_000),
    n_fft=st.integers(4, 2048),
    window=st.floats(0.1, 1),
    hop_length=st.integers(16, 512),
    n_mels=st.integers(1, 160),
    coefficients=st.floats(0, 1),
    f_min=st.floats(0, 490),
    seed=st.integers(0, 2**32 - 1),
)
def test_planes_are_torchaudios_whatever_the_settings(
    rate: int, n_fft: int, window: float, hop_length: int, n_mels: int, coefficients: float, f_min: float, seed: int
) -> None:
    fourier = {"n_fft": n_fft, "win_length": max(2, round(window * n_fft)), "hop_length": hop_length}
    mel = fourier | {"n_mels": n_mels, "f_min": f_min, "f_max": rate / 2, "norm": None, "mel_scale": "htk"}
    n_mfcc = max(1, round(coefficients * n_mels))
    samples = 0.1 * np.random.default_rng(seed).standard_normal(4096).astype(np.float32)
    waves = Waves([Stretch(samples)], rate, hop_length)
    _check(waves, _torchaudios(samples, rate, n_mfcc, **mel), mel, n_mfcc)


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
