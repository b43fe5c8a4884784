from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.errors import StatisticsError
from harness.statistics.ranks import wilcoxon_folds

from .strategies import TEN, points


@given(st.lists(points, min_size=2, max_size=12), points)
def test_without_ties_it_is_scipys_exact_test(values: list[float], target: float) -> None:
    distances = [round(abs(value - target), 6) for value in values]
    assume(len(set(distances)) == len(distances) and 0 not in distances)
    oracle = stats.wilcoxon(np.array(values) - target, method="exact")
    ours = wilcoxon_folds(values, target)
    assert (ours.statistic, ours.p) == (oracle.statistic, pytest.approx(oracle.pvalue, abs=1e-12))


@given(st.lists(st.integers(-3, 3), min_size=2, max_size=9).filter(any))
def test_with_ties_p_counts_every_choice_of_signs(apart: list[int]) -> None:
    ranked = np.array([d for d in apart if d], dtype=float)
    ranks = stats.rankdata(np.abs(ranked))
    smaller = min(ranks[ranked > 0].sum(), ranks[ranked < 0].sum())
    sums = [
        sum(r for r, sign in zip(ranks, signs, strict=True) if sign) for signs in product((0, 1), repeat=len(ranks))
    ]
    p = min(1.0, 2 * np.mean(np.array(sums) <= smaller))
    ours = wilcoxon_folds([80.0 + d for d in apart], [80.0] * len(apart))
    assert (ours.statistic, ours.p) == (smaller, pytest.approx(p, abs=1e-12))
    assert (ours.k, ours.zeros) == (len(ranked), apart.count(0))


@settings(max_examples=25, deadline=None)  # each takes scipy 0.1 s
@given(st.lists(st.integers(-3, 3), min_size=2, max_size=7).filter(lambda apart: sum(map(bool, apart)) > 1))
def test_with_ties_it_is_scipys_permutation_test(apart: list[int]) -> None:
    ranked = np.array([d for d in apart if d], dtype=float)
    oracle = stats.wilcoxon(ranked, method=stats.PermutationMethod(n_resamples=np.inf))
    ours = wilcoxon_folds([80.0 + d for d in apart], [80.0] * len(apart))
    assert (ours.statistic, ours.p) == (oracle.statistic, pytest.approx(min(1.0, oracle.pvalue), abs=1e-12))


def test_scipys_exact_method_is_wrong_with_ties() -> None:
    apart = [1.0, 1, 2, -1, 3]
    assert stats.wilcoxon(apart, method="exact").pvalue == 0.1875
    assert wilcoxon_folds(apart, 0.0).p == 0.25


def test_differences_within_the_rounding_of_print_are_none() -> None:
    found = wilcoxon_folds([80.04, 81.0, 79.0, 78.0], [80.0] * 4, rounding=0.05)
    assert (found.k, found.zeros) == (3, 1)
    with pytest.raises(StatisticsError, match="no difference to rank"):
        wilcoxon_folds([80.04, 79.95], [80.0, 80.0], rounding=0.05)


def test_rounding_does_not_break_ties() -> None:
    # 0.1 apart in every fold, as far as decimals go.
    assert wilcoxon_folds([70.4, 80.2, 90.1], [70.3, 80.1, 90.0]).statistic == 0
    # +0.1 and -0.1, which differ in the fourteenth decimal, share the ranks 1 and 2.
    tied = wilcoxon_folds([30.4, 80.1, 90.3], [30.3, 80.2, 90.0])
    assert tied.statistic == 1.5


@pytest.mark.parametrize(
    ("k", "attainable", "possible"), [(5, 0.0625, False), (6, 0.03125, True), (10, 2 / 1024, True)]
)
def test_what_so_many_folds_can_reach(k: int, attainable: float, possible: bool) -> None:
    result = wilcoxon_folds(TEN[:k], 50.0)
    assert result.p == result.attainable_p == attainable
    assert (result.attainable_p < 0.05) is possible


def test_dropped_zeros_leave_fewer_folds_to_reject_with() -> None:
    result = wilcoxon_folds([80.0, 81, 82, 83, 84, 85], [80.0, 80, 80, 80, 80, 80])
    assert (result.k, result.zeros, result.attainable_p) == (5, 1, 0.0625)


def test_equal_sides_leave_nothing_to_rank() -> None:
    with pytest.raises(StatisticsError, match="all 10 folds are equal"):
        wilcoxon_folds(TEN, TEN)
