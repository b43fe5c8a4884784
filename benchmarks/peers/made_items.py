"""The items that all programs train on: random numbers of the real shapes, stored once for each kind of program.

In a folder: ``x.npy`` (float32, (N, C, H, W)) and ``y.npy`` (int64, (N,)) for programs that take ready items,
``default/`` with one ``.npy`` file for each item and ``train.csv``, ``dev.csv`` and ``test.csv`` for autrainer, the
harness's own layout, and ``about.json``. All hold the same values.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.training import FRAMES, HOP, N_CLASSES, SEGMENTS_PER_CLIP

PLANE_ROWS = (60, 12, 7, 6)
"""Log-mel, chroma, contrast and tonnetz of an LMC segment (Su et al. 2019, section 3.1)."""
IMAGE = (3, 128, 128)
"""Channels, rows and columns of the ResNet-18 practical's images."""


def make(network: str, n_items: int, batch: int, folder: Path) -> None:
    """Write ``n_items`` items for ``network`` into ``folder``."""
    about, x = _images(n_items, folder) if network == "resnet18" else _segments(n_items, folder)
    labels = np.arange(n_items, dtype=np.int64) % N_CLASSES
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", labels)
    (folder / "about.json").write_text(json.dumps({"shape": x.shape[1:], **about}), encoding="utf-8")
    _files(x, labels, batch, folder)


def _segments(n_items: int, folder: Path) -> tuple[dict[str, object], NDArray[np.float32]]:
    clips = -(-n_items // SEGMENTS_PER_CLIP)
    frames = FRAMES + (SEGMENTS_PER_CLIP - 1) * HOP
    x_TF = np.random.default_rng(0).normal(size=(clips * frames, sum(PLANE_ROWS))).astype(np.float32)
    np.save(folder / "LMC.npy", x_TF)
    clip, segment = np.divmod(np.arange(n_items), SEGMENTS_PER_CLIP)
    starts = clip * frames + segment * HOP
    x = np.stack([x_TF[start : start + FRAMES].T for start in starts])[:, None]
    about = {
        "files": ["LMC.npy"],
        "plane_rows": PLANE_ROWS,
        "segment_frames": FRAMES,
        "segment_hop": HOP,
        "segments_per_clip": SEGMENTS_PER_CLIP,
        "frames_per_clip": frames,
    }
    return about, np.ascontiguousarray(x)


def _images(n_items: int, folder: Path) -> tuple[dict[str, object], NDArray[np.float32]]:
    x = np.random.default_rng(0).normal(size=(n_items, *IMAGE)).astype(np.float32)
    names = [f"channel{channel}.npy" for channel in range(IMAGE[0])]
    for channel, name in enumerate(names):
        np.save(folder / name, x[:, channel])
    return {"files": names, "plane_rows": [IMAGE[1]] * IMAGE[0], "segment_frames": 0}, x


def _files(x: NDArray[np.float32], labels: NDArray[np.int64], batch: int, folder: Path) -> None:
    (folder / "default").mkdir()
    rows = []
    for item, values in enumerate(x):
        np.save(folder / "default" / f"{item}.npy", values)
        rows.append(f"{item}.npy,class-{labels[item]}")
    for name, part in (("train", rows), ("dev", rows[:batch]), ("test", rows[:batch])):
        (folder / f"{name}.csv").write_text("\n".join(["file,label", *part]) + "\n", encoding="utf-8")
