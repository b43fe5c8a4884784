"""The tuning estimate against librosa's: the same hundredth for every real clip, and pitches whose tuning is known."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from harness.features.pitch_tuning import _medians, estimate_tunings

pytestmark = pytest.mark.filterwarnings("ignore:Trying to estimate tuning from empty frequency set")


def _magnitude(samples: NDArray[np.float32], n_fft: int = 2048) -> NDArray[np.float32]:
    """Return librosa's spectrum, float32, shape (1 + n_fft // 2, frames)."""
    magnitude: NDArray[np.float32] = np.abs(librosa.stft(samples, n_fft=n_fft, hop_length=512))
    return magnitude


def _one(magnitude: NDArray[np.float32], rate: int, n_fft: int, bins_per_octave: int) -> float:
    [tuning] = estimate_tunings(torch.from_numpy(magnitude.T.copy())[None], rate, n_fft, bins_per_octave)
    return tuning


@pytest.mark.parametrize(("n_fft", "bins_per_octave"), [(2048, 36), (1024, 12)])
def test_real_clips(real_signals: list[NDArray[np.float32]], n_fft: int, bins_per_octave: int) -> None:
    for samples in real_signals:
        magnitude = _magnitude(samples, n_fft)
        expected = librosa.estimate_tuning(S=magnitude, sr=22050, n_fft=n_fft, bins_per_octave=bins_per_octave)
        ours = _one(magnitude, 22050, n_fft, bins_per_octave)
        assert ours == pytest.approx(expected, abs=1e-9)


def test_made_signals(made_signal: NDArray[np.float32]) -> None:
    magnitude = _magnitude(made_signal)
    expected = librosa.estimate_tuning(S=magnitude, sr=22050, bins_per_octave=36)
    assert _one(magnitude, 22050, 2048, 36) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("rate", [4000, 7000, 16000, 48000])
def test_other_rates(rate: int) -> None:
    magnitude = _magnitude(np.random.default_rng(rate).standard_normal(3 * rate).astype(np.float32))
    expected = librosa.estimate_tuning(S=magnitude, sr=rate, bins_per_octave=12)
    assert _one(magnitude, rate, 2048, 12) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("deviation", [-0.4, -0.2, 0.0, 0.3])
def test_tuning_follows_the_pitch(deviation: float) -> None:
    time = np.arange(44100) / 22050
    tones = sum(np.sin(2 * np.pi * 440 * 2 ** ((k + deviation) / 12) * time) for k in (0, 12, 19))
    magnitude = _magnitude(np.asarray(tones, np.float32), 4096)
    assert _one(magnitude, 22050, 4096, 12) == pytest.approx(deviation, abs=0.06)


def test_a_pitch_on_the_border_of_two_steps_counts_in_the_upper_one() -> None:
    spectrum_BTF = torch.zeros(1, 3, 513)
    # Bin 64 of 1,024 at 7,040 Hz is 440 Hz to the bit.
    spectrum_BTF[..., 63:66] = torch.tensor([0.5, 1.0, 0.5])
    assert estimate_tunings(spectrum_BTF, 7040, 1024, 12) == [0.0]


def test_silence_has_no_tuning_and_gives_no_warning(recwarn: pytest.WarningsRecorder) -> None:
    assert estimate_tunings(torch.zeros(2, 41, 1025), 22050, 2048, 36) == [0.0, 0.0]
    assert not list(recwarn)


def test_a_rate_below_every_pitch_has_no_tuning() -> None:
    assert estimate_tunings(torch.rand(1, 5, 1025), 250, 2048, 12) == [0.0]


@given(st.lists(st.lists(st.floats(0, 1e6, width=32), max_size=20), min_size=1, max_size=4))
def test_medians_are_numpys_clip_by_clip(clips: list[list[float]]) -> None:
    clip_P = np.array([k for k, values in enumerate(clips) for _ in values], np.int64)
    value_P = np.array([value for values in clips for value in values], np.float32)
    medians = _medians(clip_P, value_P, len(clips))
    assert medians.shape == (len(clips),)
    for values, median in zip(clips, medians, strict=True):
        if values:
            assert float(median) == pytest.approx(float(np.median(np.array(values, np.float32))), rel=1e-6)


def test_clips_of_a_batch_keep_their_own_tunings() -> None:
    time = np.arange(44100) / 22050
    deviations = [0.3, None, -0.4, 0.0]
    tones = [0 * time if by is None else np.sin(2 * np.pi * 440 * 2 ** (by / 12) * time) for by in deviations]
    magnitudes = [_magnitude(tone.astype(np.float32)) for tone in tones]
    together = estimate_tunings(torch.from_numpy(np.stack([each.T for each in magnitudes])), 22050, 2048, 12)
    assert together == [_one(each, 22050, 2048, 12) for each in magnitudes]
    assert together == pytest.approx([by or 0.0 for by in deviations], abs=0.06)
