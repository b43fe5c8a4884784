"""Image planes against torchaudio's transforms applied directly."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torchaudio import transforms

from harness.errors import FeatureError
from harness.features.image import PracticalPlanes, excerpt, resize
from harness.study import ImageSection

SETTINGS = ImageSection()
FOURIER = {"n_fft": 1024, "win_length": 512, "hop_length": 256}
MEL = {**FOURIER, "n_mels": 64, "f_min": 1.0, "f_max": 22050.0, "norm": None, "mel_scale": "htk"}


@pytest.fixture(params=["noise", "silence"])
def samples(request: pytest.FixtureRequest) -> NDArray[np.float32]:
    noise = np.random.default_rng(3).standard_normal(3 * 44100).astype(np.float32)
    return 0.1 * noise if request.param == "noise" else np.zeros_like(noise)


def test_planes_are_torchaudios(samples: NDArray[np.float32]) -> None:
    planes = PracticalPlanes(samples, SETTINGS)
    signal = torch.from_numpy(samples)
    spectrogram = 10 * torch.log10(transforms.Spectrogram(**FOURIER)(signal) + 1e-10)
    mel = 10 * torch.log10(transforms.MelSpectrogram(44100, **MEL)(signal) + 1e-10)
    mfcc = transforms.MFCC(44100, n_mfcc=64, melkwargs=MEL)(signal)
    assert planes.plane("spectrogram").shape == (513, 1 + len(samples) // 256)
    torch.testing.assert_close(planes.plane("spectrogram"), spectrogram, rtol=0, atol=1e-5)
    torch.testing.assert_close(planes.plane("mel"), mel, rtol=0, atol=1e-4)
    torch.testing.assert_close(planes.plane("mfcc"), mfcc, rtol=0, atol=1e-3)


def test_an_unknown_plane_is_a_key_error(samples: NDArray[np.float32]) -> None:
    with pytest.raises(KeyError):
        PracticalPlanes(samples, SETTINGS).plane("chroma")


def test_resizing_keeps_constants_and_order() -> None:
    torch.testing.assert_close(resize(torch.full((2, 513, 517), 3.0), 128, 128), torch.full((2, 128, 128), 3.0))
    ramp = resize(torch.arange(7.0)[:, None].expand(1, 7, 130), 128, 128)[0]
    assert ramp.dtype == torch.float32
    assert (ramp[1:] >= ramp[:-1]).all()
    # Corners are not aligned: output row r looks at input row (r + 0.5) * 7 / 128 - 0.5.
    assert ramp[64, 0] == pytest.approx(64.5 * 7 / 128 - 0.5, abs=1e-5)


def test_shrinking_averages_what_it_skips() -> None:
    # Every fourth row is 1: interpolation between two neighbours would miss it.
    stripes = torch.tensor([0.0, 0.0, 0.0, 1.0]).repeat(128)[:, None].expand(512, 128)
    torch.testing.assert_close(resize(stripes[None], 128, 128)[0, 2:-2], torch.full((124, 128), 0.25))


def test_the_excerpt_is_cut_or_padded() -> None:
    assert excerpt(np.ones(100, np.float32), 10, 3.0).tolist() == [1.0] * 30
    assert excerpt(np.ones(10, np.float32), 10, 1.5).tolist() == [1.0] * 10 + [0.0] * 5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"win_length": 2048}, "win_length = 2048 exceeds n_fft = 1024"),
        ({"n_mfcc": 65}, "n_mfcc = 65 .* n_mels = 64"),
        ({"f_min": 22050.0}, "f_min = 22050"),
        ({"seconds": 0.01}, "seconds = 0.01 gives 441 samples"),
    ],
)
def test_contradicting_settings_are_named(change: dict[str, float], message: str) -> None:
    settings = ImageSection(**change)  # type: ignore[arg-type]
    silence = np.zeros(round(settings.seconds * settings.sample_rate), np.float32)
    with pytest.raises(FeatureError, match=message):
        PracticalPlanes(silence, settings)
