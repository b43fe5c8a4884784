"""Invented features and tasks on them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.features.cache.feature_store import FeatureRef
from harness.training.task import FoldTask
from tests.toys import N_CLASSES, task_of, write_segments


@pytest.fixture
def labels() -> NDArray[np.int64]:
    """Return the labels of 48 clips, classes in turn."""
    return np.arange(48, dtype=np.int64) % N_CLASSES


@pytest.fixture
def features(tmp_path: Path, labels: NDArray[np.int64]) -> FeatureRef:
    """Return the invented segment features of ``labels``."""
    return write_segments(tmp_path, labels)


@pytest.fixture
def make_task(features: FeatureRef, labels: NDArray[np.int64]) -> Callable[..., FoldTask]:
    """Return a maker of tasks on ``features``."""

    def make(**changes: Any) -> FoldTask:
        return task_of(features, labels, **changes)

    return make
