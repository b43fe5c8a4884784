"""Mel bands and pitch classes are librosa's to the bit."""

from __future__ import annotations

import subprocess
import sys
import warnings

import librosa
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.features.filter_banks import chroma_bank, mel_bank, mel_frequencies

RATES = st.sampled_from([1_500, 8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 192_000])
LENGTHS = st.sampled_from([64, 512, 1000, 1024, 2048, 4096])


@given(RATES, LENGTHS, st.integers(1, 256))
def test_mel_bands_are_librosas(sample_rate: int, n_fft: int, n_mels: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        expected = librosa.filters.mel(sr=sample_rate, n_fft=n_fft, n_mels=n_mels)
    np.testing.assert_array_equal(mel_bank(sample_rate, n_fft, n_mels), expected.T)


@given(RATES, LENGTHS, st.sampled_from([12, 24, 36]), st.integers(-50, 49))
def test_pitch_classes_are_librosas(sample_rate: int, n_fft: int, n_chroma: int, hundredths: int) -> None:
    tuning = hundredths / 100
    expected = librosa.filters.chroma(sr=sample_rate, n_fft=n_fft, n_chroma=n_chroma, tuning=tuning)
    np.testing.assert_array_equal(chroma_bank(sample_rate, n_fft, n_chroma, tuning), expected.T)


@pytest.mark.parametrize("f_max", [500.0, 1000.0, 4000.0, 11025.0])
def test_mel_frequencies_are_librosas(f_max: float) -> None:
    np.testing.assert_array_equal(mel_frequencies(62, f_max), librosa.mel_frequencies(n_mels=62, fmax=f_max))


def test_features_do_not_load_librosa() -> None:
    script = (
        "import sys, numpy, pathlib, tempfile, soundfile\n"
        "from harness.features.compute import compute_planes, one_thread\n"
        "from harness.features.sets import planes_of\n"
        "from harness.registry import feature_set\n"
        "from harness.study import FeaturesSection\n"
        "path = pathlib.Path(tempfile.mkdtemp()) / 'a.wav'\n"
        "soundfile.write(path, numpy.random.default_rng(1).normal(0, 0.1, 44100), 44100)\n"
        "params = FeaturesSection()\n"
        "with one_thread(): compute_planes(path, planes_of(feature_set('MLMC'), params), params)\n"
        "print([m for m in ('librosa', 'scipy', 'pandas', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
