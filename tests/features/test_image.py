"""Image planes against torchaudio's transforms applied directly."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torchaudio import transforms

from harness.errors import FeatureError
from harness.features.image import PracticalPlanes, excerpt, resize
from harness.study import ImageSection

SETTINGS = ImageSection()


@pytest.fixture(params=["noise", "silence"])
def samples(request: pytest.FixtureRequest) -> NDArray[np.float32]:
    noise = np.random.default_rng(3).standard_normal(3 * 44100).astype(np.float32)
    return 0.1 * noise if request.param == "noise" else np.zeros_like(noise)


def _torchaudios(samples: NDArray[np.float32], settings: ImageSection) -> dict[str, torch.Tensor]:
    """The practical's planes, from torchaudio's transforms as the practical calls them."""
    fourier = {name: getattr(settings, name) for name in ("n_fft", "win_length", "hop_length")}
    bands = {"n_mels": settings.n_mels, "f_min": settings.f_min, "f_max": settings.sample_rate / 2}
    mel = {**fourier, **bands, "norm": None, "mel_scale": "htk"}
    signal, rate = torch.from_numpy(samples), settings.sample_rate
    return {
        "spectrogram": 10 * torch.log10(transforms.Spectrogram(**fourier)(signal) + settings.db_offset),
        "mel": 10 * torch.log10(transforms.MelSpectrogram(rate, **mel)(signal) + settings.db_offset),
        "mfcc": transforms.MFCC(rate, n_mfcc=settings.n_mfcc, melkwargs=mel)(signal),
    }


def test_planes_are_torchaudios_to_the_bit(samples: NDArray[np.float32]) -> None:
    planes, expected = PracticalPlanes(samples, SETTINGS), _torchaudios(samples, SETTINGS)
    assert planes.plane("spectrogram").shape == (513, 1 + len(samples) // 256)
    for name in ("spectrogram", "mel"):
        assert torch.equal(planes.plane(name), expected[name])
    # Torchaudio multiplies the transposed matrices: the same sums, for which a kernel may choose another order.
    torch.testing.assert_close(planes.plane("mfcc"), expected["mfcc"], rtol=0, atol=1e-3)


@pytest.mark.filterwarnings("ignore:At least one mel filterbank")
@settings(max_examples=60, deadline=None)
@given(
    sample_rate=st.integers(1_000, 96_000),
    n_fft=st.integers(4, 2048),
    window=st.floats(0.1, 1),
    hop_length=st.integers(16, 512),
    n_mels=st.integers(1, 160),
    coefficients=st.floats(0, 1),
    f_min=st.floats(0, 490),
    seed=st.integers(0, 2**32 - 1),
)
def test_planes_are_torchaudios_whatever_the_settings(
    sample_rate: int,
    n_fft: int,
    window: float,
    hop_length: int,
    n_mels: int,
    coefficients: float,
    f_min: float,
    seed: int,
) -> None:
    section = ImageSection(
        sample_rate=sample_rate,
        n_fft=n_fft,
        win_length=max(2, round(window * n_fft)),
        hop_length=hop_length,
        n_mels=n_mels,
        n_mfcc=max(1, round(coefficients * n_mels)),
        f_min=f_min,
    )
    samples = 0.1 * np.random.default_rng(seed).standard_normal(4096).astype(np.float32)
    planes, expected = PracticalPlanes(samples, section), _torchaudios(samples, section)
    assert torch.equal(planes.plane("spectrogram"), expected["spectrogram"])
    assert torch.equal(planes.plane("mel"), expected["mel"])
    torch.testing.assert_close(planes.plane("mfcc"), expected["mfcc"], rtol=0, atol=1e-3)


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
