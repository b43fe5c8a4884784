"""Power against simulated folds, statsmodels, and the limits that follow from the definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.power import TTestPower

from benchmarks.calibration import SD, Simulated, correlated_normal, rates
from harness.errors import StatisticsError
from harness.statistics.correction import standard_error
from harness.statistics.power import (
    detectable_difference,
    folds_needed,
    power_of_difference,
    power_of_equivalence,
    seeds_needed,
)
from harness.statistics.seeds import Components
from harness.statistics.student import critical


@pytest.mark.parametrize("k", [5, 10])
def test_power_is_what_simulated_folds_show(k: int) -> None:
    values = correlated_normal(k, 40_000, np.random.default_rng(k))
    for row in rates(Simulated("normal", values, 0.0)):
        difference = row["true_difference"]
        for cell, power in (
            (row["corrected_either"], power_of_difference(difference, SD, k)),
            (row["corrected_consistent_2"], power_of_equivalence(difference, SD, k, 2.0)),
            (row["corrected_consistent_4"], power_of_equivalence(difference, SD, k, 4.0)),
        ):
            assert cell["rate"] == pytest.approx(power, abs=4 * max(cell["standard_error"], 1e-4))


_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(1000)


@settings(deadline=None)
@given(
    difference=st.floats(0, 60),
    k=st.integers(2, 200),
    alpha=st.sampled_from([0.01, 0.05, 0.2]),
    margin=st.floats(0.1, 90),
)
def test_the_panels_give_what_other_ways_give(difference: float, k: int, alpha: float, margin: float) -> None:
    found = power_of_difference(difference, 4.0, k, alpha=alpha)
    same = power_of_equivalence(difference, 4.0, k, margin, alpha=alpha)
    error, df = 4.0 * math.sqrt(1 / k + 1 / (k - 1)), k - 1
    # scipy's noncentral t gives up on large effects, and on most from 50 folds on.
    if k < 40:
        bound, shift = stats.t.isf(alpha / 2, df), difference / error
        exact = stats.nct.sf(bound, df, shift) + stats.nct.cdf(-bound, df, shift)
        assert found == pytest.approx(exact, abs=1e-9) or math.isnan(exact)
    # One sum of many nodes over the whole range, as scipy.stats has the densities.
    low, high = (stats.chi.ppf(1e-14, df) / math.sqrt(df), stats.chi.isf(1e-14, df) / math.sqrt(df))
    bound, shift, room = stats.t.isf(alpha, df), difference / error, margin / error
    high = min(high, room / bound)
    s = low + (high - low) * (_NODES + 1) / 2
    inside = stats.norm.cdf(room - bound * s - shift) - stats.norm.cdf(bound * s - room - shift)
    density = math.sqrt(df) * stats.chi.pdf(math.sqrt(df) * s, df)
    direct = (high - low) / 2 * (_WEIGHTS * inside * density).sum() if high > low else 0.0
    assert same == pytest.approx(direct, abs=1e-11)


@pytest.mark.parametrize(
    ("difference", "sd", "k"), [(1.0, 4.0, 10), (3.0, 4.0, 5), (-6.0, 4.0, 10), (0.1, 2.0, 50), (20.0, 4.0, 3)]
)
def test_without_correlation_it_is_the_usual_power(difference: float, sd: float, k: int) -> None:
    ours = power_of_difference(difference, sd, k, ratio=1e-15)
    assert ours == pytest.approx(TTestPower().power(abs(difference) / sd, k, 0.05), abs=1e-8)


def test_no_power_worth_planning_for_falls_with_more_folds() -> None:
    for powers in (
        [power_of_difference(3.0, 4.0, k) for k in range(2, 1001)],
        [power_of_equivalence(1.0, 4.0, k, 3.0) for k in range(2, 1001)],
    ):
        rising = [power for power in powers if power >= 0.5]
        assert rising == powers[-len(rising) :]
        assert np.diff(rising).min() > -1e-9
        assert powers[-1] == pytest.approx(1, abs=1e-9)


def test_the_ends_of_power() -> None:
    assert power_of_difference(0.0, 4.0, 10) == pytest.approx(0.05, abs=1e-9)
    assert power_of_difference(1e4, 4.0, 10) == pytest.approx(1, abs=1e-12)
    assert power_of_equivalence(4.0, 4.0, 200, 4.0) == pytest.approx(0.05, abs=1e-3)
    assert power_of_equivalence(0.0, 0.01, 10, 4.0) == pytest.approx(1, abs=1e-9)
    assert power_of_equivalence(0.0, 4.0, 10, 0.05) < 1e-6
    assert power_of_equivalence(1.5, 4.0, 10, 4.0) == pytest.approx(power_of_equivalence(-1.5, 4.0, 10, 4.0))


def test_a_margin_below_the_smallest_provable_one_is_rarely_reached() -> None:
    margin = critical(0.05, 9) * standard_error(4.0, 10, 1 / 9)  # the smallest that an exact match shows
    assert power_of_equivalence(0.0, 4.0, 10, 2.0) < 0.01
    assert power_of_equivalence(0.0, 4.0, 10, margin) < 0.2
    assert power_of_equivalence(0.0, 4.0, 10, 2.5 * margin) > 0.95


@pytest.mark.parametrize(("difference", "margin"), [(3.0, 5.0), (6.0, 8.0), (1.0, 6.0)])
def test_the_fewest_folds_are_the_first_that_suffice(difference: float, margin: float) -> None:
    needed = folds_needed(difference, 4.0, margin=margin)
    one_by_one = [
        next(k for k in range(2, 1001) if power(k) >= 0.8)
        for power in (
            lambda k: power_of_difference(difference, 4.0, k),
            lambda k: power_of_equivalence(difference, 4.0, k, margin),
        )
    ]
    assert [needed.for_difference, needed.for_equivalence] == one_by_one
    assert needed.reason == ""


def test_folds_that_no_number_supplies() -> None:
    at_the_margin = folds_needed(5.0, 4.0, margin=5.0)
    assert at_the_margin.for_difference is not None
    assert at_the_margin.for_equivalence is None
    assert at_the_margin.reason == "a difference of 5 is not smaller than the margin of 5"
    nothing = folds_needed(0.0, 4.0, margin=4.0)
    assert nothing.for_difference is None
    assert nothing.for_equivalence is not None
    assert nothing.reason == "a difference of 0 is too small to be shown with 1000 folds"
    assert "too close to the margin" in folds_needed(1.99, 4.0, margin=2.0).reason


def test_seeds_shrink_their_own_part_only() -> None:
    components = Components(between=1.0, within=9.0, n_folds=10, n_seeds=2)
    seeds = seeds_needed(3.0, components, 10)
    assert seeds is not None
    assert seeds > 1
    assert power_of_difference(3.0, math.sqrt(1 + 9 / seeds), 10) >= 0.8
    assert power_of_difference(3.0, math.sqrt(1 + 9 / (seeds - 1)), 10) < 0.8
    # The folds alone already hide so small a difference.
    assert seeds_needed(0.5, components, 10) is None
    assert seeds_needed(30.0, components, 10) == 1


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: power_of_difference(1.0, 0.0, 10), "sd must be above 0"),
        (lambda: power_of_difference(float("nan"), 4.0, 10), "difference is nan"),
        (lambda: power_of_difference(1.0, 4.0, 1), "k must be an integer"),
        (lambda: power_of_difference(1.0, 4.0, float("nan")), "k must be an integer"),
        (lambda: power_of_difference(1.0, 4.0, 10, ratio=0.0), "ratio must be above 0"),
        (lambda: power_of_difference(1.0, 4.0, 10, alpha=5), "alpha must be between"),
        (lambda: power_of_equivalence(1.0, 4.0, 10, 0.0), "margin must be above 0"),
        (lambda: folds_needed(1.0, 4.0, margin=-1.0), "margin must be above 0"),
        (lambda: seeds_needed(1.0, Components(4.0, None, 5, 1), 5), "at least 2 seeds"),
        (lambda: seeds_needed(1.0, Components(0.0, 0.0, 5, 2), 5), "nothing to plan"),
    ],
)
def test_what_is_refused(call: object, words: str) -> None:
    with pytest.raises(StatisticsError, match=words):
        call()


@given(k=st.integers(3, 12), alpha=st.sampled_from([0.05, 0.01, 0.0005]), power=st.sampled_from([0.5, 0.8, 0.95]))
@settings(max_examples=25, deadline=None)
def test_the_detectable_difference_has_its_power_and_is_proportional_to_the_sd(
    k: int, alpha: float, power: float
) -> None:
    found = detectable_difference(3.0, k, alpha=alpha, power=power)
    assert power_of_difference(found, 3.0, k, alpha=alpha) == pytest.approx(power, abs=1e-4)
    assert detectable_difference(1.5, k, alpha=alpha, power=power) == pytest.approx(found / 2, rel=1e-5)


def test_a_power_below_the_level_is_refused() -> None:
    with pytest.raises(StatisticsError, match="power must be between"):
        detectable_difference(3.0, 5, power=0.04)
