"""A mean over folds against a published mean: one with a standard deviation over folds, without one, or fold by fold.

A published mean over folds varies like the own one, so both variances are corrected. The two are assumed to be
independent. Where both used the same official folds they are positively correlated, which a mean and an SD cannot show,
and the test is conservative. Published fold values do show it: they are paired with the own ones.

Published numbers are rounded. ``rounding`` is half a unit of the last printed digit: every number within it would have
been printed the same. A difference or equivalence counts as shown only where it holds against all of them; so the p of
a difference is that of the nearest, and the p of equivalence that of the farthest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from harness.errors import StatisticsError
from harness.statistics.correction import standard_error
from harness.statistics.fold_values import (
    FoldValues,
    check_confidence,
    check_count,
    check_margin,
    check_ratio,
    differences,
    equal,
    finite,
    fold_array,
    fold_sd,
    not_below_0,
)
from harness.statistics.student import critical, two_sided
from harness.statistics.tost import Equivalence, two_one_sided


@dataclass(frozen=True)
class DifferenceTest:
    """Own mean minus published mean; every interval is over folds.

    Attributes
    ----------
    difference, standard_error, df, t, p
        ``t`` and ``p`` are against the nearest number that rounds to the published one. ``df`` is k - 1, or that of
        Welch and Satterthwaite, usually not an integer.
    low, high, confidence
        Interval of the difference, wider by ``rounding`` at both ends.
    rounding
        Half a unit of the last printed digit, in the unit of the values.
    """

    difference: float
    standard_error: float
    df: float
    t: float
    p: float
    low: float
    high: float
    confidence: float
    rounding: float

    def equivalence(self, margin: float) -> Equivalence:
        """Return the two one-sided tests that the difference is within ``margin``, at alpha = 1 - confidence.

        Raises
        ------
        StatisticsError
            When ``margin`` is not above 0, or ``confidence`` not above 0.5.
        """
        return two_one_sided(
            self.difference,
            self.standard_error,
            self.df,
            check_margin(margin),
            1 - self.confidence,
            self.rounding,
        )

    def equivalence_p(self, margin: float) -> float:
        """Return the p of :meth:`equivalence`."""
        return self.equivalence(margin).p

    def smallest_found(self, alpha: float) -> float:
        """Return the size above which a difference would have a p below ``alpha``, with this standard error."""
        return self.rounding + critical(alpha / 2, self.df) * self.standard_error


@dataclass(frozen=True)
class PublishedTest(DifferenceTest):
    """Welch's test with both variances corrected, and where the published mean would be expected.

    ``prediction_low`` and ``prediction_high`` bound it for folds like the own ones; ``inside`` is whether it is within
    the bounds.
    """

    prediction_low: float
    prediction_high: float
    inside: bool


def against_published(
    values: FoldValues,
    mean: float,
    sd: float,
    folds: int,
    *,
    ratio: float,
    published_ratio: float,
    confidence: float = 0.95,
    rounding: float = 0.0,
) -> PublishedTest:
    """Test the mean over folds against a published ``mean`` with its ``sd`` over ``folds`` folds (ddof 1).

    Welch's test with variances s² (1 / k + ratio) on both sides (Welch 1947; Nadeau and Bengio 2003). The prediction
    interval needs no published SD: it uses the own one for both sides, with the own k - 1 degrees of freedom.

    Parameters
    ----------
    values : FoldValues
        Own values, one per fold, seeds averaged.
    mean, sd : float
        Published mean and standard deviation over folds (ddof 1), in the unit of ``values``.
    folds : int
        Number of published folds.
    ratio, published_ratio : float
        n_test / n_train of one fold, own and published.
    confidence : float
        Probability of the intervals.
    rounding : float
        Half a unit of the last printed digit of ``mean``, in the unit of ``values``.

    Raises
    ------
    StatisticsError
        With fewer than 2 folds on a side, a number that is not finite, equal values, ``sd`` or ``rounding`` below 0, a
        ratio not above 0, or ``confidence`` outside (0, 1).

    Examples
    --------
    >>> found = against_published([72.0, 70.5, 74.0], 75.0, 2.0, 10, ratio=1 / 2, published_ratio=1 / 9)
    >>> round(found.difference, 2), round(found.p, 2)
    (-2.83, 0.21)
    """
    if not (np.isfinite(sd) and sd >= 0):
        raise StatisticsError(
            f"the published standard deviation is {sd}; give the one over folds, in the unit of the values, or use "
            "against_mean if none was published"
        )
    own, own_sd, error = _own(values, ratio, confidence)
    check_count(folds, "published folds")
    theirs = standard_error(sd, folds, check_ratio(published_ratio, "published ratio"))
    difference = float(own.mean()) - finite(mean, "published mean")
    both, df = _welch(error, own.size, theirs, folds)
    test = _tested(difference, both, df, confidence, rounding)
    ahead = np.hypot(error, standard_error(own_sd, folds, published_ratio))
    reach = critical((1 - confidence) / 2, own.size - 1) * float(ahead)
    return PublishedTest(
        **vars(test),
        prediction_low=float(own.mean()) - reach,
        prediction_high=float(own.mean()) + reach,
        inside=abs(difference) <= reach,
    )


def against_mean(
    values: FoldValues,
    mean: float,
    *,
    ratio: float,
    share: float = 0.0,
    confidence: float = 0.95,
    rounding: float = 0.0,
) -> DifferenceTest:
    """Test the mean over folds against a published ``mean`` whose standard deviation over folds is not known.

    The published mean is given the own standard deviation s, so that the two sides together have the variance
    s² (1 / k + ratio + share). Where both truly have the same spread, t has k - 1 degrees of freedom.

    Parameters
    ----------
    values : FoldValues
        Own values, one per fold, seeds averaged.
    mean : float
        Published mean, in the unit of ``values``.
    ratio : float
        n_test / n_train of one own fold.
    share : float
        1 / folds + n_test / n_train of the published mean; 0 takes it as exact.
    confidence : float
        Probability of the interval.
    rounding : float
        Half a unit of the last printed digit of ``mean``, in the unit of ``values``.

    Raises
    ------
    StatisticsError
        With fewer than 2 folds, a number that is not finite, equal values, ``ratio`` not above 0, ``share`` or
        ``rounding`` below 0, or ``confidence`` outside (0, 1).
    """
    own, own_sd, _ = _own(values, ratio, confidence)
    error = standard_error(own_sd, own.size, ratio + not_below_0(share, "share"))
    return _tested(float(own.mean()) - finite(mean, "published mean"), error, own.size - 1, confidence, rounding)


def against_folds(
    values: FoldValues, published: FoldValues, *, ratio: float, confidence: float = 0.95, rounding: float = 0.0
) -> DifferenceTest:
    """Test own minus published values, paired by fold.

    Values that equal the published ones on every fold, within ``rounding``, have no spread to test with and need none:
    p is 1 and the standard error 0. Other differences that are all equal carry no information about chance.

    Parameters
    ----------
    values : FoldValues
        Own values, one per fold, seeds averaged.
    published : FoldValues
        Published values of the same folds, in the unit of ``values``.
    ratio : float
        n_test / n_train of one fold.
    confidence : float
        Probability of the interval.
    rounding : float
        How far the mean of the published values may have been rounded, in the unit of ``values``.

    Raises
    ------
    StatisticsError
        When the folds are not the same, all differences are one number that ``rounding`` does not explain, or as
        :func:`against_mean`.
    """
    apart, size = differences(values, published)
    k, mean = apart.size, float(apart.mean())
    if equal(apart, size):
        if abs(mean) > not_below_0(rounding, "rounding") + 1e-12 * size:
            raise StatisticsError(
                f"all {k} folds differ by the same {mean:+g} from the published ones, so their spread says nothing "
                "about chance and no test can be made; check that the values were measured"
            )
        return _tested(mean, 0.0, k - 1, check_confidence(confidence), rounding)
    error = standard_error(fold_sd(apart, size), k, check_ratio(ratio))
    return _tested(mean, error, k - 1, check_confidence(confidence), rounding)


def sensitivity(
    values: FoldValues,
    mean: float,
    folds: int,
    *,
    ratio: float,
    published_ratio: float,
    confidence: float = 0.95,
    rounding: float = 0.0,
) -> float:
    """Return how large the published SD over ``folds`` folds would have to be for the difference to be chance.

    It is the SD at which the p of :func:`against_published` reaches 1 - ``confidence``; 0 when the difference is not
    significant even against a published mean without spread. There always is one, though it may be absurdly large.

    Parameters
    ----------
    values : FoldValues
        Own values, one per fold, seeds averaged.
    mean : float
        Published mean, in the unit of ``values``.
    folds : int
        Number of published folds.
    ratio, published_ratio : float
        n_test / n_train of one fold, own and published.
    confidence : float
        1 minus the level of the test.
    rounding : float
        Half a unit of the last printed digit of ``mean``, in the unit of ``values``.

    Raises
    ------
    StatisticsError
        As :func:`against_published`.
    """
    own, _, error = _own(values, ratio, confidence)
    check_count(folds, "published folds")
    check_ratio(published_ratio, "published ratio")
    distance = abs(_beyond(float(own.mean()) - finite(mean, "published mean"), rounding))

    def excess(theirs: float) -> float:
        both, df = _welch(error, own.size, theirs, folds)
        return distance - critical((1 - confidence) / 2, df) * both

    if excess(0.0) <= 0:
        return 0.0
    # The critical t is above 1 from df 1 on wherever p can be small; doubling brackets the root for any confidence.
    upper = distance
    while excess(upper) > 0:
        upper *= 2
    # Bisection converges to the last digit in about fifty steps, which takes less time than importing scipy.optimize.
    lower, middle = 0.0, upper / 2
    while lower < middle < upper:
        lower, upper = (middle, upper) if excess(middle) > 0 else (lower, middle)
        middle = (lower + upper) / 2
    return upper / standard_error(1.0, folds, published_ratio)


def _tested(difference: float, error: float, df: float, confidence: float, rounding: float) -> DifferenceTest:
    beyond = _beyond(difference, rounding)
    reach = rounding + critical((1 - confidence) / 2, df) * error
    t = beyond / error if error else 0.0
    return DifferenceTest(
        difference=difference,
        standard_error=error,
        df=df,
        t=t,
        p=two_sided(t, df),
        low=difference - reach,
        high=difference + reach,
        confidence=confidence,
        rounding=rounding,
    )


def _beyond(difference: float, rounding: float) -> float:
    """Return the part of a difference that ``rounding`` does not explain."""
    return math.copysign(max(0.0, abs(difference) - not_below_0(rounding, "rounding")), difference)


def _own(values: FoldValues, ratio: float, confidence: float) -> tuple[np.ndarray, float, float]:
    array = fold_array(values)
    sd = fold_sd(array, float(np.abs(array).max()))
    check_confidence(confidence)
    return array, sd, standard_error(sd, array.size, check_ratio(ratio))


def _welch(error: float, k: int, theirs: float, folds: int) -> tuple[float, float]:
    """Return the standard error of a difference and its degrees of freedom (Welch and Satterthwaite)."""
    share = error**2 / (error**2 + theirs**2)
    return float(np.hypot(error, theirs)), 1 / (share**2 / (k - 1) + (1 - share) ** 2 / (folds - 1))
