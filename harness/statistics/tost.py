"""Equivalence: is a difference shown to be smaller than a margin? Two one-sided corrected t-tests (TOST).

Schuirmann (1987). Failing to find a difference is no evidence that there is none; this test can provide such evidence.
The margin is declared before the run. With the usual spread over folds small margins are out of reach whatever the mean
turns out to be: no margin below half the corrected interval at confidence 1 - 2 alpha can be shown.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.statistics.correction import standard_error
from harness.statistics.fold_values import (
    FoldValues,
    check_alpha,
    check_margin,
    check_ratio,
    differences,
    fold_sd,
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


def equivalence(
    first: FoldValues, second: FoldValues | float, margin: float, *, ratio: float, alpha: float = 0.05
) -> Equivalence:
    """Test whether the mean over folds of first - second is within ``margin`` of 0.

    Parameters
    ----------
    first : FoldValues
        One value per fold, seeds averaged.
    second : FoldValues or float
        Values of the same folds, paired by fold, or a fixed number, in the same unit.
    margin : float
        Margin of equivalence, in the same unit.
    ratio : float
        n_test / n_train of one fold.
    alpha : float
        Level of each one-sided test.

    Raises
    ------
    StatisticsError
        When the folds are not the same, or fewer than 2, with a number that is not finite, equal differences,
        ``margin`` or ``ratio`` not above 0, or ``alpha`` outside (0, 0.5).

    Examples
    --------
    >>> found = equivalence([72.0, 71.5, 72.4], 72.0, 3.0, ratio=1 / 2)
    >>> found.equivalent, round(found.smallest_margin, 2)
    (True, 1.24)
    """
    apart, size = differences(first, second)
    error = standard_error(fold_sd(apart, size), apart.size, check_ratio(ratio))
    return two_one_sided(float(apart.mean()), error, apart.size - 1, check_margin(margin), check_alpha(alpha))


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
