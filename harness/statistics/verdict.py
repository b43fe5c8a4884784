"""The verdict of a comparison: one of five outcomes, and one sentence with its numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from harness.errors import StatisticsError
from harness.statistics.fold_values import check_alpha, check_margin, finite
from harness.text.decimals import decimals, signed

_COUNTS = {2: "Two", 3: "Three", 4: "Four", 5: "Five"}


class Verdict(StrEnum):
    """The five outcomes of a comparison."""

    CONSISTENT = "consistent"
    LOWER = "lower"
    HIGHER = "higher"
    INCONCLUSIVE = "inconclusive"
    NOT_COMPARABLE = "not comparable"


@dataclass(frozen=True)
class Decision:
    """A verdict and the sentence that supports it."""

    verdict: Verdict
    reason: str


def decide(
    *,
    difference: float,
    p: float | None,
    p_equivalence: float | None,
    margin: float,
    alpha: float = 0.05,
    differences: Sequence[str] = (),
    what: str,
    folds: int = 0,
    smallest_found: float = math.inf,
) -> Decision:
    """Return the verdict on ``difference`` from its p values, adjusted for the family.

    In this order: not comparable where conditions differ; consistent where equivalence is shown, even if the difference
    itself is significant; lower or higher where the difference is significant; else inconclusive.

    Parameters
    ----------
    difference : float
        Own minus claimed, or first minus second, in percentage points.
    p, p_equivalence : float or None
        Of the test of a difference, and of the equivalence test within ``margin``; None where there was none.
    margin : float
        Margin of equivalence, in percentage points.
    alpha : float
        Level of the tests.
    differences : sequence of str
        The conditions in which the two sides differ, each in words, as "epoch chosen on the test fold".
    what : str
        What is compared, as "LMCNet against the published 95.2 %"; the sentence begins with it.
    folds : int
        Number of folds; 0 adds no remark on them.
    smallest_found : float
        The difference above which so many folds would have found one, in percentage points; stated where a difference
        beyond the margin is left undecided.

    Raises
    ------
    StatisticsError
        When a p value is outside 0..1, ``margin`` is not above 0, ``alpha`` is
        outside (0, 0.5), or a difference of 0 is said to be significant.

    Examples
    --------
    >>> decision = decide(difference=-3.0, p=0.01, p_equivalence=0.9, margin=2.0, what="su4 against the claim")
    >>> str(decision.verdict)
    'lower'
    """
    check_alpha(alpha)
    p, p_equivalence = _p_value(p, "p"), _p_value(p_equivalence, "p_equivalence")
    check_margin(margin)
    if differences:
        conditions = differences if isinstance(differences, str) else "; ".join(differences)
        return Decision(Verdict.NOT_COMPARABLE, f"{what}: the conditions differ: {conditions}.")
    if p is None and p_equivalence is None:
        return Decision(Verdict.INCONCLUSIVE, f"{what}: no test could be made.")

    size = f"{signed(finite(difference, 'difference'), 2)} points"
    amount = f"the difference of {size}"
    same = f"equivalence within ±{margin:g} points"
    found = p is not None and p < alpha
    if found and difference == 0:
        raise StatisticsError(f"{what}: a difference of 0 cannot have p = {p:g}; pass the difference that was tested")
    if p_equivalence is not None and p_equivalence < alpha:
        # A small difference can be significant and equivalent at once.
        known = f" and significant (p {_printed(p, alpha)})" if found else ""
        shown = f"{same} is shown (TOST p {_printed(p_equivalence, alpha)})"
        return Decision(Verdict.CONSISTENT, f"{what}: {shown}; the difference is {size}{known}.")
    unshown = f"{same} is not shown (TOST p {_printed(p_equivalence, alpha)})"
    if p is not None and found:
        verdict = Verdict.HIGHER if difference > 0 else Verdict.LOWER
        rest = f"; {unshown}" if p_equivalence is not None else ""
        return Decision(verdict, f"{what}: {amount} is significant (p {_printed(p, alpha)}){rest}.")
    if p is None:
        reason = f"{amount} was not tested; {unshown}"
    else:
        rest = "equivalence was not tested" if p_equivalence is None else unshown
        reason = f"{amount} is not significant (p {_printed(p, alpha)}); {rest}"
    return Decision(Verdict.INCONCLUSIVE, f"{what}: {reason}.{_too_few(folds, difference, margin, smallest_found)}")


def _p_value(p: float | None, name: str) -> float | None:
    if p is None or np.isnan(p):
        return None
    if not 0 <= p <= 1:
        raise StatisticsError(f"{name} must be in 0..1, received {p:g}; give None if there was no test")
    return p


def _too_few(folds: int, difference: float, margin: float, smallest_found: float) -> str:
    """Return the remark that so few folds cannot decide, where the difference matters; accuracies differ by at most
    100."""
    if not folds or abs(difference) <= margin:
        return ""
    found = f"only a difference above {decimals(smallest_found, 1)} points" if smallest_found < 100 else "no difference"
    number = str(_COUNTS.get(folds, folds)).lower()
    return f" With {number} fold{'' if folds == 1 else 's'} and this spread, {found} would be significant."


def _printed(p: float | None, alpha: float) -> str:
    """Return "= 0.013" or "< 0.001", with enough digits to keep p on its side of alpha."""
    if p is None:
        return "unknown"
    if p < 0.001 < alpha:
        return "< 0.001"
    digits = 2
    while digits < 17 and (float(f"{p:.{digits}g}") < alpha) != (p < alpha):
        digits += 1
    return f"= {p:.{digits}g}"
