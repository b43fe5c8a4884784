"""Parts: read back as written, or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harness.features.cache.chunks import (
    CLIPS_PER_PART,
    part_path,
    part_ranges,
    read_part,
    write_part,
)


def _segments(n: int = 3) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.standard_normal((40 + i, 5)).astype(np.float32) for i in range(n)]


@given(n=st.integers(0, 200))
def test_ranges_cover_every_clip_once(n: int) -> None:
    ranges = part_ranges(n)
    assert [clip for first, stop in ranges for clip in range(first, stop)] == list(range(n))
    assert all(0 < stop - first <= CLIPS_PER_PART for first, stop in ranges)


def test_segments_are_read_back(tmp_path: Path) -> None:
    path, arrays = part_path(tmp_path, 0, 3), _segments()
    write_part(path, "segments", arrays)
    part = read_part(path, "segments", 3)
    assert part is not None
    np.testing.assert_array_equal(part.values, np.concatenate(arrays))
    assert part.frames.tolist() == [40, 41, 42]
    assert [file.name for file in tmp_path.iterdir()] == ["clips-000000-000003.npz"]


def test_images_are_read_back(tmp_path: Path) -> None:
    path, arrays = tmp_path / "part.npz", [np.full((4, 6), i, np.float32) for i in range(2)]
    write_part(path, "image", arrays)
    part = read_part(path, "image", 2)
    assert part is not None
    np.testing.assert_array_equal(part.values, np.stack(arrays))
    assert len(part.frames) == 0


def test_absent_other_and_wrong_parts_are_none(tmp_path: Path) -> None:
    path = tmp_path / "part.npz"
    assert read_part(path, "segments", 3) is None
    write_part(path, "segments", _segments())
    assert read_part(path, "segments", 4) is None
    assert read_part(path, "image", 3) is None
    np.savez(path, values=np.zeros((3, 2)), frames=np.array([3]))
    assert read_part(path, "segments", 1) is None
    np.savez(path, values=np.array([{}], dtype=object), frames=np.array([1]))
    assert read_part(path, "segments", 1) is None


def test_every_flipped_bit_of_the_values_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "part.npz"
    write_part(path, "segments", _segments())
    whole = path.read_bytes()
    for position in range(400, len(whole) - 1200, 97):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        assert read_part(path, "segments", 3) is None, position


def test_every_truncation_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "part.npz"
    write_part(path, "segments", _segments())
    whole = path.read_bytes()
    for length in range(0, len(whole), 61):
        path.write_bytes(whole[:length])
        assert read_part(path, "segments", 3) is None, length
