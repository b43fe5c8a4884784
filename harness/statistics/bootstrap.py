"""Intervals by resampling recordings: slices of one recording are drawn together or not at all.

These intervals are over recordings, with the trained networks and the folds held fixed: they show how the score might
differ on other recordings, not how it might differ after another training. Limits are percentiles (Efron and Tibshirani
1993, chapter 13) of the scores of the resamples; a resample draws as many recordings as there are, with replacement
(the cluster bootstrap of Davison and Hinkley 1997, section 3.8).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.errors import StatisticsError
from harness.statistics.fold_values import Floats, check_confidence, check_count

Rows = NDArray[np.intp]

# Resamples drawn at once: bounds memory, 250 x 2,000 recordings are 4 MB.
_CHUNK = 250


@dataclass(frozen=True)
class BootstrapInterval:
    """``estimate`` on all rows and its percentile interval over ``n_groups`` recordings, from ``resamples`` draws."""

    estimate: float
    low: float
    high: float
    confidence: float
    n_groups: int
    resamples: int


def clustered_bootstrap(
    groups: ArrayLike,
    statistic: Callable[[Rows], float],
    *,
    resamples: int = 2000,
    confidence: float = 0.95,
    seed: int,
) -> BootstrapInterval:
    """Return the interval of any statistic when complete groups are resampled.

    Parameters
    ----------
    groups : array_like, shape (n,)
        The group (recording) of each row.
    statistic : callable
        Receives positions of rows, shape (m,), repeated as they were drawn, and returns the score of those rows.
    resamples : int
        Number of resamples.
    confidence : float
        Probability of the interval.
    seed : int
        The same seed draws the same resamples; so do the faster functions below for the same recordings.

    Raises
    ------
    StatisticsError
        With fewer than 2 groups, fewer than 2 resamples, ``confidence`` outside (0, 1), or a statistic that is not
        finite on a resample.
    """
    codes, n_groups = coded_groups(groups)
    order = np.argsort(codes, kind="stable")
    rows = np.split(order, np.cumsum(np.bincount(codes))[:-1])
    values = [
        statistic(np.concatenate([rows[group] for group in drawn]))
        for chunk in draws(n_groups, resamples, seed)
        for drawn in chunk
    ]
    return _interval(statistic(np.arange(codes.size)), np.array(values), confidence, n_groups)


def macro_accuracy_bootstrap(
    correct: ArrayLike,
    labels: ArrayLike,
    recordings: ArrayLike,
    *,
    folds: ArrayLike | None = None,
    resamples: int = 2000,
    confidence: float = 0.95,
    seed: int,
) -> BootstrapInterval:
    """Return the interval of the macro accuracy when recordings are resampled; fractions.

    The macro accuracy is the unweighted mean of the class accuracies, over all clips, or with ``folds`` within each
    fold and then averaged over folds, as in the tables. A class without a drawn recording is left out of that
    resample's mean (within its fold), and so is a fold without any.

    Parameters
    ----------
    correct : array_like, shape (n,)
        Right or wrong per clip, or the fraction of seeds that were right, in 0..1.
    labels, recordings : array_like, shape (n,)
        True class and recording of each clip.
    folds : array_like, shape (n,), optional
        Fold of each clip. None takes all clips together.
    resamples : int
        Number of resamples.
    confidence : float
        Probability of the interval.
    seed : int
        The same seed draws the same resamples.

    Raises
    ------
    StatisticsError
        When lengths differ, ``correct`` is outside 0..1, or as :func:`clustered_bootstrap`.

    Examples
    --------
    >>> correct, labels, recordings = [1, 1, 0, 1, 0, 1], [0, 0, 0, 1, 1, 1], ["a", "a", "b", "c", "d", "d"]
    >>> found = macro_accuracy_bootstrap(correct, labels, recordings, seed=0)
    >>> round(found.estimate, 3), found.n_groups
    (0.667, 4)
    """
    return _macro_interval(_fractions(correct, "correct"), labels, recordings, folds, resamples, confidence, seed)


def accuracy_difference_bootstrap(
    correct_first: ArrayLike,
    correct_second: ArrayLike,
    labels: ArrayLike,
    recordings: ArrayLike,
    *,
    folds: ArrayLike | None = None,
    resamples: int = 2000,
    confidence: float = 0.95,
    seed: int,
) -> BootstrapInterval:
    """Return the interval of the difference in macro accuracy, first - second, of two arms on the same clips.

    Both arms are scored on the same drawn recordings, so what makes a recording hard for both cancels out. Absent
    classes are treated as in :func:`macro_accuracy_bootstrap`.

    Parameters
    ----------
    correct_first, correct_second : array_like, shape (n,)
        Right or wrong per clip, or the fraction of seeds that were right, in 0..1; clips in the same order.
    labels, recordings : array_like, shape (n,)
        True class and recording of each clip.
    folds : array_like, shape (n,), optional
        Fold of each clip. None takes all clips together.
    resamples : int
        Number of resamples.
    confidence : float
        Probability of the interval.
    seed : int
        The same seed draws the same resamples.

    Raises
    ------
    StatisticsError
        As :func:`macro_accuracy_bootstrap`, or when the arms have different numbers of clips.
    """
    first, second = _fractions(correct_first, "correct_first"), _fractions(correct_second, "correct_second")
    if first.size != second.size:
        raise StatisticsError(
            f"correct_first has {first.size} clips and correct_second {second.size}; give the same clips in the same "
            "order"
        )
    # Both accuracies have the same denominators, so the difference of means is the mean of differences.
    return _macro_interval(first - second, labels, recordings, folds, resamples, confidence, seed)


def _macro_interval(
    values: Floats,
    labels: ArrayLike,
    recordings: ArrayLike,
    folds: ArrayLike | None,
    resamples: int,
    confidence: float,
    seed: int,
) -> BootstrapInterval:
    """Bootstrap through counts per recording (G) and cell (fold F and class C): each clip is read once."""
    columns = {"labels": labels, "recordings": recordings, "folds": np.zeros(values.size) if folds is None else folds}
    for name, column in columns.items():
        if np.shape(column) != values.shape:
            raise StatisticsError(f"{name} has the shape {np.shape(column)}; give one for each of {values.size} clips")
    group, n_groups = coded_groups(recordings)
    label, fold = (np.unique(np.asarray(columns[name]), return_inverse=True)[1] for name in ("labels", "folds"))
    n_classes, n_folds = int(label.max()) + 1, int(fold.max()) + 1
    n_cells = n_folds * n_classes
    cell = group * n_cells + fold * n_classes + label
    totals_GX = np.bincount(cell, minlength=n_groups * n_cells).reshape(n_groups, n_cells).astype(np.float64)
    sums_GX = np.bincount(cell, weights=values, minlength=n_groups * n_cells).reshape(n_groups, n_cells)

    def score(times_RG: Floats) -> Floats:
        totals_RFC = (times_RG @ totals_GX).reshape(-1, n_folds, n_classes)
        sums_RFC = (times_RG @ sums_GX).reshape(-1, n_folds, n_classes)
        present_RFC = totals_RFC > 0
        classes_RF = present_RFC.sum(axis=2)
        accuracy_RFC = np.divide(sums_RFC, totals_RFC, out=np.zeros_like(sums_RFC), where=present_RFC)
        means_RF = accuracy_RFC.sum(axis=2) / np.maximum(classes_RF, 1)
        means_R: Floats = means_RF.sum(axis=1) / (classes_RF > 0).sum(axis=1)
        return means_R

    drawn = [score(times_drawn(chunk, n_groups)) for chunk in draws(n_groups, resamples, seed)]
    return _interval(float(score(np.ones((1, n_groups)))[0]), np.concatenate(drawn), confidence, n_groups)


def draws(n_groups: int, resamples: int, seed: int) -> Iterator[Rows]:
    """Yield the drawn groups of every resample, in chunks of shape (r, n_groups)."""
    rng = np.random.default_rng(seed)
    for start in range(0, check_count(resamples, "resamples"), _CHUNK):
        yield rng.integers(n_groups, size=(min(_CHUNK, resamples - start), n_groups))


def times_drawn(drawn: Rows, n_groups: int) -> Floats:
    """Return how often each group was drawn, shape (r, n_groups)."""
    offset = np.arange(len(drawn))[:, None] * n_groups
    return np.bincount((drawn + offset).ravel(), minlength=drawn.size).reshape(drawn.shape).astype(np.float64)


def coded_groups(groups: ArrayLike) -> tuple[NDArray[np.intp], int]:
    """Return the number of each row's group, and of groups; StatisticsError when these are fewer than 2."""
    codes = np.unique(np.asarray(groups), return_inverse=True)[1]
    n_groups = int(codes.max()) + 1 if codes.size else 0
    if n_groups < 2:
        raise StatisticsError(f"resampling needs at least 2 groups (recordings), received {n_groups}; give more clips")
    return codes, n_groups


def _fractions(correct: ArrayLike, name: str) -> Floats:
    values = np.asarray(correct, dtype=np.float64)
    if values.ndim != 1:
        raise StatisticsError(f"{name} must have one number per clip, received an array of shape {values.shape}")
    if not ((values >= 0) & (values <= 1)).all():
        raise StatisticsError(
            f"{name} must be in 0..1 (wrong .. right), without missing values; do not pass percentages"
        )
    return values


def _interval(estimate: float, values: Floats, confidence: float, n_groups: int) -> BootstrapInterval:
    tail = (1 - check_confidence(confidence)) / 2
    if not np.isfinite(values).all():
        raise StatisticsError(
            f"the statistic is not finite on {(~np.isfinite(values)).sum()} of {values.size} resamples; it must define "
            "a value for resamples in which a class is missing"
        )
    low, high = np.quantile(values, [tail, 1 - tail])
    return BootstrapInterval(float(estimate), float(low), float(high), confidence, n_groups, values.size)
