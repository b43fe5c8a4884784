"""Wilcoxon's signed-rank test over folds, exact, with the smallest p that so few folds can reach.

Shown in addition to the corrected t-test, not instead of it: ranks do not account for overlapping training sets.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.errors import StatisticsError
from harness.statistics.fold_values import FoldValues, differences

# Differences that agree to this fraction of the values' magnitude are ties: they differ only by rounding.
_DECIMALS = 11


@dataclass(frozen=True)
class Wilcoxon:
    """An exact two-sided signed-rank test over folds.

    Attributes
    ----------
    statistic
        The smaller of the two sums of ranks.
    p, attainable_p
        Two-sided p, and the smallest that ``k`` differences could give: 2 / 2^k. Five folds stop at .0625.
    k, zeros
        Differences that were ranked, and those dropped because they are 0.
    """

    statistic: float
    p: float
    attainable_p: float
    k: int
    zeros: int


def wilcoxon_folds(first: FoldValues, second: FoldValues | float, *, rounding: float = 0.0) -> Wilcoxon:
    """Test first - second by fold, or ``first`` against one number (Wilcoxon 1945).

    Zeros are dropped, and so are differences that the ``rounding`` of printed values explains. Tied differences share
    their mean rank and the null distribution is computed from these ranks, so p is also exact with ties.

    The count is implemented here because accuracies often tie: ``scipy.stats.wilcoxon`` with ``method="exact"`` takes
    the ranks to be 1 .. k in spite of ties (1, 1, 2, -1, 3 have a p of 0.25, not 0.1875), and its ``PermutationMethod``
    enumerates 2^k signs. The tests compare this count with the former without ties and with the latter with ties.

    Raises
    ------
    StatisticsError
        When every difference is 0 or explained by rounding, the folds are not the same, there are fewer than 2, or a
        number is not finite.

    Examples
    --------
    >>> found = wilcoxon_folds([72.0, 70.5, 74.0, 71.0, 73.0], [70.0, 69.0, 71.5, 71.5, 72.0])
    >>> found.p, found.attainable_p
    (0.125, 0.0625)
    """
    values, size = differences(first, second)
    rounded = np.round(values / size, _DECIMALS) if size else values
    ranked = rounded[np.abs(rounded) > np.round(rounding / size, _DECIMALS)] if size else rounded[:0]
    k = ranked.size
    if not k:
        raise StatisticsError(
            f"all {values.size} folds are equal on both sides, so there is no difference to rank; "
            "check that two different arms were given"
        )
    # Twice the ranks are integers even where ties share a mean rank.
    _, place, ties = np.unique(np.abs(ranked), return_inverse=True, return_counts=True)
    doubled = (2 * np.cumsum(ties) - ties + 1)[place]
    total, positive = int(doubled.sum()), int(doubled[ranked > 0].sum())
    smaller = min(positive, total - positive)
    chances = np.ones(1)
    for rank in doubled:
        chances = (np.pad(chances, (0, rank)) + np.pad(chances, (rank, 0))) / 2
    p = min(1.0, 2 * float(chances[: smaller + 1].sum()))
    return Wilcoxon(smaller / 2, p, min(1.0, 2.0 ** (1 - k)), k, values.size - k)
