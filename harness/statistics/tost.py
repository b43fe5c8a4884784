"""Equivalence: is a difference shown to be smaller than a margin? Two one-sided corrected t-tests (TOST).

Schuirmann (1987). Failing to find a difference is no evidence that there is none; this test can provide such evidence.
The margin is declared before the run. With the usual spread over folds small margins are out of reach whatever the mean
turns out to be; :func:`smallest_provable_margin` shows which.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.statistics.correction import standard_error
from harness.statistics.fold_values import (
    Floats,
    FoldValues,
    check_alpha,
    check_count,
    check_margin,
    check_ratio,
    differences,
    finite,
    fold_array,
    fold_sd,
    positive,
)
from harness.statistics.student import above, critical


@dataclass(frozen=True)
class Equivalence:
    """Whether a difference is inside ``(-margin, margin)``, over folds.

    Attributes
    ----------
    difference, margin
        Mean minus target (or first minus second), and the declared margin.
    p_lower, p_upper, p
        Of the tests against "at or below -margin" and "at or above margin", and the larger of the two.
    equivalent
        ``p`` below alpha; equivalent to the interval being inside the margins.
    low, high
        Corrected interval of the difference at confidence 1 - 2 alpha.
    smallest_margin
        These values show equivalence for every margin above this one: the distance from 0 of the interval's farther
        end.
    """

    difference: float
    margin: float
    p_lower: float
    p_upper: float
    p: float
    equivalent: bool
    low: float
    high: float
    smallest_margin: float


def equivalence(values: FoldValues, target: float, margin: float, *, ratio: float, alpha: float = 0.05) -> Equivalence:
    """Test whether the mean over folds is within ``margin`` of ``target``.

    Parameters
    ----------
    values : FoldValues
        One value per fold, seeds averaged.
    target, margin : float
        The fixed number and the margin of equivalence, in the unit of ``values``.
    ratio : float
        n_test / n_train of one fold.
    alpha : float
        Level of each one-sided test.

    Raises
    ------
    StatisticsError
        With fewer than 2 folds, a number that is not finite, equal values, ``margin`` or ``ratio`` not above 0, or
        ``alpha`` outside (0, 0.5).

    Examples
    --------
    >>> found = equivalence([72.0, 71.5, 72.4], 72.0, 3.0, ratio=1 / 2)
    >>> found.equivalent, round(found.smallest_margin, 2)
    (True, 1.24)
    """
    array = fold_array(values)
    size = float(np.abs(array).max())
    return tost(array, finite(target, "target"), size, check_margin(margin), check_ratio(ratio), check_alpha(alpha))


def paired_equivalence(
    first: FoldValues, second: FoldValues, margin: float, *, ratio: float, alpha: float = 0.05
) -> Equivalence:
    """Test whether first - second, paired by fold, is within ``margin`` of 0.

    Parameters
    ----------
    first, second : FoldValues
        One value per fold, seeds averaged, of the same folds and in one unit.
    margin : float
        Margin of equivalence, in the same unit.
    ratio : float
        n_test / n_train of one fold.
    alpha : float
        Level of each one-sided test.

    Raises
    ------
    StatisticsError
        When the folds are not the same, or as :func:`equivalence`.
    """
    array, size = differences(first, second)
    return tost(array, 0.0, size, check_margin(margin), check_ratio(ratio), check_alpha(alpha))


def smallest_provable_margin(sd: float, k: int, ratio: float, alpha: float = 0.05) -> float:
    """Return the margin below which no equivalence can be shown, even when the difference is exactly 0.

    It is half the corrected interval at confidence 1 - 2 alpha.

    Parameters
    ----------
    sd : float
        Standard deviation over folds (ddof 1).
    k : int
        Number of folds.
    ratio : float
        n_test / n_train of one fold.
    alpha : float
        Level of each one-sided test.

    Raises
    ------
    StatisticsError
        When ``sd`` or ``ratio`` is not above 0, ``k`` below 2, or ``alpha`` outside (0, 0.5).

    Examples
    --------
    >>> round(smallest_provable_margin(3.0, 10, 1 / 9), 2)
    2.53
    """
    positive(sd, "sd", "give the standard deviation over folds (ddof 1)")
    check_count(k, "k")
    return critical(check_alpha(alpha), k - 1) * standard_error(sd, k, check_ratio(ratio))


def tost(values: Floats, target: float, size: float, margin: float, ratio: float, alpha: float) -> Equivalence:
    """Return the test of values that have been checked.

    Parameters
    ----------
    values : ndarray of float64, shape (k,)
        One value (or difference) per fold.
    target, margin : float
        What the mean is compared with, and the margin of equivalence, in the unit of ``values``.
    size : float
        Largest absolute value of the numbers that ``values`` were computed from; rounding is judged against it.
    ratio : float
        n_test / n_train of one fold.
    alpha : float
        Level of each one-sided test.

    Raises
    ------
    StatisticsError
        When all values are equal.
    """
    k, difference = values.size, float(values.mean()) - target
    error = standard_error(fold_sd(values, size), k, ratio)
    return two_one_sided(difference, error, k - 1, margin, alpha)


def two_one_sided(
    difference: float, error: float, df: float, margin: float, alpha: float, rounding: float = 0.0
) -> Equivalence:
    """Return the test of a ``difference`` with a given standard error.

    Parameters
    ----------
    difference : float
        The estimated difference.
    error : float
        Its standard error, in the same unit; 0 is the limit of ever smaller ones.
    df : float
        Degrees of freedom of ``error``.
    margin : float
        Margin of equivalence, in the same unit.
    alpha : float
        Level of each one-sided test.
    rounding : float
        How far the number behind ``difference`` may have been rounded: equivalence is shown only where it is shown for
        every number that rounds to it, as if the margin were smaller by that much.
    """
    room = margin - rounding
    p_lower, p_upper = (_chance(distance, error, df) for distance in (room + difference, room - difference))
    reach = rounding + critical(alpha, df) * error
    return Equivalence(
        difference=difference,
        margin=margin,
        p_lower=p_lower,
        p_upper=p_upper,
        p=max(p_lower, p_upper),
        equivalent=max(p_lower, p_upper) < alpha,
        low=difference - reach,
        high=difference + reach,
        smallest_margin=abs(difference) + reach,
    )


def _chance(distance: float, error: float, df: float) -> float:
    if error == 0:
        return 0.0 if distance > 0 else 1.0
    return above(distance / error, df)
