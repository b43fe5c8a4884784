"""Tests over clips: which of several networks is right where the others are wrong.

statsmodels is imported where it is used: it takes seconds, and not every comparison has clips.

All of them assume independent clips. Slices of one recording are not independent: they tend to be right or wrong
together. With several clips per recording these p values are too small and these intervals too narrow, and they
describe these trained networks and these clips, not folds. Where recordings have more than one clip, read them together
with :mod:`harness.statistics.bootstrap`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.errors import StatisticsError
from harness.statistics.fold_values import check_count

# With fewer clips on which the two differ, the exact binomial test replaces the chi-square approximation.
_EXACT_BELOW = 25

Answers: TypeAlias = NDArray[np.bool_] | Sequence[bool]


@dataclass(frozen=True)
class McNemar:
    """Counts of clips that only one of two networks got right, and the test that both counts are equally likely.

    ``statistic`` is the smaller count when ``exact`` (binomial), else chi-square with continuity correction.
    """

    only_first: int
    only_second: int
    statistic: float
    p: float
    exact: bool


@dataclass(frozen=True)
class CochranQ:
    """Cochran's Q over three or more networks (two give McNemar's without continuity correction)."""

    statistic: float
    df: int
    p: float


def mcnemar(correct_first: Answers, correct_second: Answers) -> McNemar:
    """Test whether two networks are right equally often on the same clips (McNemar 1947).

    Exact (binomial) with fewer than 25 clips on which they differ. Where they differ on none, p is 1: there is no
    evidence of a difference. Clips are assumed to be independent, which slices of one recording are not.

    Parameters
    ----------
    correct_first, correct_second
        Right or wrong per clip, shape (n,), clips in the same order.

    Raises
    ------
    StatisticsError
        When the lengths differ, there is no clip, or an entry is neither right nor wrong.

    Examples
    --------
    >>> found = mcnemar([True, True, True, False], [True, False, False, False])
    >>> found.only_first, found.only_second, found.p
    (2, 0, 0.5)
    """
    first, second = _answers(correct_first, "correct_first", 1), _answers(correct_second, "correct_second", 1)
    if first.shape != second.shape:
        raise StatisticsError(
            f"correct_first has {first.size} clips and correct_second {second.size}; give the same clips in the same "
            "order"
        )
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    exact = only_first + only_second < _EXACT_BELOW
    table = [[int((first & second).sum()), only_first], [only_second, int((~first & ~second).sum())]]
    from statsmodels.stats.contingency_tables import mcnemar as tested

    result = tested(table, exact=exact, correction=True)
    return McNemar(only_first, only_second, float(result.statistic), min(1.0, float(result.pvalue)), exact)


def detectable_clip_difference(share_apart: float, clips: int, *, alpha: float = 0.05, power: float = 0.8) -> float:
    """Return the smallest true difference in clip accuracy that McNemar's test finds with probability ``power``.

    The normal approximation of Connor (1987, "Sample size for testing differences in proportions for the paired-sample
    design", Biometrics 43), solved for the difference. Clips are assumed to be independent.

    Parameters
    ----------
    share_apart : float
        Fraction of clips on which exactly one of the two is right, above 0.
    clips : int
        Number of clips.
    alpha, power : float
        Level of the two-sided test; probability.

    Returns
    -------
    float
        A fraction; ``share_apart``, the largest possible difference, where none can be found.

    Raises
    ------
    StatisticsError
        When ``share_apart`` is outside (0, 1], there are no clips, or ``power`` is not between ``alpha`` and 1.
    """
    if not 0 < share_apart <= 1 or clips < 1:
        raise StatisticsError(f"share_apart must be in (0, 1] and clips above 0, received {share_apart} and {clips}")
    if not 0 < alpha < power < 1:
        raise StatisticsError(f"power must be between alpha ({alpha:g}) and 1, received {power}")
    from scipy import special

    level, chance = float(special.ndtri(1 - alpha / 2)), float(special.ndtri(power))

    def needed(difference: float) -> float:
        # Clips that this difference needs; falls with the difference.
        rest = max(share_apart - difference**2, 0.0)
        return float((level * share_apart**0.5 + chance * rest**0.5) / difference) ** 2

    if needed(share_apart) > clips:
        return share_apart
    low, high = 0.0, share_apart
    while high - low > 1e-9:
        middle = (low + high) / 2
        low, high = (low, middle) if needed(middle) <= clips else (middle, high)
    return high


def cochran_q(correct: NDArray[np.bool_] | ArrayLike) -> CochranQ:
    """Test whether several networks are right equally often on the same clips (Cochran 1950).

    Where every clip is right for all or wrong for all, Q is 0 and p is 1: no clip distinguishes the networks. Clips are
    assumed to be independent, which slices of one recording are not.

    Parameters
    ----------
    correct
        Right or wrong, shape (n_clips, n_arms).

    Raises
    ------
    StatisticsError
        When there are fewer than 2 networks or no clip, or an entry is neither right nor wrong.
    """
    answers = _answers(correct, "correct", 2)
    arms = answers.shape[1]
    check_count(arms, "the number of networks")
    if bool((answers == answers[:, :1]).all()):
        return CochranQ(0.0, arms - 1, 1.0)
    from statsmodels.stats.contingency_tables import cochrans_q

    result = cochrans_q(answers.astype(np.int64))
    return CochranQ(float(result.statistic), arms - 1, float(result.pvalue))


def _answers(correct: ArrayLike, name: str, dimensions: int) -> NDArray[np.bool_]:
    array = np.asarray(correct)
    if array.ndim != dimensions or not array.shape[0]:
        wanted = "(n_clips,)" if dimensions == 1 else "(n_clips, n_arms)"
        raise StatisticsError(f"{name} must have the shape {wanted} with at least one clip, received {array.shape}")
    if array.dtype.kind not in "biuf" or not np.isin(array, (0, 1)).all():
        raise StatisticsError(f"{name} must be True (right) or False (wrong) for each clip; do not pass probabilities")
    return array.astype(np.bool_)
