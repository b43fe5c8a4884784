"""What is refused at the door, and how folds are put in order and paired."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from harness.errors import StatisticsError
from harness.statistics.bayes import correlated_t
from harness.statistics.fold_values import fold_array, fold_pairs
from harness.statistics.ranks import wilcoxon_folds
from harness.statistics.t_tests import one_sample, paired
from harness.statistics.tost import equivalence

GOOD = [80.0, 82.0, 81.0]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([80.0], "at least 2 folds, received 1"),
        ([], "received 0"),
        ({1: 80.0, 7: float("nan")}, "fold 7 is nan"),
        ([80.0, float("inf")], "fold 2 is inf"),
        (np.ones((3, 2)), r"shape \(3, 2\)"),
        ([80.0, 80.0, 80.0], "all 3 folds have the same value"),
        ([0.0, 0.0], "all 2 folds have the same value"),
        # Equal but for rounding.
        ([0.3, 0.1 + 0.2, 0.3], "same value"),
    ],
)
def test_values_that_no_test_can_use(values: object, words: str) -> None:
    for test in (
        lambda: one_sample(values, 70, ratio=0.25),
        lambda: equivalence(values, 70, 2, ratio=0.25),
        lambda: correlated_t(values, 70, rope=1, ratio=0.25),
    ):
        with pytest.raises(StatisticsError, match=words):
            test()


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ({1: 80.0, 2: 81.0}, {1: 80.0, 3: 81.0}, r"2 \(first only\), 3 \(second only\)"),
        ([80.0, 81.0, 82.0], [80.0, 81.0], r"3 \(first only\)"),
        ({1: 80.0, 2: 81.0}, [80.0, 81.0], "only one of them names its folds"),
        # A constant difference has no spread although both sides have.
        ([80.1, 81.3, 79.7], [70.1, 71.3, 69.7], "same value, 10"),
    ],
)
def test_folds_that_cannot_be_paired(first: object, second: object, words: str) -> None:
    for test in (
        lambda: paired(first, second, ratio=0.25),
        lambda: equivalence(first, second, 2, ratio=0.25),
        lambda: correlated_t(first, second, rope=1, ratio=0.25),
    ):
        with pytest.raises(StatisticsError, match=words):
            test()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"ratio": 0.0}, "ratio must be above 0, received 0"),
        ({"ratio": -0.1}, "ratio must be above 0"),
        ({"ratio": float("nan")}, "ratio must be above 0"),
        ({"confidence": 1.0}, "between 0 and 1, received 1"),
        ({"confidence": 95}, "received 95"),
        ({"target": float("nan")}, "target is nan"),
    ],
)
def test_settings_that_are_refused(settings: dict[str, float], words: str) -> None:
    with pytest.raises(StatisticsError, match=words):
        one_sample(GOOD, **{"target": 70.0, "ratio": 0.25, **settings})


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"margin": 0.0}, "margin must be above 0, received 0"),
        ({"margin": -2.0}, "margin must be above 0"),
        ({"alpha": 0.5}, "alpha must be between 0 and 0.5"),
        ({"ratio": 0.0}, "ratio must be above 0"),
    ],
)
def test_equivalence_settings_that_are_refused(settings: dict[str, float], words: str) -> None:
    with pytest.raises(StatisticsError, match=words):
        equivalence(GOOD, 80.0, **{"margin": 2.0, "ratio": 0.25, **settings})


def test_the_order_of_named_folds_does_not_matter() -> None:
    assert fold_array({3: 3.0, 1: 1.0, 2: 2.0}).tolist() == [1, 2, 3]
    first, second = fold_pairs({10: 1.0, 2: 2.0}, {2: 20.0, 10: 10.0})
    assert first.tolist() == [2, 1]
    assert second.tolist() == [20, 10]


def test_a_series_is_paired_by_its_index_not_its_order() -> None:
    first, second = fold_pairs(pd.Series([1.0, 2.0], index=[2, 1]), {1: 10.0, 2: 20.0})
    assert first.tolist() == [2, 1]
    assert second.tolist() == [10, 20]
    with pytest.raises(StatisticsError, match="fold 2 appears twice"):
        fold_array(pd.Series([1.0, 2.0], index=[2, 2]))


def test_one_number_stands_against_every_fold() -> None:
    assert wilcoxon_folds(GOOD, np.float64(79)) == wilcoxon_folds(GOOD, [79.0, 79.0, 79.0])
