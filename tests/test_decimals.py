"""The same number reads the same wherever it is printed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.decimals import decimals
from harness.report.cells import accuracy, points
from harness.report.wording import percent


@pytest.mark.parametrize(
    ("value", "printed"),
    [(82.75, "82.8"), (82.74999999999999, "82.8"), (84.25, "84.2"), (84.75, "84.8"), (84.74, "84.7")],
)
def test_noise_does_not_decide_a_half(value: float, printed: str) -> None:
    assert decimals(value, 1) == accuracy(value) == percent(value / 100) == printed
    assert points(-value) == f"−{printed}"


@given(st.lists(st.integers(0, 40), min_size=50, max_size=50))
def test_the_mean_of_folds_and_the_mean_of_classes_read_the_same(right: list[int]) -> None:
    counts = np.array(right).reshape(5, 10) / 40
    by_fold = float(np.mean([float(np.mean(fold)) for fold in counts]))
    by_class = float(np.mean([float(np.mean(each)) for each in counts.T]))
    assert percent(by_fold) == percent(by_class) == accuracy(100 * math.fsum(right) / (40 * 50))
