"""Corrected t-tests: worked values, scipy where the correction is taken away, and what must hold of any values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from harness.statistics.t_tests import one_sample, paired, t_test

from .strategies import TEN, fold_values, points, ratios


def test_ten_folds_against_a_claim_they_do_not_contradict() -> None:
    result = one_sample(TEN, 84.76, ratio=1 / 9)
    assert result.mean == pytest.approx(83.70, abs=0.005)
    assert result.sd == pytest.approx(4.56, abs=0.005)
    assert result.p == pytest.approx(0.63, abs=0.005)
    assert (result.k, result.df, result.target) == (10, 9, 84.76)


def test_ten_folds_against_a_claim_they_contradict() -> None:
    result = one_sample(TEN, 97.2, ratio=1 / 9)
    assert result.naive_t == pytest.approx(-9.36, abs=0.005)
    assert result.t == pytest.approx(-6.44, abs=0.005)
    assert result.p == pytest.approx(1.2e-4, abs=0.05e-4)
    assert (result.low, result.high) == (pytest.approx(78.96, abs=0.005), pytest.approx(88.44, abs=0.005))


@given(fold_values, points)
def test_without_the_correction_it_is_the_usual_test(values: list[float], target: float) -> None:
    oracle = stats.ttest_1samp(values, target)
    ours = t_test(np.array(values), target, 100.0, 0.0, 0.9)
    naive = one_sample(values, target, ratio=0.25)
    assert (ours.t, ours.p) == (pytest.approx(oracle.statistic, abs=1e-10), pytest.approx(oracle.pvalue, abs=1e-10))
    assert (naive.naive_t, naive.naive_p) == (ours.t, ours.p)
    interval = oracle.confidence_interval(0.9)
    assert (ours.low, ours.high) == (pytest.approx(interval.low, abs=1e-9), pytest.approx(interval.high, abs=1e-9))


@given(st.lists(st.tuples(points, points), min_size=3, max_size=12), ratios)
def test_pairing_is_by_fold_and_symmetric(pairs: list[tuple[float, float]], ratio: float) -> None:
    first, second = (dict(enumerate(column, start=1)) for column in zip(*pairs, strict=True))
    assume(np.std([a - b for a, b in pairs]) > 0.05)
    result = paired(first, dict(reversed(second.items())), ratio=ratio)
    swapped = paired(second, first, ratio=ratio)
    oracle = stats.ttest_rel(list(first.values()), list(second.values()))
    assert result.naive_t == pytest.approx(oracle.statistic, abs=1e-10)
    assert result.naive_p == pytest.approx(oracle.pvalue, abs=1e-10)
    assert (swapped.t, swapped.p) == (pytest.approx(-result.t), pytest.approx(result.p))
    assert (swapped.low, swapped.high) == (pytest.approx(-result.high), pytest.approx(-result.low))
    assert result.target == 0
    assert result.difference == result.mean


@given(fold_values, points, ratios, st.floats(0.5, 0.99))
def test_the_interval_and_p_agree(values: list[float], target: float, ratio: float, confidence: float) -> None:
    result = one_sample(values, target, ratio=ratio, confidence=confidence)
    assert result.low < result.mean < result.high
    assume(abs(result.p - (1 - confidence)) > 1e-9)
    assert (result.p < 1 - confidence) == (not result.low <= target <= result.high)
    assert result.p >= result.naive_p


@given(fold_values, points, ratios, st.floats(-50, 50), st.floats(0.01, 100))
def test_units_and_origin_do_not_matter(
    values: list[float], target: float, ratio: float, shift: float, scale: float
) -> None:
    result = one_sample(values, target, ratio=ratio)
    moved = one_sample([scale * (value + shift) for value in values], scale * (target + shift), ratio=ratio)
    assert moved.p == pytest.approx(result.p, rel=1e-6, abs=1e-9)
    assert moved.difference == pytest.approx(scale * result.difference, rel=1e-6, abs=1e-6)
    assert moved.standard_error == pytest.approx(scale * result.standard_error, rel=1e-6)
