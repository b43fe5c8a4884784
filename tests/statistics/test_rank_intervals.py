"""Ranks and their intervals: against scipy, against the corrected t-interval, and against known truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.errors import StatisticsError
from harness.statistics.rank_intervals import fold_mean_draws, ranks_of, ranks_of_draws, ranks_of_tests
from harness.statistics.t_tests import one_sample


@given(st.lists(st.integers(0, 5), min_size=1, max_size=12))
def test_ranks_are_those_of_scipy(scores: list[int]) -> None:
    assert ranks_of(scores).tolist() == stats.rankdata([-score for score in scores], method="min").tolist()


def test_ranks_of_draws_that_agree_are_certain() -> None:
    found = ranks_of_draws(np.tile([0.9, 0.7, 0.8], (50, 1)))
    assert found.low.tolist() == found.high.tolist() == [1, 3, 2]
    assert found.best.tolist() == [1.0, 0.0, 0.0]


def test_rounding_errors_are_ties() -> None:
    found = ranks_of_draws([[0.3, 0.1 + 0.2]] * 4)
    assert found.high.tolist() == [1, 1]


def test_the_spread_over_folds_is_that_of_the_corrected_interval() -> None:
    values = np.random.default_rng(2).normal(80, 3, size=(10, 1))
    draws = fold_mean_draws(values, ratio=1 / 9, resamples=20_000, seed=0)
    expected = one_sample(values[:, 0], 0.0, ratio=1 / 9)
    low, high = np.quantile(draws, [0.025, 0.975])
    assert draws.mean() == pytest.approx(values.mean(), abs=0.05)
    assert high - low == pytest.approx(expected.high - expected.low, rel=0.04)


def test_ranks_over_folds_cover_the_truth_where_training_sets_overlap() -> None:
    # Eight systems one point apart, SD of folds 2 points, folds correlated as the correction assumes.
    rng, k, truth = np.random.default_rng(1), 5, np.arange(8)[::-1] * 1.0
    rho = (1 / (k - 1)) / (1 + 1 / (k - 1))
    covered = []
    for study in range(60):
        common = rng.normal(0, 2 * np.sqrt(rho), size=(1, 8))
        values = truth + common + rng.normal(0, 2 * np.sqrt(1 - rho), size=(k, 8))
        found = ranks_of_draws(fold_mean_draws(values, ratio=1 / (k - 1), resamples=500, seed=study))
        covered.append((found.low <= ranks_of(truth)) & (ranks_of(truth) <= found.high))
    assert np.mean(covered) > 0.95


@given(
    st.integers(2, 8).flatmap(
        lambda n: st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1))).map(lambda pairs: (n, pairs))
    )
)
def test_ranks_of_tests_contain_every_order_that_the_tests_allow(case: tuple[int, list[tuple[int, int]]]) -> None:
    n, pairs = case
    better = np.zeros((n, n), dtype=bool)
    for one, other in pairs:
        better[min(one, other), max(one, other)] = one != other  # consistent with the order 0, 1, 2, ...
    low, high = ranks_of_tests(better)
    assert (low <= np.arange(1, n + 1)).all()
    assert (np.arange(1, n + 1) <= high).all()
    assert (low >= 1).all()
    assert (high <= n).all()


def test_faulty_input_is_refused() -> None:
    with pytest.raises(StatisticsError, match="must be finite, a row per resample"):
        ranks_of_draws([[0.5, float("nan")]])
    with pytest.raises(StatisticsError, match="the number of folds must be"):
        fold_mean_draws([[0.5, 0.6]], ratio=0.25, seed=0)
    with pytest.raises(StatisticsError, match="ratio must be above 0"):
        fold_mean_draws([[0.5], [0.6]], ratio=0, seed=0)
