"""Accuracies from counts alone: intervals, and what the totals of two systems say about McNemar's test.

Clips are taken as independent, which slices of one recording are not; with several clips per recording these intervals
are too narrow. Macro accuracies are means of the class accuracies, differences are first - second; fractions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from harness.errors import StatisticsError
from harness.statistics.fold_values import Floats, check_confidence

_EXACT_BELOW = 25
"""As in :func:`harness.statistics.clip_tests.mcnemar`."""


@dataclass(frozen=True)
class Proportion:
    """An estimate with its interval, as fractions."""

    estimate: float
    low: float
    high: float
    confidence: float


@dataclass(frozen=True)
class McNemarBounds:
    """What McNemar's test can give if two systems were tested on the same clips.

    Attributes
    ----------
    difference
        Clips that only the first has right less those that only the second has right; known from the totals.
    fewest, most
        Bounds of the number of clips on which the two differ.
    p_low, p_high
        Bounds of p; both occur for some pairing of the clips.
    """

    difference: int
    fewest: int
    most: int
    p_low: float
    p_high: float


def wilson(right: ArrayLike, clips: ArrayLike, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Return the limits of Wilson's score interval (Wilson 1927) for each pair of counts.

    Raises
    ------
    StatisticsError
        When a count is not in 0 <= right <= clips, or there are no clips.
    """
    x, n = _counts(right, clips)
    z = float(special.ndtri(1 - (1 - check_confidence(confidence)) / 2))
    middle, half = (x + z**2 / 2) / (n + z**2), z / (n + z**2) * np.sqrt(x * (n - x) / n + z**2 / 4)
    # Rounding must not exclude the limits that a count of 0, or of all clips, has.
    return np.where(x == 0, 0.0, middle - half), np.where(x == n, 1.0, middle + half)


def clopper_pearson(right: int, clips: int, confidence: float = 0.95) -> Proportion:
    """Return the exact interval of an accuracy (Clopper and Pearson 1934), which covers at least ``confidence``.

    Raises
    ------
    StatisticsError
        As :func:`wilson`.
    """
    (x,), (n,) = _counts([right], [clips])
    tail = (1 - check_confidence(confidence)) / 2
    low = 0.0 if x == 0 else float(special.betaincinv(x, n - x + 1, tail))
    high = 1.0 if x == n else float(special.betaincinv(x + 1, n - x, 1 - tail))
    return Proportion(float(x / n), low, high, confidence)


def macro_accuracy_interval(right: ArrayLike, clips: ArrayLike, confidence: float = 0.95) -> Proportion:
    """Return the macro accuracy with its interval from the Wilson limits of the class accuracies.

    The limits of a sum are recovered from those of its parts (Zou, Huang and Zhang 2009, "A note on confidence interval
    estimation for a linear function of binomial proportions", Computational Statistics and Data Analysis 53). With one
    class it is Wilson's interval.

    Parameters
    ----------
    right, clips : array_like of int, shape (C,)
        Clips of each class that were classified correctly, and clips of each class; classes without clips are left out.
    confidence : float
        Probability of the interval.

    Raises
    ------
    StatisticsError
        When there are no clips, or a count is not in 0 <= right <= clips.
    """
    estimate, below, above = _macro(right, clips, confidence)
    return Proportion(estimate, estimate - below, estimate + above, confidence)


def macro_difference_interval(
    first: ArrayLike, first_clips: ArrayLike, second: ArrayLike, second_clips: ArrayLike, confidence: float = 0.95
) -> Proportion:
    """Return the difference in macro accuracy of two systems on *different* clips, with its interval.

    As :func:`macro_accuracy_interval`; with one class it is the hybrid score interval of Newcombe (1998, method 10).
    For systems on the same clips it ignores the pairing, and is wider than a paired interval where both tend to be
    right on the same clips.

    Parameters
    ----------
    first, first_clips : array_like of int, shape (C,)
        Correct clips of each class, and clips of each class, of the first system.
    second, second_clips : array_like of int, shape (C,)
        The same of the second system.
    confidence : float
        Probability of the interval.

    Raises
    ------
    StatisticsError
        As :func:`macro_accuracy_interval`.
    """
    (one, below, above), (other, under, over) = (
        _macro(first, first_clips, confidence),
        _macro(second, second_clips, confidence),
    )
    return Proportion(
        one - other, one - other - math.hypot(below, over), one - other + math.hypot(above, under), confidence
    )


def mcnemar_bounds(first: ArrayLike, second: ArrayLike, clips: ArrayLike) -> McNemarBounds:
    """Return what McNemar's test can give for two systems of which only the correct clips per class are known.

    In a class of n clips with x and y correct ones, the clips that only the first has right are at least max(0, x - y)
    and at most min(x, n - y) (the bounds of Frechet), and what the others are classified as says nothing more. p rises
    with the number of clips on which the two differ, since the difference of the two counts is known.

    Parameters
    ----------
    first, second : array_like of int, shape (C,)
        Correct clips of each class.
    clips : array_like of int, shape (C,)
        Clips of each class; both systems were tested on the same ones.

    Raises
    ------
    StatisticsError
        As :func:`wilson`.

    Examples
    --------
    >>> found = mcnemar_bounds([40, 50], [30, 50], [50, 50])
    >>> found.difference, found.fewest, found.most, round(found.p_low, 4), round(found.p_high, 4)
    (10, 10, 30, 0.002, 0.1003)
    """
    (x, n), (y, _) = _counts(first, clips), _counts(second, clips)
    only_least = np.maximum(0, x - y)
    only_most = np.minimum(x, n - y)
    difference = int((x - y).sum())
    fewest, most = (int((2 * only - (x - y)).sum()) for only in (only_least, only_most))
    candidates = {fewest, most}
    # The exact test replaces the approximation below 25 clips: p rises within each of them, not from one to the other.
    candidates |= {m for m in (_EXACT_BELOW - 2, _EXACT_BELOW - 1, _EXACT_BELOW, _EXACT_BELOW + 1) if fewest < m < most}
    values = [_mcnemar_p(difference, m) for m in candidates if (m - fewest) % 2 == 0]
    return McNemarBounds(difference, fewest, most, min(values), max(values))


def _mcnemar_p(difference: int, apart: int) -> float:
    """Return McNemar's p with ``apart`` clips on which two systems differ, as clip_tests.mcnemar computes it."""
    if apart == 0:
        return 1.0
    if apart < _EXACT_BELOW:
        smaller = (apart - abs(difference)) // 2
        return min(1.0, 2 * float(special.bdtr(smaller, apart, 0.5)))
    return float(special.chdtrc(1, (abs(difference) - 1) ** 2 / apart))


def _macro(right: ArrayLike, clips: ArrayLike, confidence: float) -> tuple[float, float, float]:
    """Return the macro accuracy and how far its limits lie below and above."""
    x, n = np.asarray(right), np.asarray(clips)
    if x.shape != n.shape or x.ndim != 1:
        raise StatisticsError(f"right has the shape {x.shape} and clips {n.shape}; give one count of each per class")
    tested = n > 0
    if not tested.any():
        raise StatisticsError("no class has clips")
    x, n = x[tested], n[tested]
    low, high = wilson(x, n, confidence)
    accuracy = x / n
    below, above = (float(np.sqrt((part**2).sum()) / n.size) for part in (accuracy - low, high - accuracy))
    return float(accuracy.mean()), below, above


def _counts(right: ArrayLike, clips: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    x, n = np.asarray(right), np.asarray(clips)
    if x.shape != n.shape or x.dtype.kind not in "iu" or n.dtype.kind not in "iu":
        raise StatisticsError("right and clips must be whole numbers, one of each per class")
    if not n.size or not ((x >= 0) & (x <= n) & (n > 0)).all():
        raise StatisticsError("each class needs 0 <= right <= clips, with at least one clip")
    return x.astype(np.int64), n.astype(np.int64)
