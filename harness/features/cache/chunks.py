"""Parts: the planes of a few consecutive clips, written as they are computed, so that a build can be interrupted at any
time.

A part is one ``.npz`` file: ``values`` (segments: frames of all its clips one after the other, shape (frames, bins);
image: shape (clips, rows, columns), float32) and ``frames`` (segments: frames of each clip, int64; image: empty). The
file is written atomically, and its checksums (those of the zip format) are verified whenever it is read.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.registry import Layout
from harness.system.writing import write_atomically

CLIPS_PER_PART = 8
"""Clips computed between two writes: the most that an interruption loses per process, and the unit of parallel work."""


@dataclass(frozen=True)
class Part:
    """The planes of clips first to stop - 1."""

    values: NDArray[np.float32]
    frames: NDArray[np.int64]


def part_ranges(n_clips: int) -> list[tuple[int, int]]:
    """Return (first, stop) of every part of ``n_clips`` clips."""
    return [(first, min(first + CLIPS_PER_PART, n_clips)) for first in range(0, n_clips, CLIPS_PER_PART)]


def part_path(folder: Path, first: int, stop: int) -> Path:
    """Return the path of the part with clips first to stop - 1."""
    return folder / f"clips-{first:06d}-{stop:06d}.npz"


def write_part(path: Path, layout: str, arrays: Sequence[NDArray[np.float32]]) -> None:
    """Write the planes of consecutive clips, one array each, as a part."""
    if layout == Layout.SEGMENTS:
        values, frames = np.concatenate(arrays), np.array([len(array) for array in arrays], np.int64)
    else:
        values, frames = np.stack(arrays), np.empty(0, np.int64)
    write_atomically(path, lambda file: np.savez(file, values=values, frames=frames))


def read_part(path: Path, layout: str, n_clips: int) -> Part | None:
    """Return the part at ``path``; None when it is absent, damaged or not of ``n_clips`` clips."""
    try:
        with zipfile.ZipFile(path) as archive:
            if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
                # Parts are not compressed; a compressed one could be larger than memory.
                return None
        with np.load(path, allow_pickle=False) as arrays:
            values, frames = arrays["values"], arrays["frames"]
    except (
        OSError,
        EOFError,
        KeyError,
        ValueError,
        RuntimeError,
        MemoryError,
        OverflowError,
        TypeError,
        zlib.error,
        zipfile.BadZipFile,
    ):
        # RuntimeError: a flipped bit can make a member look encrypted, or compressed by a method unknown to zipfile.
        return None
    if values.dtype != np.float32 or frames.dtype != np.int64:
        return None
    if layout == Layout.SEGMENTS:
        whole = len(frames) == n_clips and values.ndim == 2 and int(frames.sum()) == len(values)
    else:
        whole = len(frames) == 0 and values.ndim == 3 and len(values) == n_clips
    return Part(values, frames) if whole else None
