"""Against a published mean with a spread: Welch's test without the correction, prediction and sensitivity."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from harness.errors import StatisticsError
from harness.statistics.against_published import against_folds, against_mean, against_published, sensitivity
from harness.statistics.t_tests import one_sample, paired
from harness.statistics.tost import equivalence

from .strategies import TEN, fold_values, points, ratios

CLAIM = {"ratio": 1 / 9, "published_ratio": 1 / 9}


@given(fold_values, points, st.floats(0.1, 10), st.integers(2, 12))
def test_without_the_correction_it_is_welch(values: list[float], mean: float, sd: float, folds: int) -> None:
    oracle = stats.ttest_ind_from_stats(
        np.mean(values), np.std(values, ddof=1), len(values), mean, sd, folds, equal_var=False
    )
    ours = against_published(values, mean, sd, folds, ratio=1e-15, published_ratio=1e-15)
    assert ours.t == pytest.approx(oracle.statistic, rel=1e-9, abs=1e-9)
    assert ours.p == pytest.approx(oracle.pvalue, abs=1e-9)


def test_a_worked_comparison() -> None:
    result = against_published(TEN, 97.2, 3.0, 10, **CLAIM)
    ours, theirs = np.var(TEN, ddof=1) * (1 / 10 + 1 / 9), 9.0 * (1 / 10 + 1 / 9)
    assert result.standard_error == pytest.approx(math.sqrt(ours + theirs))
    assert result.df == pytest.approx((ours + theirs) ** 2 / (ours**2 / 9 + theirs**2 / 9))
    half = stats.t.ppf(0.975, result.df) * result.standard_error
    assert (result.low, result.high) == pytest.approx((np.mean(TEN) - 97.2 - half, np.mean(TEN) - 97.2 + half))
    # Both sides with the own spread: 83.702 -+ 2.262 x 4.560 x sqrt(2 x 0.2111).
    assert (result.prediction_low, result.prediction_high) == pytest.approx((76.999, 90.405), abs=0.001)
    assert not result.inside
    assert against_published(TEN, 85.0, 3.0, 10, **CLAIM).inside


def test_a_published_mean_without_spread_is_a_fixed_number() -> None:
    fixed, published = one_sample(TEN, 90.0, ratio=1 / 9), against_published(TEN, 90.0, 0.0, 10, **CLAIM)
    assert (published.t, published.p, published.df) == pytest.approx((fixed.t, fixed.p, 9))
    assert (published.low, published.high) == pytest.approx((fixed.low - fixed.target, fixed.high - fixed.target))


@given(fold_values, points, st.integers(2, 12), ratios, st.floats(0.5, 0.99))
def test_at_the_sensitivity_the_difference_is_just_not_significant(
    values: list[float], mean: float, folds: int, ratio: float, confidence: float
) -> None:
    settings = {"ratio": ratio, "published_ratio": 0.25, "confidence": confidence}
    assume(abs(np.mean(values) - mean) > 0.01)
    needed = sensitivity(values, mean, folds, **settings)
    without = against_published(values, mean, 0.0, folds, **settings)
    if needed == 0:
        assert without.p >= 1 - confidence - 1e-9
        return
    assert without.p < 1 - confidence
    assert against_published(values, mean, needed, folds, **settings).p == pytest.approx(1 - confidence, abs=1e-6)
    assert against_published(values, mean, 0.99 * needed, folds, **settings).p < 1 - confidence
    assert against_published(values, mean, 1.01 * needed, folds, **settings).p > 1 - confidence


def test_the_sensitivity_of_the_ten_folds() -> None:
    needed = sensitivity(TEN, 97.2, 10, **CLAIM)
    assert needed == pytest.approx(12.593, abs=0.001)
    assert sensitivity(TEN, 84.76, 10, **CLAIM) == 0
    assert sensitivity(TEN, float(np.mean(TEN)), 10, **CLAIM) == 0


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"sd": -1.0}, "published standard deviation is -1"),
        ({"sd": float("nan")}, "or use against_mean"),
        ({"folds": 1}, "published folds must be an integer of at least 2, received 1"),
        ({"published_ratio": 0.0}, "published ratio must be above 0"),
        ({"ratio": 0.0}, "ratio must be above 0"),
        ({"mean": float("nan")}, "published mean is nan"),
        ({"confidence": 0.0}, "confidence must be between"),
    ],
)
def test_what_is_refused(changed: dict[str, float], words: str) -> None:
    arguments = {"mean": 90.0, "sd": 3.0, "folds": 10, **CLAIM, "confidence": 0.95, **changed}
    with pytest.raises(StatisticsError, match=words):
        against_published(TEN, **arguments)
    if "sd" not in changed:
        del arguments["sd"]
        with pytest.raises(StatisticsError, match=words):
            sensitivity(TEN, **arguments)


roundings = st.sampled_from([0.0, 0.005, 0.05, 0.5])


@given(fold_values, points, ratios, st.floats(0.1, 10), st.floats(0.6, 0.99))
def test_against_an_exact_mean_it_is_the_one_sample_test(
    values: list[float], mean: float, ratio: float, margin: float, confidence: float
) -> None:
    ours = against_mean(values, mean, ratio=ratio, confidence=confidence)
    oracle = one_sample(values, mean, ratio=ratio, confidence=confidence)
    assert (ours.t, ours.p, ours.df) == pytest.approx((oracle.t, oracle.p, oracle.df), abs=1e-12)
    assert (ours.low, ours.high) == pytest.approx((oracle.low - oracle.target, oracle.high - oracle.target))
    same = equivalence(values, mean, margin, ratio=ratio, alpha=1 - confidence)
    assert ours.equivalence_p(margin) == pytest.approx(same.p, abs=1e-12)


@given(fold_values, points, st.integers(2, 12), ratios)
def test_the_measured_sd_on_both_sides_is_the_prediction_interval(
    values: list[float], mean: float, folds: int, ratio: float
) -> None:
    ours = against_mean(values, mean, ratio=ratio, share=1 / folds + ratio)
    welch = against_published(values, mean, 0.0, folds, ratio=ratio, published_ratio=ratio)
    assert (ours.p >= 0.05) == welch.inside or abs(ours.p - 0.05) < 1e-9
    assert ours.p >= against_mean(values, mean, ratio=ratio).p


@given(st.lists(st.tuples(points, points), min_size=3, max_size=10), ratios, st.floats(0.1, 10))
def test_fold_by_fold_it_is_the_paired_test(pairs: list[tuple[float, float]], ratio: float, margin: float) -> None:
    first, second = (list(column) for column in zip(*pairs, strict=True))
    assume(np.std([a - b for a, b in pairs]) > 0.05)
    ours, oracle = against_folds(first, second, ratio=ratio), paired(first, second, ratio=ratio)
    assert (ours.t, ours.p) == pytest.approx((oracle.t, oracle.p), abs=1e-12)
    assert (ours.low, ours.high) == pytest.approx((oracle.low, oracle.high))
    same = equivalence(first, second, margin, ratio=ratio)
    assert ours.equivalence_p(margin) == pytest.approx(same.p, abs=1e-12)


@given(fold_values, points, ratios, roundings, st.floats(-1, 1))
def test_rounding_takes_the_worst_number_that_is_printed_alike(
    values: list[float], mean: float, ratio: float, rounding: float, place: float
) -> None:
    ours = against_mean(values, mean, ratio=ratio, rounding=rounding)
    true = against_mean(values, mean + place * rounding, ratio=ratio)
    assert ours.p >= true.p - 1e-12
    for margin in (0.3, 2.0, 8.0):
        assert ours.equivalence_p(margin) >= true.equivalence_p(margin) - 1e-12
    assert ours.low <= true.low + 1e-9
    assert ours.high >= true.high - 1e-9
    assert (ours.p < 0.05) == (ours.low > 0 or ours.high < 0) or abs(ours.p - 0.05) < 1e-9
    # It is not more cautious than the worst of them.
    ends = [against_mean(values, mean + end * rounding, ratio=ratio) for end in (-1, 1)]
    assert ours.equivalence_p(2.0) == pytest.approx(max(end.equivalence_p(2.0) for end in ends), abs=1e-12)


def test_equal_folds_need_no_spread() -> None:
    found = against_folds([80.0, 71.0, 65.0], [80.04, 71.04, 65.04], ratio=0.5, rounding=0.05)
    assert (found.p, found.standard_error, found.t) == (1.0, 0.0, 0.0)
    assert (found.low, found.high) == pytest.approx((-0.09, 0.01))
    assert found.equivalence_p(2.0) == 0.0
    assert found.equivalence_p(0.05) == 1.0, "the rounding alone may be as much"
    with pytest.raises(StatisticsError, match=r"all 3 folds differ by the same -0.04 from the published ones"):
        against_folds([80.0, 71.0, 65.0], [80.04, 71.04, 65.04], ratio=0.5)


def test_the_smallest_difference_that_would_be_found() -> None:
    test = against_mean(TEN, 90.0, ratio=1 / 9, rounding=0.05)
    size = test.smallest_found(0.05)
    at_it = against_mean(TEN, float(np.mean(TEN)) - size, ratio=1 / 9, rounding=0.05)
    assert at_it.p == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"share": -0.1}, "share must be 0 or more, received -0.1"),
        ({"rounding": -0.5}, "rounding must be 0 or more"),
        ({"rounding": float("nan")}, "rounding must be 0 or more"),
    ],
)
def test_what_a_claim_cannot_add(changed: dict[str, float], words: str) -> None:
    with pytest.raises(StatisticsError, match=words):
        against_mean(TEN, 90.0, ratio=1 / 9, **changed)
