"""The Bayesian correlated t-test: how probable it is that a difference is below, inside or above a region.

Benavoli, Corani, Demsar and Zaffalon (2017), "Time for a change", Journal of Machine Learning Research 18(77). It
answers what a p value does not: the probability that the difference is negligible. The prior is flat in the mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.errors import StatisticsError
from harness.statistics.correction import standard_error
from harness.statistics.fold_values import FoldValues, check_confidence, check_ratio, differences, fold_sd
from harness.statistics.student import above, critical


@dataclass(frozen=True)
class CorrelatedT:
    """Posterior probabilities of the difference, and its credible interval.

    ``p_lower``, ``p_rope`` and ``p_higher`` are those of first - second being below -rope, within, and above rope.
    ``low`` and ``high`` bound the difference with probability ``confidence``; they are over folds.
    """

    p_lower: float
    p_rope: float
    p_higher: float
    low: float
    high: float
    confidence: float


def correlated_t(
    first: FoldValues, second: FoldValues | float, *, rope: float, ratio: float, confidence: float = 0.95
) -> CorrelatedT:
    """Return the posterior of first - second by fold, or of ``first`` minus one number.

    Student's t with k - 1 degrees of freedom around the mean difference, with scale² = s² (1 / k + rho / (1 - rho));
    rho = n_test / (n_test + n_train) makes rho / (1 - rho) the ``ratio``. For repeated cross-validation give the values
    of all repetitions in one sequence, and the ratio of one repetition.

    Parameters
    ----------
    first : FoldValues
        One value per fold, seeds averaged.
    second : FoldValues or float
        Values of the same folds in the same unit, or one number.
    rope : float
        Half width of the region of practical equivalence, in the unit of the values; 0 for none, then ``p_rope`` is 0.
    ratio : float
        n_test / n_train of one fold.
    confidence : float
        Probability of the credible interval.

    Raises
    ------
    StatisticsError
        When the folds are not the same or fewer than 2, a number is not finite, all differences are equal, ``rope`` is
        below 0, ``ratio`` not above 0, or ``confidence`` outside (0, 1).

    Examples
    --------
    >>> found = correlated_t([72.0, 70.5, 74.0], [70.0, 69.0, 71.5], rope=1.0, ratio=1 / 2)
    >>> round(found.p_lower, 3), round(found.p_rope, 3), round(found.p_higher, 3)
    (0.011, 0.069, 0.92)
    """
    if not (np.isfinite(rope) and rope >= 0):
        raise StatisticsError(f"rope must be 0 or more, received {rope}; a good choice is the margin of the study")
    values, size = differences(first, second)
    error = standard_error(fold_sd(values, size), values.size, check_ratio(ratio))
    df, mean = values.size - 1, float(values.mean())
    half = critical((1 - check_confidence(confidence)) / 2, df) * error
    p_lower, p_higher = above((rope + mean) / error, df), above((rope - mean) / error, df)
    return CorrelatedT(
        p_lower,
        max(0.0, 1 - p_lower - p_higher) if rope else 0.0,
        p_higher,
        mean - half,
        mean + half,
        confidence,
    )
