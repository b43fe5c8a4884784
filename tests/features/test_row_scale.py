"""What the rows of planes are: as many names as rows, and the frequencies of other libraries."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import torchaudio

from harness.features.row_scale import row_scale
from harness.features.sets import frames_of, n_rows
from harness.registry import PLANES
from harness.study import FeaturesSection

PARAMS = FeaturesSection()


def scale_of(name: str) -> tuple[str, tuple[str, ...]]:
    plane = PARAMS.plane(name)
    found = row_scale(plane, PARAMS.of(name), frames_of(name, PARAMS)[0], n_rows(name, PARAMS))
    return found.label, found.names


@pytest.mark.parametrize("name", PLANES.names())
def test_every_row_of_every_plane_has_a_name(name: str) -> None:
    label, names = scale_of(name)
    assert len(names) == n_rows(name, PARAMS)
    assert len(set(names)) == len(names)
    assert label != "Row"


def test_frequencies_are_those_of_librosa_and_torchaudio() -> None:
    mel = librosa.mel_frequencies(n_mels=62, fmax=PARAMS.sample_rate / 2)[1:-1]
    np.testing.assert_allclose([float(name) for name in scale_of("LM")[1]], mel, atol=0.5)
    cqt = librosa.cqt_frequencies(84, fmin=librosa.note_to_hz("C1"))
    np.testing.assert_allclose([float(name) for name in scale_of("CQT")[1]], cqt, atol=0.5)
    options = PARAMS.of("mel")
    bank = torchaudio.functional.melscale_fbanks(513, 1.0, 22050.0, 64, options.sample_rate)
    # The largest weight of a band is next to its centre.
    bins = np.linspace(0, 22050, 513)[bank.argmax(dim=0).numpy()]
    np.testing.assert_allclose([float(name) for name in scale_of("mel")[1]], bins, atol=22050 / 512)


def test_contrast_says_its_bands() -> None:
    assert scale_of("contrast") == (
        "Band in Hz",
        ("0 to 200", "200 to 400", "400 to 800", "800 to 1600", "1600 to 3200", "3200 to 6400", "6400 to 11025"),
    )
