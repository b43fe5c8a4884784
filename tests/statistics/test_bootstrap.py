"""Resampling of recordings: the fast paths against the plain one, and what clusters do to an interval."""

from __future__ import annotations

import time

import numpy as np
import pytest
from scipy import stats

from harness.errors import StatisticsError
from harness.statistics.bootstrap import accuracy_difference_bootstrap, clustered_bootstrap, macro_accuracy_bootstrap


def clips(n: int, recordings: int, folds: int, classes: int, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    recording = rng.integers(recordings, size=n)
    easy = rng.normal(0, 1.5, recordings)
    return {
        "labels": (recording * 7) % classes,
        "recordings": np.array([f"r{name}" for name in recording]),
        "folds": 1 + recording % folds,
        "first": easy[recording] + rng.normal(0, 1, n) > -0.5,
        "second": easy[recording] + rng.normal(0, 1, n) > 0.0,
    }


def macro(correct: np.ndarray, labels: np.ndarray, folds: np.ndarray) -> float:
    """Macro accuracy within each fold, then over folds, written as it is defined."""
    means = []
    for fold in np.unique(folds):
        inside = folds == fold
        accuracies = [correct[inside & (labels == label)].mean() for label in np.unique(labels[inside])]
        means.append(np.mean(accuracies))
    return float(np.mean(means))


@pytest.mark.parametrize("by_fold", [False, True])
def test_the_fast_path_equals_the_plain_one(by_fold: bool) -> None:
    # Few recordings a class, so that classes, and now and then a fold, vanish from resamples.
    table = clips(60, 12, 3, 4, 0)
    labels, recordings, correct = table["labels"], table["recordings"], table["first"]
    folds = table["folds"] if by_fold else np.ones(60)
    plain = clustered_bootstrap(
        recordings, lambda rows: macro(correct[rows], labels[rows], folds[rows]), resamples=700, seed=5
    )
    fast = macro_accuracy_bootstrap(
        correct, labels, recordings, folds=folds if by_fold else None, resamples=700, seed=5
    )
    assert (fast.estimate, fast.low, fast.high) == pytest.approx((plain.estimate, plain.low, plain.high), abs=1e-12)
    assert (fast.n_groups, fast.resamples) == (plain.n_groups, plain.resamples) == (12, 700)


@pytest.mark.parametrize("by_fold", [False, True])
def test_the_difference_equals_the_plain_one(by_fold: bool) -> None:
    table = clips(80, 15, 3, 4, 1)
    labels, recordings, folds = table["labels"], table["recordings"], table["folds"] if by_fold else np.ones(80)

    def difference(rows: np.ndarray) -> float:
        first, second = (macro(table[arm][rows], labels[rows], folds[rows]) for arm in ("first", "second"))
        return first - second

    plain = clustered_bootstrap(recordings, difference, resamples=600, seed=2)
    fast = accuracy_difference_bootstrap(
        table["first"], table["second"], labels, recordings, folds=folds if by_fold else None, resamples=600, seed=2
    )
    assert (fast.estimate, fast.low, fast.high) == pytest.approx((plain.estimate, plain.low, plain.high), abs=1e-12)


def test_an_absent_class_is_left_out_of_the_mean() -> None:
    # Two recordings of one class each: a resample holds class 0 alone (accuracy 1), class 1 alone (0), or both (0.5).
    correct, labels, recordings = [1, 1, 0], [0, 0, 1], ["a", "a", "b"]
    result = macro_accuracy_bootstrap(correct, labels, recordings, resamples=1000, seed=0)
    assert (result.low, result.estimate, result.high) == (0.0, 0.5, 1.0)


def test_single_clips_as_groups_give_the_plain_bootstrap() -> None:
    values = np.random.default_rng(4).normal(10, 3, 50)
    ours = clustered_bootstrap(np.arange(50), lambda rows: float(values[rows].mean()), resamples=20_000, seed=1)
    plain = stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(2)
    ).confidence_interval
    # The Monte Carlo error of a 2.5 % quantile at 20,000 resamples is about 0.02 of the standard error's 0.42.
    assert (ours.low, ours.high) == (pytest.approx(plain.low, abs=0.05), pytest.approx(plain.high, abs=0.05))


def test_clusters_widen_the_interval_as_they_must() -> None:
    # Eight copies of each recording: 400 clips tell no more than 50.
    rng = np.random.default_rng(6)
    right, labels = rng.random(50) < 0.7, np.arange(50) % 5
    once = macro_accuracy_bootstrap(right, labels, np.arange(50), seed=3)
    copies = macro_accuracy_bootstrap(np.repeat(right, 8), np.repeat(labels, 8), np.repeat(np.arange(50), 8), seed=3)
    as_if_independent = macro_accuracy_bootstrap(np.repeat(right, 8), np.repeat(labels, 8), np.arange(400), seed=3)
    assert (copies.low, copies.high) == pytest.approx((once.low, once.high))
    width, narrow = copies.high - copies.low, as_if_independent.high - as_if_independent.low
    assert width / narrow == pytest.approx(np.sqrt(8), rel=0.25)


def test_averages_over_seeds_are_accepted() -> None:
    table = clips(100, 20, 2, 4, 3)
    halves = (table["first"].astype(float) + table["second"]) / 2
    result = macro_accuracy_bootstrap(halves, table["labels"], table["recordings"], seed=0)
    assert result.low <= result.estimate <= result.high


def test_the_seed_decides() -> None:
    table = clips(200, 40, 2, 4, 3)
    arguments = (table["first"], table["labels"], table["recordings"])
    assert macro_accuracy_bootstrap(*arguments, seed=1) == macro_accuracy_bootstrap(*arguments, seed=1)
    assert macro_accuracy_bootstrap(*arguments, seed=1) != macro_accuracy_bootstrap(*arguments, seed=2)


def test_the_size_of_urbansound8k_is_no_burden() -> None:
    table = clips(8732, 1300, 10, 10, 9)
    began = time.process_time()
    accuracy_difference_bootstrap(
        table["first"], table["second"], table["labels"], table["recordings"], folds=table["folds"], seed=1
    )
    # Half a second when measured; a loop over clips would take minutes.
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"recordings": ["a", "a", "a"]}, "at least 2 groups .recordings., received 1"),
        ({"labels": [0, 1]}, r"labels has the shape \(2,\); give one for each of 3 clips"),
        ({"folds": [0, 1]}, r"folds has the shape \(2,\)"),
        ({"correct": [80.0, 100.0, 0.0]}, "do not pass percentages"),
        ({"correct": [1.0, np.nan, 0.0]}, "without missing values"),
        ({"correct": [[1.0], [0.0], [0.0]]}, "one number per clip"),
        ({"resamples": 1}, "resamples must be an integer of at least 2"),
        ({"confidence": 95}, "confidence must be between"),
    ],
)
def test_what_is_refused(changed: dict[str, object], words: str) -> None:
    good = {"correct": [1, 0, 1], "labels": [0, 0, 1], "recordings": ["a", "b", "c"], "seed": 0}
    with pytest.raises(StatisticsError, match=words):
        macro_accuracy_bootstrap(**{**good, **changed})


def test_arms_of_different_length_and_statistics_without_value_are_refused() -> None:
    with pytest.raises(StatisticsError, match="2 clips and correct_second 3"):
        accuracy_difference_bootstrap([1, 0], [1, 0, 1], [0, 1], ["a", "b"], seed=0)
    with pytest.raises(StatisticsError, match="not finite on 2000 of 2000 resamples"):
        clustered_bootstrap(["a", "b"], lambda _: float("nan"), seed=0)
