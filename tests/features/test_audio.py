"""Decoding, resampling and padding, against librosa.load and by property."""

from __future__ import annotations

from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import FeatureError
from harness.features.audio import exactly, lengthen, read_mono, resample, seconds_before_resampling


def test_real_clips_are_what_librosa_loads(esc_paths: list[Path], urbansound_paths: list[Path]) -> None:
    # ESC-10 is resampled from 44,100 Hz, UrbanSound8K is at 22,050 Hz already: equal to the bit in both cases.
    for path in [*esc_paths[:4], *urbansound_paths[-3:]]:
        samples, rate = read_mono(path)
        expected, _ = librosa.load(path, sr=22050)
        np.testing.assert_array_equal(resample(samples, rate, 22050), expected)


def test_rates_of_the_real_clips_differ(esc_paths: list[Path], urbansound_paths: list[Path]) -> None:
    assert read_mono(esc_paths[0])[1] == 44100
    assert read_mono(urbansound_paths[0])[1] == 22050


def test_channels_are_averaged(tmp_path: Path) -> None:
    path = tmp_path / "stereo.wav"
    left, right = np.linspace(0, 0.5, 100), np.linspace(0.5, -0.5, 100)
    soundfile.write(path, np.stack([left, right], axis=1), 8000, subtype="FLOAT")
    samples, rate = read_mono(path)
    assert rate == 8000
    assert samples.dtype == np.float32
    np.testing.assert_allclose(samples, (left + right) / 2, atol=1e-7)


@pytest.mark.parametrize("content", [b"", b"RIFF\0\0\0\0WAVE", b"OggS" + bytes(200), b"no audio at all" * 20])
def test_undecodable_files_are_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.ogg"
    path.write_bytes(content)
    with pytest.raises(FeatureError, match=r"broken\.ogg: cannot decode"):
        read_mono(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FeatureError, match=r"absent\.wav: cannot decode"):
        read_mono(tmp_path / "absent.wav")


def test_a_file_without_samples_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.wav"
    soundfile.write(path, np.zeros(0, np.float32), 22050)
    with pytest.raises(FeatureError, match=r"empty\.wav: the file contains no samples"):
        read_mono(path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_non_finite_samples_are_counted_and_located(tmp_path: Path, value: float) -> None:
    path = tmp_path / "nan.wav"
    samples = np.zeros(50, np.float32)
    samples[[17, 30]] = value
    soundfile.write(path, samples, 22050, subtype="FLOAT")
    with pytest.raises(FeatureError, match=r"nan\.wav: 2 of 50 samples are not finite, the first at sample 17"):
        read_mono(path)


@given(n=st.integers(0, 3000), rate=st.sampled_from([8000, 16000, 22050, 44100, 48000]))
def test_resampling_gives_the_rounded_up_length(n: int, rate: int) -> None:
    resampled = resample(np.ones(n, np.float32), rate, 22050)
    assert len(resampled) == int(np.ceil(n * 22050 / rate))
    assert resampled.dtype == np.float32


@given(n=st.integers(0, 50), length=st.integers(0, 120), padding=st.sampled_from(["zeros", "repeat"]))
def test_lengthening_keeps_the_clip_and_reaches_the_length(n: int, length: int, padding: str) -> None:
    samples = np.arange(1, n + 1, dtype=np.float32)
    longer = lengthen(samples, length, padding)  # type: ignore[arg-type]
    assert len(longer) == max(n, length)
    assert longer.dtype == np.float32
    np.testing.assert_array_equal(longer[:n], samples)
    expected = [i % n + 1 if padding == "repeat" and n else 0 for i in range(n, len(longer))]
    np.testing.assert_array_equal(longer[n:], expected)


@given(n=st.integers(0, 50), length=st.integers(1, 80))
def test_exactly_cuts_or_pads_with_silence(n: int, length: int) -> None:
    cut = exactly(np.ones(n, np.float32), length)
    assert cut.shape == (length,)
    assert cut.sum() == min(n, length)


@given(
    st.sampled_from([1_000, 8_000, 11_025, 22_050, 44_100, 48_000, 96_000, 768_000]),
    st.sampled_from([8_000, 16_000, 22_050, 44_100, 48_000]),
    st.floats(0.05, 1.0),
    st.floats(0.0, 3.0),
)
def test_the_start_of_a_file_determines_its_first_seconds(rate: int, target: int, seconds: float, rest: float) -> None:
    # The margin at 1 kHz is more than 8 s, so the longest files here are not cut.
    samples = np.random.default_rng(1).standard_normal(round((seconds + rest) * rate)).astype(np.float32)
    start = samples[: round(seconds_before_resampling(seconds, rate, target) * rate)]
    wanted = round(seconds * target)
    np.testing.assert_array_equal(resample(start, rate, target)[:wanted], resample(samples, rate, target)[:wanted])


@pytest.mark.parametrize(("asked", "expected"), [(0.5, 4000), (1.5, 12000), (9.0, 16000)])
def test_only_the_seconds_asked_for_are_decoded(tmp_path: Path, asked: float, expected: int) -> None:
    path = tmp_path / "long.wav"
    soundfile.write(path, np.linspace(-0.5, 0.5, 16000), 8000, subtype="FLOAT")
    samples, rate = read_mono(path, lambda _: asked)
    np.testing.assert_array_equal(samples, read_mono(path)[0][:expected])
    assert (len(samples), rate) == (expected, 8000)
