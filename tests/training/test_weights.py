"""Weights survive the disk, and damage is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.errors import TrainingError
from harness.training.weights import load_weights, save_weights

WEIGHTS = {
    "conv1.weight": np.random.default_rng(0).normal(size=(4, 1, 3, 3)).astype(np.float32),
    "norm1.num_batches_tracked": np.array(12, dtype=np.int64),
}


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "new" / "weights.safetensors"
    save_weights(path, WEIGHTS, {"task": "LMCNet/final/fold1/seed0"})
    loaded = load_weights(path)
    assert loaded.keys() == WEIGHTS.keys()
    for name, array in WEIGHTS.items():
        assert loaded[name].dtype == array.dtype
        assert np.array_equal(loaded[name], array)
    assert [entry.name for entry in path.parent.iterdir()] == ["weights.safetensors"]


def test_other_memory_orders_come_back_right(tmp_path: Path) -> None:
    scrambled = np.asfortranarray(WEIGHTS["conv1.weight"])
    save_weights(tmp_path / "w", {"x": scrambled, "view": scrambled[::2]})
    loaded = load_weights(tmp_path / "w")
    assert np.array_equal(loaded["x"], scrambled)
    assert np.array_equal(loaded["view"], scrambled[::2])


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "w"
    save_weights(path, WEIGHTS)
    before = path.read_bytes()

    def no_space(_: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("os.fsync", no_space)
    with pytest.raises(OSError, match="no space"):
        save_weights(path, {"x": np.zeros(9, np.float32)})
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["w"]


def test_missing_and_damaged_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"nothing: cannot read the weights: No such file"):
        load_weights(tmp_path / "nothing")
    save_weights(tmp_path / "w", WEIGHTS)
    (tmp_path / "w").write_bytes((tmp_path / "w").read_bytes()[:-7])
    with pytest.raises(TrainingError, match=r"w: damaged, or not a safetensors file"):
        load_weights(tmp_path / "w")
