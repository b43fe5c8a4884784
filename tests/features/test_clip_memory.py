"""Memory that runs out over features is one sentence that names the clip and what to change."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from harness.errors import FeatureError
from harness.features.clip_memory import explained_clip_memory
from harness.features.sets import LaidOut
from harness.registry import Layout
from harness.study import FeaturesSection
from tests.features.conftest import SEGMENTS


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
    ],
)
def test_lack_of_memory_names_the_clip_and_the_largest_spectrum(error: Exception) -> None:
    params = FeaturesSection(planes={"chroma": {"n_fft": 2048}})
    advice = r"about 3 MiB .* lower features\.planes\.chroma\.n_fft .* use fewer --workers"
    with (
        pytest.raises(FeatureError, match=rf"a.wav: out of memory .* \(MFCC, LM, chroma, .* {advice}") as caught,
        explained_clip_memory(Path("a.wav"), SEGMENTS, params),
    ):
        raise error
    assert caught.value.__cause__ is None


def test_planes_without_a_spectrum_are_advised_of_workers_only() -> None:
    tonnetz = [LaidOut(Layout.SEGMENTS, "tonnetz")]
    with (
        pytest.raises(
            FeatureError, match=r"out of memory while computing its features \(tonnetz\); use fewer --workers"
        ),
        explained_clip_memory(Path("a.wav"), tonnetz, FeaturesSection()),
    ):
        raise MemoryError


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="shape"), explained_clip_memory(Path("a.wav"), [], FeaturesSection()):
        raise RuntimeError("shape mismatch")
