"""Corrected t-tests over folds: a mean against a fixed number, and two arms by fold.

The statistic is the mean difference over the standard error of :mod:`harness.statistics.correction`, referred to
Student's t with k - 1 degrees of freedom (Nadeau and Bengio 2003). Tests are two-sided.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.statistics.correction import standard_error
from harness.statistics.fold_values import (
    Floats,
    FoldValues,
    check_confidence,
    check_ratio,
    differences,
    finite,
    fold_array,
    fold_sd,
)
from harness.statistics.student import critical, two_sided


@dataclass(frozen=True)
class TTest:
    """A corrected t-test over ``k`` folds; every interval is over folds.

    Attributes
    ----------
    k, mean, target, difference
        Number of folds, mean over folds, what it is compared with, and mean - target. For two arms ``mean`` is that of
        the differences by fold and ``target`` is 0.
    sd, standard_error
        Over folds with ddof 1, and the corrected standard error of the mean.
    df, t, p
        Degrees of freedom, statistic and two-sided p.
    low, high, confidence
        Corrected interval of ``mean``.
    naive_t, naive_p
        Result of the test without the correction; for comparison, not for conclusions.
    """

    k: int
    mean: float
    target: float
    difference: float
    sd: float
    standard_error: float
    df: int
    t: float
    p: float
    low: float
    high: float
    confidence: float
    naive_t: float
    naive_p: float

    def smallest_found(self, alpha: float) -> float:
        """Return the size above which a difference would have a p below ``alpha``, with this standard error."""
        return critical(alpha / 2, self.df) * self.standard_error


def one_sample(values: FoldValues, target: float, *, ratio: float, confidence: float = 0.95) -> TTest:
    """Test the mean over folds against ``target``, a number taken as fixed (a claim without a spread of its own).

    Parameters
    ----------
    values : FoldValues
        One value per fold, seeds averaged.
    target : float
        The fixed number, in the unit of ``values``.
    ratio : float
        n_test / n_train of one fold.
    confidence : float
        Probability of the interval.

    Raises
    ------
    StatisticsError
        With fewer than 2 folds, a number that is not finite, equal values, ``ratio`` not above 0, or ``confidence``
        outside (0, 1).

    Examples
    --------
    >>> found = one_sample([72.0, 70.5, 74.0], 75.0, ratio=1 / 2)
    >>> round(found.difference, 2), round(found.t, 2), round(found.p, 2)
    (-2.83, -1.77, 0.22)
    """
    array = fold_array(values)
    size = float(np.abs(array).max())
    return t_test(array, finite(target, "target"), size, check_ratio(ratio), check_confidence(confidence))


def paired(first: FoldValues, second: FoldValues, *, ratio: float, confidence: float = 0.95) -> TTest:
    """Test first - second, paired by fold: accuracies of models rise and fall together from fold to fold.

    Parameters
    ----------
    first, second : FoldValues
        One value per fold, seeds averaged, of the same folds and in one unit.
    ratio : float
        n_test / n_train of one fold.
    confidence : float
        Probability of the interval.

    Raises
    ------
    StatisticsError
        When the folds are not the same, or as :func:`one_sample`.

    Examples
    --------
    >>> found = paired({1: 72.0, 2: 70.5, 3: 74.0}, {1: 70.0, 2: 69.0, 3: 71.5}, ratio=1 / 2)
    >>> round(found.difference, 2), round(found.p, 3), round(found.naive_p, 3)
    (2.0, 0.048, 0.02)
    """
    array, size = differences(first, second)
    return t_test(array, 0.0, size, check_ratio(ratio), check_confidence(confidence))


def t_test(values: Floats, target: float, size: float, ratio: float, confidence: float) -> TTest:
    """Return the test of values that have been checked.

    Parameters
    ----------
    values : ndarray of float64, shape (k,)
        One value (or difference) per fold.
    target : float
        What the mean is compared with, in the unit of ``values``.
    size : float
        Largest absolute value of the numbers that ``values`` were computed from; rounding is judged against it.
    ratio : float
        n_test / n_train of one fold.
    confidence : float
        Probability of the interval.

    Raises
    ------
    StatisticsError
        When all values are equal.
    """
    k = values.size
    mean, sd = float(values.mean()), fold_sd(values, size)
    error, df = standard_error(sd, k, ratio), k - 1
    t, naive_t = (mean - target) / error, (mean - target) / standard_error(sd, k, 0)
    half = critical((1 - confidence) / 2, df) * error
    return TTest(
        k=k,
        mean=mean,
        target=target,
        difference=mean - target,
        sd=sd,
        standard_error=error,
        df=df,
        t=t,
        p=two_sided(t, df),
        low=mean - half,
        high=mean + half,
        confidence=confidence,
        naive_t=naive_t,
        naive_p=two_sided(naive_t, df),
    )
