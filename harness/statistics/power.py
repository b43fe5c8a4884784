"""How many folds or seeds a verdict would need.

Folds are assumed to be equally correlated, as in the correction (rho = n_test / (n_test + n_train)); the corrected
statistic is then exactly noncentral t. Power is the normal probability that a test rejects given the estimated standard
error, integrated over the distribution of that error (chi with k - 1 degrees of freedom). ``sd`` is the observed
standard deviation between folds, with ddof 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import special

from harness.errors import StatisticsError
from harness.statistics.correction import fold_ratio, standard_error
from harness.statistics.fold_values import Floats, check_alpha, check_count, check_margin, check_ratio, finite, positive
from harness.statistics.seeds import Components
from harness.statistics.student import critical

POWER = 0.8
"""Probability of a verdict that is planned for."""

CAP = 1000
"""Largest number of folds or seeds to search; training more is not practical."""

# Gauss-Legendre nodes per panel, and equal panels over the full range; additional panels divide each step of the
# integrand, which falls within about 8 of its widths. Sums of more nodes and panels agree to 1e-12.
_N_NODES, _N_PANELS, _STEP = 20, 16, np.linspace(-8, 8, 9)


@dataclass(frozen=True)
class FoldsNeeded:
    """The fewest folds that show the difference, and that show equivalence; None where none up to ``CAP`` does.

    ``reason`` says why an entry is None, and is empty otherwise.
    """

    for_difference: int | None
    for_equivalence: int | None
    reason: str


def power_of_difference(
    difference: float, sd: float, k: int, *, ratio: float | None = None, alpha: float = 0.05
) -> float:
    """Return the probability that the two-sided corrected t-test finds a true ``difference`` (p below ``alpha``).

    Parameters
    ----------
    difference : float
        True difference, in the unit of the values.
    sd : float
        Standard deviation over folds (ddof 1), in the same unit.
    k : int
        Number of folds.
    ratio : float, optional
        n_test / n_train of one fold; by default that of k-fold cross-validation.
    alpha : float
        Level of the test.

    Raises
    ------
    StatisticsError
        When a number is not finite, ``sd`` or ``ratio`` not above 0, ``k`` below 2, or ``alpha`` outside (0, 0.5).

    Examples
    --------
    >>> round(power_of_difference(2.0, sd=3.0, k=10), 2)
    0.25
    """
    error, df = _error(sd, k, ratio), k - 1
    shift = abs(finite(difference, "difference")) / error
    bound = critical(check_alpha(alpha) / 2, df)

    def chance(s: Floats) -> Floats:
        found: Floats = special.ndtr(shift - bound * s) + special.ndtr(-bound * s - shift)
        return found

    return _expected(chance, df, shift / bound, 1 / bound)


def power_of_equivalence(
    difference: float, sd: float, k: int, margin: float, *, ratio: float | None = None, alpha: float = 0.05
) -> float:
    """Return the probability that the corrected TOST shows equivalence within ``margin`` at a true ``difference``.

    Both one-sided tests reject when the absolute mean difference is below margin - t S, where S is the estimated
    standard error.

    Parameters
    ----------
    difference : float
        True difference, in the unit of the values.
    sd : float
        Standard deviation over folds (ddof 1), in the same unit.
    k : int
        Number of folds.
    margin : float
        Margin of equivalence, in the same unit.
    ratio : float, optional
        n_test / n_train of one fold; by default that of k-fold cross-validation.
    alpha : float
        Level of each one-sided test.

    Raises
    ------
    StatisticsError
        When ``margin`` is not above 0, or as :func:`power_of_difference`.
    """
    error, df = _error(sd, k, ratio), k - 1
    shift, room = finite(difference, "difference") / error, check_margin(margin) / error
    bound = critical(check_alpha(alpha), df)

    def chance(s: Floats) -> Floats:
        inside: Floats = special.ndtr(room - bound * s - shift) - special.ndtr(bound * s - room - shift)
        return inside

    return _expected(chance, df, (room - abs(shift)) / bound, 1 / bound, room / bound)


def detectable_difference(
    sd: float, k: int, *, ratio: float | None = None, alpha: float = 0.05, power: float = POWER
) -> float:
    """Return the smallest true difference that the two-sided corrected t-test finds with probability ``power``.

    Parameters
    ----------
    sd : float
        Standard deviation over folds (ddof 1); the result has its unit.
    k : int
        Number of folds.
    ratio : float, optional
        n_test / n_train of one fold; by default that of k-fold cross-validation.
    alpha : float
        Level of the test; of a family of m tests, alpha / m is what Holm's adjustment asks of the smallest p.
    power : float
        Probability, above alpha and below 1.

    Raises
    ------
    StatisticsError
        As :func:`power_of_difference`, or when ``power`` is not between ``alpha`` and 1.

    Examples
    --------
    >>> found = detectable_difference(3.0, 10)
    >>> round(found, 2), round(power_of_difference(found, 3.0, 10), 3)
    (4.37, 0.8)
    """
    if not check_alpha(alpha) < power < 1:
        raise StatisticsError(f"power must be between alpha ({alpha:g}) and 1, received {power}")
    error = _error(sd, k, ratio)
    low, high = 0.0, error
    while power_of_difference(high, sd, k, ratio=ratio, alpha=alpha) < power:
        high *= 2
    while high - low > 1e-6 * high:
        middle = (low + high) / 2
        found = power_of_difference(middle, sd, k, ratio=ratio, alpha=alpha) >= power
        low, high = (low, middle) if found else (middle, high)
    return high


def folds_needed(
    difference: float,
    sd: float,
    *,
    margin: float,
    alpha: float = 0.05,
    share: float = 0.0,
    rounding: float = 0.0,
) -> FoldsNeeded:
    """Return how many folds each verdict would need, with probability :data:`POWER`, if the true difference and the
    spread were as given.

    Each k is the number of folds of a k-fold cross-validation (ratio 1 / (k - 1)) with folds as large as those that
    gave ``sd``: more data, not the same data cut finer, whose spread would be larger.

    Parameters
    ----------
    difference : float
        True difference, in the unit of the values.
    sd : float
        Standard deviation over folds (ddof 1), in the same unit.
    margin : float
        Margin of equivalence, in the same unit.
    alpha : float
        Level of the tests.
    share : float
        What a published mean adds to 1 / k + ratio by its own spread; own folds do not reduce it (see
        :mod:`harness.statistics.against_published`).
    rounding : float
        How far the published mean may have been rounded, in the unit of the values; own folds do not reduce it.

    Raises
    ------
    StatisticsError
        As :func:`power_of_equivalence`, or when ``share`` or ``rounding`` is below 0.

    Examples
    --------
    >>> found = folds_needed(2.0, 3.0, margin=1.0)
    >>> found.for_difference, found.for_equivalence
    (38, None)
    """
    check_margin(margin)
    reasons = []
    for name, value in (("share", share), ("rounding", rounding)):
        if not (np.isfinite(value) and value >= 0):
            raise StatisticsError(f"{name} must be 0 or more, received {value}")
    beyond, room = max(0.0, abs(difference) - rounding), margin - rounding
    varies = ", as the published mean varies too" if share else ""
    shown = _fewest(lambda k: power_of_difference(beyond, sd, k, ratio=fold_ratio(k) + share, alpha=alpha) >= POWER, 2)
    if shown is None:
        reasons.append(f"a difference of {difference:.4g} is too small to be shown with {CAP} folds{varies}")
    same = None
    if room > 0:
        same = _fewest(
            lambda k: power_of_equivalence(difference, sd, k, room, ratio=fold_ratio(k) + share, alpha=alpha) >= POWER,
            2,
        )
    if same is None:
        less = f" less {rounding:g} of rounding" if rounding and abs(difference) < margin else ""
        reasons.append(
            f"a difference of {difference:.4g} is not smaller than the margin of {margin:g}{less}"
            if abs(difference) >= room
            else f"a difference of {difference:.4g} is too close to the margin of {margin:g} to tell with {CAP} folds"
            + varies
        )
    return FoldsNeeded(shown, same, "; ".join(reasons))


def seeds_needed(
    difference: float,
    components: Components,
    k: int,
    *,
    ratio: float | None = None,
    alpha: float = 0.05,
) -> int | None:
    """Return how many seeds per fold would show the difference with probability :data:`POWER`.

    Seeds reduce only their own part of the variance: a fold's mean over n of them has the variance between + within /
    n. None when no number suffices, or only one above ``CAP``: more folds are needed then.

    Parameters
    ----------
    difference : float
        True difference, in the unit of the values.
    components : Components
        Variance between folds and between seeds.
    k : int
        Number of folds.
    ratio : float, optional
        n_test / n_train of one fold; by default that of k-fold cross-validation.
    alpha : float
        Level of the tests.

    Raises
    ------
    StatisticsError
        When the components are of one seed, both are 0, or as :func:`folds_needed`.
    """
    within = components.within
    if within is None:
        raise StatisticsError(
            "the components come from one seed per fold, so the variance between seeds is unknown; train at least 2 "
            "seeds"
        )
    if components.between + within <= 0:
        raise StatisticsError(
            "there is no variance between folds or seeds, so there is nothing to plan; check the values"
        )

    def enough(seeds: int) -> bool:
        sd = float(np.sqrt(components.between + within / seeds))
        return power_of_difference(difference, sd, k, ratio=ratio, alpha=alpha) >= POWER

    return _fewest(enough, 1)


def _fewest(enough: Callable[[int], bool], least: int) -> int | None:
    """Return the smallest sufficient number up to CAP, or None; power of at least 0.5 increases with the number."""
    if not enough(CAP):
        return None
    low, high = least - 1, CAP
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _expected(chance: Callable[[Floats], Floats], df: int, step: float, width: float, end: float = np.inf) -> float:
    """Return the mean of ``chance(s)`` up to ``end``, where s is the estimated over the true standard error.

    ``chance`` falls around ``step``, within a few times ``width``.

    s times the square root of df is chi with df degrees of freedom. scipy's noncentral t, which would be simpler for a
    difference, returns NaN for some effects from 50 folds on.
    """
    nodes_N, weights_N = _legendre()
    low = float(np.sqrt(2 * special.gammaincinv(df / 2, 1e-14) / df))
    high = min(float(np.sqrt(2 * special.gammainccinv(df / 2, 1e-14) / df)), end)
    if high <= low:
        return 0.0
    inner = np.concatenate([np.linspace(low, high, _N_PANELS + 1), step + width * _STEP])
    edges = np.unique(np.clip(inner, low, high))
    half_P = np.diff(edges) / 2
    s_PN = edges[:-1, None] + half_P[:, None] * (nodes_N + 1)
    chi_PN = np.sqrt(df) * s_PN
    log_density_PN = special.xlogy(df - 1, chi_PN) - chi_PN**2 / 2 + np.log(2 * df) / 2 - special.gammaln(df / 2)
    density_PN = np.exp(log_density_PN - np.log(2) * (df - 1) / 2)
    return float(np.clip((half_P[:, None] * weights_N * chance(s_PN) * density_PN).sum(), 0, 1))


@cache
def _legendre() -> tuple[Floats, Floats]:
    nodes, weights = np.polynomial.legendre.leggauss(_N_NODES)
    return nodes, weights


def _error(sd: float, k: int, ratio: float | None) -> float:
    positive(sd, "sd", "give the standard deviation over folds (ddof 1)")
    check_count(k, "k")
    return standard_error(sd, k, fold_ratio(k) if ratio is None else check_ratio(ratio))
