"""A mean over folds against a published mean that comes with a standard deviation over folds, or might have.

Both sides are cross-validated, so both variances are corrected. The two are taken as independent; where both used the
same official folds they rise and fall together, which a mean and an SD cannot show, and the test is cautious.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.errors import StatisticsError
from harness.statistics.correction import standard_error
from harness.statistics.folds import (
    FoldValues,
    check_confidence,
    check_count,
    check_margin,
    check_ratio,
    finite,
    fold_array,
    fold_sd,
)
from harness.statistics.student import above, critical, two_sided


@dataclass(frozen=True)
class PublishedTest:
    """Own mean minus published mean; every interval is over folds.

    Attributes
    ----------
    difference, standard_error, df, t, p
        Welch's test with both variances corrected; ``df`` after Welch and Satterthwaite, commonly not whole.
    low, high, confidence
        Interval of the difference.
    prediction_low, prediction_high, inside
        Where the published mean would be expected if its folds were like the own ones, and whether it is there.
    """

    difference: float
    standard_error: float
    df: float
    t: float
    p: float
    low: float
    high: float
    confidence: float
    prediction_low: float
    prediction_high: float
    inside: bool

    def equivalence_p(self, margin: float) -> float:
        """Return the p of the two one-sided tests that the difference lies within ``margin``, with both variances.

        Raises
        ------
        StatisticsError
            When ``margin`` is not above 0.
        """
        nearer = (check_margin(margin) - abs(self.difference)) / self.standard_error
        return above(nearer, self.df)


def against_published(
    values: FoldValues,
    mean: float,
    sd: float,
    folds: int,
    *,
    ratio: float,
    published_ratio: float,
    confidence: float = 0.95,
) -> PublishedTest:
    """Test the mean over folds against a published ``mean`` with its ``sd`` over ``folds`` folds (ddof 1).

    Welch's test with variances s² (1 / k + ratio) on both sides (Welch 1947; Nadeau and Bengio 2003). The prediction
    interval needs no published SD: it takes the own one for both sides, with the own k - 1 degrees of freedom.

    Raises
    ------
    StatisticsError
        With fewer than 2 folds on a side, a number that is not finite, equal values, ``sd`` below 0, a ratio not above
        0, or ``confidence`` outside (0, 1).
    """
    if not (np.isfinite(sd) and sd >= 0):
        raise StatisticsError(
            f"the published standard deviation is {sd}; give the one over folds, in the unit of the values, "
            "or use one_sample where none was published"
        )
    own, own_sd, error = _own(values, ratio, confidence)
    check_count(folds, "published folds")
    theirs = standard_error(sd, folds, check_ratio(published_ratio, "published ratio"))
    difference = float(own.mean()) - finite(mean, "published mean")
    both, df = _welch(error, own.size, theirs, folds)
    half = critical((1 - confidence) / 2, df) * both
    ahead = np.hypot(error, standard_error(own_sd, folds, published_ratio))
    reach = critical((1 - confidence) / 2, own.size - 1) * float(ahead)
    return PublishedTest(
        difference=difference,
        standard_error=both,
        df=df,
        t=difference / both,
        p=two_sided(difference / both, df),
        low=difference - half,
        high=difference + half,
        confidence=confidence,
        prediction_low=float(own.mean()) - reach,
        prediction_high=float(own.mean()) + reach,
        inside=abs(difference) <= reach,
    )


def sensitivity(
    values: FoldValues,
    mean: float,
    folds: int,
    *,
    ratio: float,
    published_ratio: float,
    confidence: float = 0.95,
) -> float:
    """Return how large the published SD over ``folds`` folds would have to be for the difference to be chance.

    It is the SD at which the p of :func:`against_published` reaches 1 - ``confidence``; 0 when the difference is not
    significant even against a published mean without spread. There always is one, though it may be absurdly large.

    Raises
    ------
    StatisticsError
        As :func:`against_published`.
    """
    own, _, error = _own(values, ratio, confidence)
    check_count(folds, "published folds")
    check_ratio(published_ratio, "published ratio")
    distance = abs(float(own.mean()) - finite(mean, "published mean"))

    def excess(theirs: float) -> float:
        both, df = _welch(error, own.size, theirs, folds)
        return distance - critical((1 - confidence) / 2, df) * both

    if excess(0.0) <= 0:
        return 0.0
    # The critical t is above 1 from df 1 on wherever p can be small; doubling meets the root for any confidence.
    upper = distance
    while excess(upper) > 0:
        upper *= 2
    # Halving reaches the last digit in some fifty steps; importing scipy.optimize takes longer than all of them.
    lower, middle = 0.0, upper / 2
    while lower < middle < upper:
        lower, upper = (middle, upper) if excess(middle) > 0 else (lower, middle)
        middle = (lower + upper) / 2
    return upper / standard_error(1.0, folds, published_ratio)


def _own(values: FoldValues, ratio: float, confidence: float) -> tuple[np.ndarray, float, float]:
    array = fold_array(values)
    sd = fold_sd(array, float(np.abs(array).max()))
    check_confidence(confidence)
    return array, sd, standard_error(sd, array.size, check_ratio(ratio))


def _welch(error: float, k: int, theirs: float, folds: int) -> tuple[float, float]:
    """Return the standard error of a difference and its degrees of freedom (Welch and Satterthwaite)."""
    share = error**2 / (error**2 + theirs**2)
    return float(np.hypot(error, theirs)), 1 / (share**2 / (k - 1) + (1 - share) ** 2 / (folds - 1))
