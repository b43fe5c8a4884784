"""Ranks of systems with their uncertainty; rank 1 is the best, and equal scores share the better rank.

Two kinds of interval. Those of *draws* hold for one system at a time: they are percentiles of its rank on resamples of
recordings or folds. Those of *tests* hold for all systems together: a system's rank is at least 1 plus the number of
systems that are shown to be better, and at most S less the number that are shown to be worse (Mogstad, Romano, Shaikh
and Wilhelm 2024, "Inference for Ranks with Applications to Mobility across Neighbourhoods and Academic Achievement
across Countries", Review of Economic Studies 91, section 3; Klein, Wright and Wieczorek 2020). If the tests of all
pairs control the family-wise error at alpha, all these intervals together hold with probability 1 - alpha.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from harness.errors import StatisticsError
from harness.statistics.bootstrap import draws, times_drawn
from harness.statistics.fold_values import Floats, check_confidence, check_count, check_ratio
from harness.statistics.student import critical

Ranks = NDArray[np.int64]


@dataclass(frozen=True)
class RankIntervals:
    """Lowest and highest rank of each system, shape (S,), and the share of draws in which it is the best (or ties)."""

    low: Ranks
    high: Ranks
    best: Floats
    confidence: float


def ranks_of(scores: ArrayLike) -> Ranks:
    """Return the rank of each score in the last axis: 1 plus the number of larger ones.

    Examples
    --------
    >>> ranks_of([0.9, 0.7, 0.9, 0.8]).tolist()
    [1, 4, 1, 3]
    """
    values = np.asarray(scores, dtype=np.float64)
    ascending = np.sort(values, axis=-1)
    flat, rows = values.reshape(-1, values.shape[-1]), ascending.reshape(-1, values.shape[-1])
    above = [row.size - np.searchsorted(row, own, side="right") for own, row in zip(flat, rows, strict=True)]
    return 1 + np.array(above, dtype=np.int64).reshape(values.shape)


def ranks_of_draws(draws_RS: ArrayLike, confidence: float = 0.95) -> RankIntervals:
    """Return the percentile intervals of the ranks on resamples.

    Parameters
    ----------
    draws_RS : array_like, shape (resamples, S)
        Score of each system on each resample, all systems on the same ones. Scores that differ by less than 1e-9 tie.
    confidence : float
        Probability of each system's interval.

    Raises
    ------
    StatisticsError
        When there is no draw, a score is not finite, or ``confidence`` is outside (0, 1).
    """
    scores = np.asarray(draws_RS, dtype=np.float64)
    if scores.ndim != 2 or not scores.size or not np.isfinite(scores).all():
        raise StatisticsError(f"draws_RS must be finite, a row per resample; received the shape {scores.shape}")
    tail = (1 - check_confidence(confidence)) / 2
    ranks = ranks_of(np.round(scores, 9))
    # Ranks are whole, so the limits are too: no rank is interpolated between two draws.
    low = np.quantile(ranks, tail, axis=0, method="inverted_cdf")
    high = np.quantile(ranks, 1 - tail, axis=0, method="inverted_cdf")
    return RankIntervals(low.astype(np.int64), high.astype(np.int64), (ranks == 1).mean(axis=0), confidence)


def fold_mean_draws(
    values_FS: ArrayLike, *, ratio: float, confidence: float = 0.95, resamples: int = 2000, seed: int
) -> Floats:
    """Return means over resampled folds, spread as the corrected t-interval is, shape (resamples, S).

    A plain bootstrap of k folds has the variance s^2 (k - 1) / k^2, less than independent folds would have and far less
    than folds whose training sets overlap. Deviations from the mean are therefore enlarged: to the variance
    s^2 (1 / k + ratio) of :func:`harness.statistics.correction.standard_error`, and by the quantile of Student's t with
    k - 1 degrees of freedom over that of the normal distribution. All systems use the same draws.

    Parameters
    ----------
    values_FS : array_like, shape (k, S)
        One value per fold and system.
    ratio : float
        n_test / n_train of one fold.
    confidence : float
        Probability of the intervals that the draws are for.
    resamples : int
        Number of resamples.
    seed : int
        The same seed draws the same resamples.

    Raises
    ------
    StatisticsError
        With fewer than 2 folds or 2 resamples, a value that is not finite, ``ratio`` not above 0, or ``confidence``
        outside (0, 1).
    """
    values = np.asarray(values_FS, dtype=np.float64)
    if values.ndim != 2 or not np.isfinite(values).all():
        raise StatisticsError(f"values_FS must be finite, a row per fold; received the shape {values.shape}")
    k, tail = check_count(len(values), "the number of folds"), (1 - check_confidence(confidence)) / 2
    mean_S = values.mean(axis=0)
    scale = np.sqrt((1 / k + check_ratio(ratio)) * k**2 / (k - 1)) * critical(tail, k - 1) / -special.ndtri(tail)
    times_RF = np.concatenate([times_drawn(chunk, k) for chunk in draws(k, resamples, seed)])
    found: Floats = mean_S + scale * (times_RF @ (values - mean_S) / k)
    return found


def ranks_of_tests(better_SS: ArrayLike) -> tuple[Ranks, Ranks]:
    """Return the lowest and highest rank that tests of all pairs leave open.

    Parameters
    ----------
    better_SS : array_like of bool, shape (S, S)
        Whether the system of the row is shown to be better than that of the column.

    Examples
    --------
    >>> low, high = ranks_of_tests([[False, False, True], [False, False, True], [False, False, False]])
    >>> low.tolist(), high.tolist()
    ([1, 1, 3], [2, 2, 3])
    """
    better = np.asarray(better_SS, dtype=np.bool_)
    return 1 + better.sum(axis=0), len(better) - better.sum(axis=1)
