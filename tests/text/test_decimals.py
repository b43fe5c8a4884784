"""The same number reads the same wherever it is printed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.cells import accuracy, points
from harness.report.wording import percent
from harness.text.decimals import decimals, is_cut, possible, signed


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


@pytest.mark.parametrize(
    ("value", "printed"), [(1.25, "+1.2"), (-13.5, "−13.5"), (-0.04, "0.0"), (-0.0, "0.0"), (0.05, "+0.1")]
)
def test_a_difference_that_rounds_to_nothing_has_no_sign(value: float, printed: str) -> None:
    assert signed(value, 1) == printed


@pytest.mark.parametrize(
    ("ends", "difference", "shown"),
    [
        ((8.0, 115.3), False, (8.0, 100.0)),
        ((-10.6, 126.9), False, (0.0, 100.0)),
        ((78.9, 88.4), False, (78.9, 88.4)),
        ((-120.0, 30.0), True, (-100.0, 30.0)),
        ((-12.0, 30.0), True, (-12.0, 30.0)),
    ],
)
def test_an_interval_ends_where_accuracies_do(
    ends: tuple[float, float], difference: bool, shown: tuple[float, float]
) -> None:
    assert possible(*ends, difference=difference) == shown
    assert is_cut(*ends, difference=difference) == (ends != shown)
