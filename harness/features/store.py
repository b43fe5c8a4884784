"""FeatureStore: planes of all clips, computed once, memory-mapped, keyed by audio and parameters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class FeatureRef:
    """Where the planes of one feature set lie, as plain data; :meth:`load` opens them.

    Attributes
    ----------
    layout
        ``"segments"``: planes stacked along bins, each clip a run of frames. ``"image"``: each plane one channel.
    files
        One ``.npy`` file per plane, in the set's order. Segments: float32, shape (total_frames, bins). Image:
        float32, shape (n_clips, rows, columns).
    offsets
        Segments: int64, shape (n_clips + 1,); clip i owns frames offsets[i] to offsets[i + 1]. Image: empty.
    segment_frames, segment_hop
        Length of a segment and distance between starts, in frames (segments only).
    digest
        Of audio, parameters and planes.
    """

    name: str
    layout: str
    planes: tuple[str, ...]
    files: tuple[str, ...]
    offsets: NDArray[np.int64]
    segment_frames: int
    segment_hop: int
    digest: str

    def load(self) -> NDArray[np.float32]:
        """Return the planes in memory: (total_frames, all bins) for segments, (n_clips, channels, rows, columns) for
        images."""
        arrays = [np.load(file, mmap_mode="r") for file in self.files]
        return np.concatenate(arrays, axis=1) if self.layout == "segments" else np.stack(arrays, axis=1)

    def segments_per_clip(self) -> NDArray[np.int64]:
        """Return the number of segments of each clip, int64, shape (n_clips,): 1 + (frames - length) // hop."""
        if self.layout == "image":
            raise ValueError("an image set has no segments")
        return 1 + (np.diff(self.offsets) - self.segment_frames) // self.segment_hop
