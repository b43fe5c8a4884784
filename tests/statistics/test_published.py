"""Against a published mean with a spread: Welch's test without the correction, prediction and sensitivity."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from harness.errors import StatisticsError
from harness.statistics import against_published, one_sample, sensitivity

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
    assert (published.low, published.high) == pytest.approx((fixed.difference_low, fixed.difference_high))


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
        ({"folds": 1}, "published folds must be a whole number of at least 2, received 1"),
        ({"published_ratio": 0.0}, "published ratio must be above 0"),
        ({"ratio": 0.0}, "ratio must be above 0"),
        ({"mean": float("nan")}, "published mean is nan"),
        ({"confidence": 0.0}, "confidence must lie"),
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
