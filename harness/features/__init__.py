"""Features: planes computed from audio once, and cached."""

from harness.features.cache.feature_store import FeatureRef, FeatureStore
from harness.features.sets import expected_segments, n_frames, n_segments, plane_rows, segment_starts, set_shape

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
