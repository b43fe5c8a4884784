"""Memory that runs out over features is one sentence that names the clip and what to change."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from harness.errors import FeatureError
from harness.features.memory import explained_clip_memory
from harness.study import FeaturesSection


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
    ],
)
def test_lack_of_memory_names_the_clip(error: Exception) -> None:
    with (
        pytest.raises(FeatureError, match=r"a.wav: memory ran out .* about 2 MiB .* lower features.n_fft") as caught,
        explained_clip_memory(Path("a.wav"), [], FeaturesSection()),
    ):
        raise error
    assert caught.value.__cause__ is None


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="shape"), explained_clip_memory(Path("a.wav"), [], FeaturesSection()):
        raise RuntimeError("shape mismatch")
