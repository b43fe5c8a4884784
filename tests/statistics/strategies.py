"""Fold values as hypothesis draws them: plausible accuracies in points, never all equal."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

TEN = (79.84, 88.51, 75.89, 84.95, 88.68, 80.80, 84.01, 79.03, 87.38, 87.93)
"""Ten folds of UrbanSound8K, mean 83.70 and SD 4.56."""

points = st.floats(10, 95).map(lambda value: round(value, 2))
fold_values = st.lists(points, min_size=3, max_size=12).filter(lambda values: np.std(values) > 0.05)
ratios = st.sampled_from([1 / 9, 1 / 4, 0.5])
