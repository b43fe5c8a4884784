"""Features: audio in, planes out, computed once and cached."""

from harness.features.sets import expected_segments, n_frames, n_segments, plane_rows, segment_starts, set_shape
from harness.features.store import FeatureRef, FeatureStore

__all__ = [
    "FeatureRef",
    "FeatureStore",
    "expected_segments",
    "n_frames",
    "n_segments",
    "plane_rows",
    "segment_starts",
    "set_shape",
]
