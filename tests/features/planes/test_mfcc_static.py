"""MFCC-static against the plain librosa call.

Tolerance: 1e-3 (coefficients reach several hundred).
"""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from harness.errors import FeatureError, StudyError
from harness.features.planes import mfcc
from harness.features.planes.mfcc_static import MfccStaticOptions, compute
from harness.features.waves import Stretch, Waves
from harness.study.bounds import require_bounded
from harness.study.study_file import parse_study

TOLERANCE = 1e-3


def _waves(samples: NDArray[np.float32]) -> Waves:
    return Waves([Stretch(samples)], 22050, 512)


@pytest.mark.parametrize("n_mfcc", [1, 13, 20, 128])
def test_made_signals(made_signal: NDArray[np.float32], n_mfcc: int) -> None:
    ours = compute(_waves(made_signal), MfccStaticOptions(n_mfcc=n_mfcc))[0].T
    expected = librosa.feature.mfcc(y=made_signal, sr=22050, n_mfcc=n_mfcc, n_fft=1024, hop_length=512)
    np.testing.assert_allclose(ours, expected, rtol=0, atol=TOLERANCE)


def test_it_is_mfcc_without_its_derivatives(made_signal: NDArray[np.float32]) -> None:
    waves = _waves(made_signal)
    assert torch.equal(compute(waves, MfccStaticOptions()), mfcc.compute(waves, mfcc.MfccOptions())[..., :20])


def test_more_coefficients_than_bands_are_refused() -> None:
    with pytest.raises(FeatureError, match=r"planes\.MFCC-static: n_mfcc is 129"):
        compute(_waves(np.zeros(20480, np.float32)), MfccStaticOptions(n_mfcc=129))
    study = {
        "study": {"name": "many"},
        "data": {"dataset": "esc10"},
        "features": {"planes": {"MFCC-static": {"n_mfcc": 129}}},
        "arms": [{"name": "a", "model": "resnet18", "features": "image:MFCC-static"}],
    }
    with pytest.raises(
        StudyError, match=r"MFCC-static\.n_mfcc: must be at most 128 \(the number of mel bands\), received 129"
    ):
        require_bounded(parse_study(study, "many.toml"), "many.toml")
