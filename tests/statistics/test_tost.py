"""Equivalence: the worked table of margins, statsmodels without the correction, and its own interval."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from statsmodels.stats.weightstats import DescrStatsW

from harness.statistics.tost import equivalence, two_one_sided

from .strategies import TEN, fold_values, points, ratios

margins = st.floats(0.1, 40)


@pytest.mark.parametrize(
    ("k", "margins_of_sd"), [(10, [0.84, 1.68, 2.53, 3.37, 4.21]), (5, [1.43, 2.86, 4.29, 5.72, 7.15])]
)
def test_the_smallest_margins_of_an_exact_match(k: int, margins_of_sd: list[float]) -> None:
    unit = np.linspace(-1, 1, k) / np.std(np.linspace(-1, 1, k), ddof=1)
    computed = [equivalence(sd * unit, 0.0, 1.0, ratio=1 / (k - 1)).smallest_margin for sd in range(1, 6)]
    assert computed == pytest.approx(margins_of_sd, abs=0.005)


def test_even_a_perfect_match_shows_nothing_below_the_smallest_margin() -> None:
    centred = [value - np.mean(TEN) for value in TEN]
    least = equivalence(centred, 0.0, 1.0, ratio=1 / 9).smallest_margin
    assert least == pytest.approx(3.84, abs=0.005)
    assert not equivalence(centred, 0.0, least - 1e-6, ratio=1 / 9).equivalent
    assert equivalence(centred, 0.0, least + 1e-6, ratio=1 / 9).equivalent


@given(fold_values, points, margins)
def test_without_the_correction_it_is_the_usual_tost(values: list[float], target: float, margin: float) -> None:
    p, (_, lower_p, _), (_, upper_p, _) = DescrStatsW(values).ttost_mean(target - margin, target + margin)
    error = float(np.std(values, ddof=1)) / np.sqrt(len(values))
    ours = two_one_sided(float(np.mean(values)) - target, error, len(values) - 1, margin, 0.05)
    assert ours.p_lower == pytest.approx(lower_p, abs=1e-10)
    assert ours.p_upper == pytest.approx(upper_p, abs=1e-10)
    assert ours.p == pytest.approx(p, abs=1e-10)
    # The correction goes to nothing with the ratio.
    near = equivalence(values, target, margin, ratio=1e-14)
    assert near.p == pytest.approx(ours.p, abs=1e-10)


@given(fold_values, points, margins, ratios, st.floats(0.01, 0.3))
def test_equivalent_means_that_the_interval_lies_inside(
    values: list[float], target: float, margin: float, ratio: float, alpha: float
) -> None:
    result = equivalence(values, target, margin, ratio=ratio, alpha=alpha)
    assume(abs(result.p - alpha) > 1e-9)
    assert result.equivalent == (-margin < result.low and result.high < margin)
    assert result.equivalent == (margin > result.smallest_margin)
    at_the_edge = equivalence(values, target, result.smallest_margin, ratio=ratio, alpha=alpha)
    assert at_the_edge.p == pytest.approx(alpha, abs=1e-8)


@given(st.lists(st.tuples(points, points), min_size=3, max_size=10), margins, ratios)
def test_of_pairs_it_is_that_of_their_differences(
    pairs: list[tuple[float, float]], margin: float, ratio: float
) -> None:
    first, second = (list(column) for column in zip(*pairs, strict=True))
    apart = [a - b for a, b in pairs]
    assume(np.std(apart) > 0.05)
    assert equivalence(first, second, margin, ratio=ratio) == equivalence(apart, 0.0, margin, ratio=ratio)
    swapped = equivalence(second, first, margin, ratio=ratio)
    assert swapped.p == pytest.approx(equivalence(apart, 0.0, margin, ratio=ratio).p)
