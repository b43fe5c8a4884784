"""LM-statistics: mean and SD of the frames of LM, one pair for each band, whatever the study's frames."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.features.planes.logmel import log_mel
from harness.features.planes.logmel_statistics import LogMelStatisticsOptions, compute, scale
from harness.features.waves import Stretch, Waves
from tests.features.conftest import spectrum_of

RATE = 22_050


def _numbers(samples: NDArray[np.float32], hop: int = 2**20, step: int = 512) -> NDArray[np.float32]:
    options = LogMelStatisticsOptions(n_mels=40, step=step)
    values = compute(Waves([Stretch(samples)], RATE, hop), options)
    assert (values == values[:, :1]).all()
    found: NDArray[np.float32] = values[0, 0].numpy()
    return found


def test_they_are_mean_and_sd_over_the_frames_of_lm(made_signal: NDArray[np.float32]) -> None:
    frames = log_mel(spectrum_of(made_signal), 40)[0].numpy().astype(np.float64)
    expected = np.concatenate([frames.mean(axis=0), frames.std(axis=0)])
    np.testing.assert_allclose(_numbers(made_signal), expected, rtol=0, atol=1e-4)


def test_they_depend_on_their_own_step_and_not_on_the_frames_of_the_study() -> None:
    noise = np.random.default_rng(0).normal(size=RATE).astype(np.float32)
    np.testing.assert_array_equal(_numbers(noise, hop=512), _numbers(noise))
    assert not np.array_equal(_numbers(noise, step=2_048), _numbers(noise))


def test_the_sd_of_one_frame_is_zero() -> None:
    noise = np.random.default_rng(0).normal(size=400).astype(np.float32)
    numbers = _numbers(noise, step=2**20)
    assert (numbers[40:] == 0).all()
    assert (numbers[:40] != 0).all()


def test_each_row_is_named() -> None:
    names = scale(LogMelStatisticsOptions(n_mels=3), RATE).names
    assert [name.split()[0] for name in names] == ["mean"] * 3 + ["SD"] * 3
    assert len(set(names)) == 6
