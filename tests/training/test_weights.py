"""Weights survive the disk, and damage is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.training.weights import read_arrays, weights_bytes

WEIGHTS = {
    "conv1.weight": np.random.default_rng(0).normal(size=(4, 1, 3, 3)).astype(np.float32),
    "norm1.num_batches_tracked": np.array(12, dtype=np.int64),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "weights.safetensors"


def test_round_trip(path: Path) -> None:
    path.write_bytes(weights_bytes(WEIGHTS))
    loaded = read_arrays(path)
    assert loaded.keys() == WEIGHTS.keys()
    for name, array in WEIGHTS.items():
        assert loaded[name].dtype == array.dtype
        assert loaded[name].shape == array.shape
        assert np.array_equal(loaded[name], array)


def test_other_memory_orders_come_back_right(path: Path) -> None:
    scrambled = np.asfortranarray(WEIGHTS["conv1.weight"])
    path.write_bytes(weights_bytes({"x": scrambled, "view": scrambled[::2]}))
    loaded = read_arrays(path)
    assert np.array_equal(loaded["x"], scrambled)
    assert np.array_equal(loaded["view"], scrambled[::2])


def test_missing_and_damaged_files_are_told_apart(path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_arrays(path)
    path.write_bytes(weights_bytes(WEIGHTS)[:-7])
    with pytest.raises(ValueError, match="ncomplete"):
        read_arrays(path)
