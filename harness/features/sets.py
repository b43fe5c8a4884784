"""The structure of a feature set: its planes, their rows when stacked, and where segments start.

Conventions: rows are frequency bins or coefficients, counted from the top of the stack; frames count from 0. Every
complete segment of a clip is kept, including silent ones: Piczak 2015, whose segments Su et al. 2019 use, discards
silent ones, and Su et al. do not say what they do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.errors import FeatureError
from harness.registry import FeatureSet, Layout, code, has_own_frames

if TYPE_CHECKING:
    from harness.study import FeaturesSection


@dataclass(frozen=True, order=True)
class LaidOut:
    """A plane in one layout: the unit that is computed and cached. LMC and MC share three of them."""

    layout: Layout
    name: str

    @property
    def slug(self) -> str:
        """Name for files: ``LM``, ``image-LM``."""
        name = self.name.replace(":", "-")
        return name if self.layout == Layout.SEGMENTS else f"{self.layout}-{name}"


def planes_of(features: FeatureSet, params: FeaturesSection) -> tuple[LaidOut, ...]:
    """Return the planes of a set, in its order; of vectors, the vectors.

    Raises FeatureError when a set with segments names a plane with its own frames.
    """
    for name in features.planes if features.layout == Layout.SEGMENTS else ():
        if has_own_frames(params.plane(name)):
            raise FeatureError(
                f"features {features.name}: the plane {name!r} has its own sample rate and frames, so it cannot be "
                "stacked with others; remove it, or use it as an image"
            )
    return tuple(LaidOut(features.layout, name) for name in features.planes)


def frames_of(plane: str, params: FeaturesSection) -> tuple[int, int]:
    """Return the sample rate in Hz and the samples between frames of a plane: its own, or those that all share."""
    options = params.of(plane)
    rate: int = getattr(options, "sample_rate", params.sample_rate)
    hop: int = getattr(options, "hop_length", params.hop_length)
    return rate, hop


def n_rows(plane: str, params: FeaturesSection) -> int:
    """Return the rows of a plane (those of Su et al. 2019, section 3.1: 60, 60, 12, 7, 6); UnknownNameError when the
    plane is unknown. A plane of the user's own code is computed once, to see how many it has."""
    description = params.plane(plane)
    if description.own:
        from harness.features.own_planes import own_rows

        return own_rows(description.compute, params.of(plane), params.sample_rate, params.hop_length)
    rows: int = code(description.rows)(params.of(plane))
    return rows


def plane_rows(features: FeatureSet, params: FeaturesSection) -> dict[str, slice]:
    """Return the rows of each plane in the stack of a set with segments, from the top.

    Raises ValueError for an image set, whose planes are channels.
    """
    if features.layout != Layout.SEGMENTS:
        raise ValueError(f"the planes of {features.name!r} are channels, not rows of a stack")
    rows: dict[str, slice] = {}
    start = 0
    for plane in features.planes:
        rows[plane] = slice(start, start + n_rows(plane, params))
        start = rows[plane].stop
    return rows


def set_shape(features: FeatureSet, params: FeaturesSection) -> tuple[int, int, int]:
    """Return the shape (channels, rows, columns) of one item of a set, as a network sees it; ValueError for vectors,
    whose length only their file knows."""
    if features.layout == Layout.VECTOR:
        raise ValueError(f"the length of the vectors {features.name!r} is known once their file has been read")
    if features.layout == Layout.IMAGE:
        return len(features.planes), params.image.rows, params.image.columns
    return 1, sum(n_rows(plane, params) for plane in features.planes), params.segment_frames


def minimum_samples(params: FeaturesSection) -> int:
    """Return the number of samples of one segment, to which shorter clips are padded."""
    return (params.segment_frames - 1) * params.hop_length


def n_frames(durations: NDArray[np.float64], params: FeaturesSection) -> NDArray[np.int64]:
    """Return the number of frames of clips lasting ``durations`` seconds, int64, same shape; exact up to the rounding
    of a duration to samples."""
    seconds = np.asarray(durations) if params.clip_seconds is None else np.full_like(durations, params.clip_seconds)
    samples = np.maximum(np.rint(seconds * params.sample_rate), minimum_samples(params))
    return 1 + samples.astype(np.int64) // params.hop_length


def n_segments(frames: NDArray[np.int64], length: int, hop: int) -> NDArray[np.int64]:
    """Return how many complete segments of ``length`` frames, ``hop`` apart, fit in ``frames``; int64, same shape."""
    frames = np.asarray(frames, dtype=np.int64)
    counts: NDArray[np.int64] = np.where(frames < length, 0, 1 + (frames - length) // hop)
    return counts


def expected_segments(durations: NDArray[np.float64], params: FeaturesSection) -> NDArray[np.int64]:
    """Return the number of segments of clips lasting ``durations`` seconds, int64, same shape; as exact as
    :func:`n_frames`."""
    return n_segments(n_frames(durations, params), params.segment_frames, params.segment_hop)
