"""The clip table: order, durations, digest, and what it refuses."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from harness.data.clips import COLUMNS, ClipEntry, build_clip_table
from harness.errors import DataError


@pytest.fixture
def entries(tmp_path: Path, wav: Callable[..., None]) -> list[ClipEntry]:
    made = []
    for number, (fold, label) in enumerate([(2, 0), (1, 1), (2, 1), (1, 0)]):
        path = tmp_path / f"clip{number}.wav"
        wav(path, seconds=0.1 * (number + 1), level=100 + number)
        made.append(ClipEntry(f"clip{number}", path, label, fold, f"r{number}", f"meta.csv, row {number + 2}"))
    return made


def test_rows_are_sorted_by_fold_then_id_with_durations_from_the_header(entries: list[ClipEntry]) -> None:
    table = build_clip_table("esc10", entries, ("a", "b"))
    assert tuple(table.frame.columns) == COLUMNS
    assert list(table.frame["clip_id"]) == ["clip1", "clip3", "clip0", "clip2"]
    assert list(table.frame.index) == [0, 1, 2, 3]
    np.testing.assert_allclose(table.frame["duration"], [0.2, 0.4, 0.1, 0.3])
    assert table.frame["label"].dtype == table.frame["fold"].dtype == np.int64
    assert all(Path(path).is_absolute() for path in table.frame["path"])
    assert table.folds == (1, 2)
    assert len(table) == 4


def test_digest_ignores_order_place_and_workers_and_sees_everything_else(
    entries: list[ClipEntry], tmp_path: Path, wav: Callable[..., None]
) -> None:
    digest = build_clip_table("esc10", entries, ("a", "b")).digest
    assert len(digest) == 64
    assert build_clip_table("esc10", entries[::-1], ("a", "b"), workers=1).digest == digest
    elsewhere = tmp_path / "elsewhere" / "clip0.wav"
    wav(elsewhere, seconds=0.1, level=100)
    moved = dataclasses.replace(entries[0], path=elsewhere)
    assert build_clip_table("esc10", [moved, *entries[1:]], ("a", "b")).digest == digest
    for change in ({"clip_id": "other"}, {"label": 1}, {"fold": 1}, {"recording": "r9"}):
        changed = dataclasses.replace(entries[0], **change)
        assert build_clip_table("esc10", [changed, *entries[1:]], ("a", "b")).digest != digest
    wav(entries[0].path, seconds=0.1, level=101)
    assert build_clip_table("esc10", entries, ("a", "b")).digest != digest


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"clip_id": "clip1"}, r"meta.csv, row 3: clip 'clip1' is already listed in meta.csv, row 2"),
        ({"label": 2}, "received label 2, expected 0 to 1"),
        ({"label": -1}, "received label -1"),
        ({"fold": 0}, "row 2: received fold 0"),
        ({"recording": ""}, "recording is empty"),
    ],
)
def test_impossible_entries_are_refused(entries: list[ClipEntry], change: dict[str, object], said: str) -> None:
    with pytest.raises(DataError, match=said):
        build_clip_table("esc10", [dataclasses.replace(entries[0], **change), *entries[1:]], ("a", "b"))


def test_no_clip_at_all_is_refused() -> None:
    with pytest.raises(DataError, match="no clips left"):
        build_clip_table("esc10", [], ("a", "b"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "does not exist"),
        (b"", "not readable audio"),
        (b"x" * 200, "not readable audio"),
        ("empty", "no samples"),
    ],
)
def test_files_that_are_no_audio_are_refused(
    entries: list[ClipEntry], wav: Callable[..., None], content: bytes | str | None, said: str
) -> None:
    if content is None:
        entries[2].path.unlink()
    elif content == "empty":
        wav(entries[2].path, seconds=0.0)
    else:
        entries[2].path.write_bytes(content)
    with pytest.raises(DataError, match=said) as raised:
        build_clip_table("esc10", entries, ("a", "b"))
    assert str(entries[2].path) in str(raised.value)
