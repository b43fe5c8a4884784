"""Features resident on the device, and the items cut out of them.

An item is one segment of a clip, or one image. Tensors carry their shape in their name: T frames of all clips, F bins,
N items of a part, B items of a batch, C channels, H rows (bins), W columns (frames).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.errors import TrainingError
from harness.registry import Layout

if TYPE_CHECKING:
    # Types only: a machine that only measures training needs neither audio nor study files, nor the libraries for them.
    from harness.data.splits import Part
    from harness.features.cache.feature_store import FeatureRef


@dataclass(frozen=True)
class Items:
    """The items of one part of a split.

    Attributes
    ----------
    clips
        Row of the ClipTable, int64, shape (N,).
    segments
        Segment of the clip, int64, shape (N,); 0 for images.
    labels
        Class, int64, shape (N,).
    """

    clips: NDArray[np.int64]
    segments: NDArray[np.int64]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.clips)

    def joined(self, other: Items) -> Items:
        """Return these items followed by ``other``."""
        return Items(
            np.concatenate([self.clips, other.clips]),
            np.concatenate([self.segments, other.segments]),
            np.concatenate([self.labels, other.labels]),
        )


def part_items(part: Part, features: FeatureRef, labels: NDArray[np.int64]) -> Items:
    """Return the items of ``part``, clip by clip in the part's order.

    Raises
    ------
    TrainingError
        When the part names segments that the features do not have.
    """
    clips = np.asarray(part.clips, dtype=np.int64)
    if features.layout != Layout.SEGMENTS:
        if part.segments is not None:
            raise TrainingError(f"features {features.name!r} have one image per clip, but the split refers to segments")
        return Items(clips, np.zeros_like(clips), labels[clips])
    counts = features.segments_per_clip()[clips]
    if part.segments is None:
        first = np.repeat(np.cumsum(counts) - counts, counts)
        rows = np.repeat(clips, counts)
        return Items(rows, np.arange(len(rows), dtype=np.int64) - first, labels[rows])
    segments = np.asarray(part.segments, dtype=np.int64)
    beyond = (segments < 0) | (segments >= counts)
    if beyond.any():
        at = int(np.argmax(beyond))
        raise TrainingError(
            f"the split refers to segment {segments[at]} of clip {clips[at]}, which has {counts[at]} segments in "
            f"features {features.name!r}: split and features were made from different settings"
        )
    return Items(clips, segments, labels[clips])


def plane_rows(features: FeatureRef) -> dict[str, tuple[int, int]]:
    """Return the rows of each plane within one item, first and after the last, read from the files' headers."""
    rows: dict[str, tuple[int, int]] = {}
    start = 0
    for plane, file in zip(features.planes, features.files, strict=True):
        # An image's planes are channels, each with all rows.
        stop = start + int(np.load(file, mmap_mode="r", allow_pickle=False).shape[1])
        rows[plane] = (start, stop)
        start = stop if features.layout == Layout.SEGMENTS else 0
    return rows


def input_shape(features: FeatureRef) -> tuple[int, int, int]:
    """Return channels, rows and columns of one item, read from the files' headers."""
    shapes = [np.load(file, mmap_mode="r", allow_pickle=False).shape for file in features.files]
    if features.layout != Layout.SEGMENTS:
        return len(shapes), shapes[0][1], shapes[0][2]
    return 1, sum(shape[1] for shape in shapes), features.segment_frames


def load_planes(features: FeatureRef, device: torch.device) -> Tensor:
    """Return a copy of the planes of all clips on ``device``: x_TF for segments, x_NHWC for images."""
    planes = torch.from_numpy(np.require(features.load(), requirements="W"))
    if features.layout != Layout.SEGMENTS:
        planes = planes.permute(0, 2, 3, 1)
    return planes.to(device).contiguous()


class Resident:
    """The planes of all clips on ``device``: x_TF for segments, x_NHWC for images, float32 unless rounded.

    Batches are gathered on the device: a segment is a window of T, so nothing is copied before it is needed.
    This object takes ownership of ``planes``, where given, and normalises them in place.
    """

    def __init__(self, features: FeatureRef, device: torch.device, planes: Tensor | None = None) -> None:
        self.features = features
        self.device = device
        self.x = load_planes(features, device) if planes is None else planes
        self._window = torch.arange(features.segment_frames, device=device)

    def round_to_bfloat16(self) -> None:
        """Round the planes to half the memory, as autocast would round each batch."""
        self.x = self.x.to(torch.bfloat16)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Channels, rows and columns of one item."""
        if self.features.layout != Layout.SEGMENTS:
            _, rows, columns, channels = self.x.shape
            return channels, rows, columns
        return 1, self.x.shape[1], self.features.segment_frames

    def positions(self, items: Items) -> NDArray[np.int64]:
        """Return where each item begins: its first frame within T, or its image; shape (N,)."""
        if self.features.layout != Layout.SEGMENTS:
            return items.clips
        return self.features.offsets[items.clips] + items.segments * self.features.segment_hop

    def gather(self, positions_B: Tensor) -> Tensor:
        """Return the items at ``positions_B`` (int64, on the device) as a fresh x_BCHW, channels last in memory."""
        if self.features.layout != Layout.SEGMENTS:
            return self.x.index_select(0, positions_B).permute(0, 3, 1, 2)
        frames = (positions_B[:, None] + self._window).flatten()
        x_BWH = self.x.index_select(0, frames).view(len(positions_B), len(self._window), -1)
        return x_BWH.transpose(1, 2).contiguous().unsqueeze(3).permute(0, 3, 1, 2)

    def rows_of(self, items: Items) -> NDArray[np.int64]:
        """Return the rows of ``x`` that ``items`` cover, each once, ascending."""
        starts = np.unique(self.positions(items))
        if self.features.layout != Layout.SEGMENTS:
            return starts
        # +1 where a window starts, -1 after its end: frames with a positive running sum are covered.
        edges = np.zeros(self.x.shape[0] + 1, dtype=np.int64)
        np.add.at(edges, starts, 1)
        np.add.at(edges, starts + self.features.segment_frames, -1)
        return np.flatnonzero(np.cumsum(edges)[:-1] > 0)
