"""Files of a run are complete or absent."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.tracking.files import weights_file, write_whole


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "weights.safetensors"
    write_whole(path, weights_file({"x": np.ones(4, np.float32)}))
    before = path.read_bytes()

    def no_space(_: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("os.fsync", no_space)
    with pytest.raises(OSError, match="no space"):
        write_whole(path, weights_file({"x": np.zeros(9, np.float32)}))
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["weights.safetensors"]
