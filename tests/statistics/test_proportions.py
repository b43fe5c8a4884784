"""Accuracies from counts: against statsmodels, a published confusion matrix, known truth and every pairing of clips."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from harness.errors import StatisticsError
from harness.statistics.clip_tests import mcnemar
from harness.statistics.proportions import (
    clopper_pearson,
    macro_accuracy_interval,
    macro_difference_interval,
    mcnemar_bounds,
    wilson,
)

COUNTS = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(COUNTS, st.sampled_from([0.8, 0.95, 0.99]))
def test_intervals_of_one_accuracy_are_those_of_statsmodels(counts: tuple[int, int], confidence: float) -> None:
    x, n = counts
    expected = proportion_confint(x, n, alpha=1 - confidence, method="wilson")
    low, high = wilson([x], [n], confidence)
    assert [low[0], high[0]] == pytest.approx(expected, abs=1e-12)
    one_class = macro_accuracy_interval([x], [n], confidence)
    assert [one_class.low, one_class.high] == pytest.approx(expected, abs=1e-12)
    exact = clopper_pearson(x, n, confidence)
    expected = proportion_confint(x, n, alpha=1 - confidence, method="beta")
    assert [exact.low, exact.high] == pytest.approx(expected, abs=1e-9)


@given(COUNTS, COUNTS)
def test_the_difference_of_one_class_is_newcombes(first: tuple[int, int], second: tuple[int, int]) -> None:
    found = macro_difference_interval([first[0]], [first[1]], [second[0]], [second[1]])
    expected = confint_proportions_2indep(first[0], first[1], second[0], second[1], method="newcomb")
    assert [found.low, found.high] == pytest.approx(expected, abs=1e-9)


@given(st.lists(COUNTS, min_size=1, max_size=8))
def test_a_macro_accuracy_is_within_its_interval_and_this_within_0_and_1(counts: list[tuple[int, int]]) -> None:
    right, clips = zip(*counts, strict=True)
    found = macro_accuracy_interval(right, clips)
    assert -1e-12 <= found.low <= found.estimate <= found.high <= 1 + 1e-12


def test_intervals_of_macro_accuracies_cover_the_truth() -> None:
    rng = np.random.default_rng(0)
    clips = np.array([100, 33, 100, 100, 96, 120, 36, 86, 100, 100])  # about a fold of UrbanSound8K
    truth = np.array([0.85, 0.95, 0.6, 0.8, 0.55, 0.9, 0.99, 0.75, 0.67, 0.8])
    hits = []
    for _ in range(2000):
        found = macro_accuracy_interval(rng.binomial(clips, truth), clips)
        hits.append(found.low <= truth.mean() <= found.high)
    assert 0.94 < np.mean(hits) < 0.97


def test_classes_without_clips_are_left_out() -> None:
    assert macro_accuracy_interval([3, 0], [4, 0]) == macro_accuracy_interval([3], [4])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.integers(1, 6).flatmap(lambda n: st.tuples(*[st.integers(0, n)] * 2, st.just(n))), min_size=1, max_size=3
    )
)
def test_bounds_are_those_of_every_pairing(classes: list[tuple[int, int, int]]) -> None:
    first, second, clips = (np.array(column) for column in zip(*classes, strict=True))
    p_values, apart = [], []
    ranges = [range(max(0, x + y - n), min(x, y) + 1) for x, y, n in classes]
    for both in product(*ranges):
        one, other = [], []
        for (x, y, n), common in zip(classes, both, strict=True):
            one += [True] * x + [False] * (n - x)
            other += [True] * common + [False] * (x - common) + [True] * (y - common) + [False] * (n - x - y + common)
        test = mcnemar(one, other)
        p_values.append(test.p)
        apart.append(test.only_first + test.only_second)
    found = mcnemar_bounds(first, second, clips)
    assert (found.fewest, found.most) == (min(apart), max(apart))
    assert [found.p_low, found.p_high] == pytest.approx([min(p_values), max(p_values)], abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 80), st.integers(0, 80), st.integers(0, 40))
def test_bounds_hold_where_the_approximation_replaces_the_exact_test(x: int, y: int, more: int) -> None:
    n = max(x, y, 1) + more
    found = mcnemar_bounds([x], [y], [n])
    p_values = []
    for common in range(max(0, x + y - n), min(x, y) + 1):
        one = [True] * x + [False] * (n - x)
        other = [True] * common + [False] * (x - common) + [True] * (y - common) + [False] * (n - x - y + common)
        p_values.append(mcnemar(one, other).p)
    assert [found.p_low, found.p_high] == pytest.approx([min(p_values), max(p_values)], abs=1e-12)


@pytest.mark.parametrize(
    ("right", "clips"), [([5], [4]), ([-1], [4]), ([0.5], [4]), ([1, 2], [4]), ([0], [0]), ([], [])]
)
def test_faulty_counts_are_refused(right: list[float], clips: list[int]) -> None:
    with pytest.raises(StatisticsError):
        wilson(right, clips)
