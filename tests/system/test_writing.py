"""Files are complete or absent."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.system.writing import write_atomically
from harness.tracking.files import bytes_file
from harness.training.weights import weights_bytes


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "weights.safetensors"
    write_atomically(path, bytes_file(weights_bytes({"x": np.ones(4, np.float32)})))
    before = path.read_bytes()

    def no_space(_: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("os.fsync", no_space)
    with pytest.raises(OSError, match="no space"):
        write_atomically(path, bytes_file(weights_bytes({"x": np.zeros(9, np.float32)})))
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["weights.safetensors"]


def test_a_write_that_fails_halfway_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"before")

    def fail(file: Path) -> None:
        file.write_bytes(b"half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, fail)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]
