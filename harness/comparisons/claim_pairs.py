"""What the number of tested clips says of published accuracies: how well each is known, and which ones differ.

Published accuracies come without their answers, so McNemar's test cannot be computed. It can be bounded: of two
accuracies over the same n clips only the difference of the two counts that it compares is known, and their sum is
at least that difference (all clips that one of the two alone gets right are of one side) and at most what both get
wrong together (no clip is missed by both).
Clips are taken as independent, and trainings as fixed. Clips of one recording are not independent, and another training
gives another accuracy: the intervals are too narrow for both reasons.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from harness.claims import NOT_STATED, Claim
from harness.claims.audit.counts import clips_tested, equal_counts
from harness.claims.audit.headlines import in_single_precision

ALPHA = 0.05
_Z = 1.959963984540054

Relation = Literal["lower", "cannot be told apart", "cannot be told"]
"""lower: whichever clips were missed. cannot be told apart: whichever clips were missed, no test of these clips shows
a difference. cannot be told: it depends on which clips were missed."""


@dataclass(frozen=True)
class Known:
    """How well an accuracy is known from ``n`` clips alone: Wilson's 95 % interval, in percent."""

    n: int
    low: float
    high: float


def known(claim: Claim) -> Known | None:
    """Return what the tested clips say of ``claim``.

    None where their number is not known, or where the accuracy is a mean over classes that differ in size. Where the
    split or the estimand is not seen, it is taken as a fraction of all clips of the data set.
    """
    n, estimand = clips_tested(claim.table), claim.table.mean
    over_clips = estimand in ("clip", NOT_STATED) or (estimand == "macro" and equal_counts(claim.table) is not None)
    if n is None or not over_clips or claim.class_name is not None:
        return None
    p = claim.percent / 100
    centre, half = p + _Z**2 / (2 * n), _Z * math.sqrt(p * (1 - p) / n + _Z**2 / (4 * n**2))
    scale = 100 / (1 + _Z**2 / n)
    return Known(n, max(0.0, scale * (centre - half)), min(100.0, scale * (centre + half)))


def relation(claim: Claim, higher: Claim) -> Relation | None:
    """Return what is known of ``claim`` against a ``higher`` one on the same clips, with 5 % for each pair.

    Both printed numbers represent all numbers that round to them. None where the clips are not known to be the same, or
    where one of the two is no count of clips, such as a mean over folds that differ in size, or over trainings.
    """
    first, second = known(claim), known(higher)
    same = claim.table.split == higher.table.split != NOT_STATED
    if first is None or second is None or not same or claim.table.tested_folds != higher.table.tested_folds:
        return None
    if claim.table.dataset != higher.table.dataset or first.n != second.n or equal_counts(claim.table) is None:
        return None
    n, low, high = first.n, _right(claim, first.n), _right(higher, first.n)
    if not low or not high:
        return None
    if _p(0, high[-1] - low[0]) >= ALPHA:
        return "cannot be told apart"
    # The smallest difference, with as few clips that both miss as possible.
    only_low, only_high = n - high[0], n - low[-1]
    both = max(0, only_low + only_high - n)
    return "lower" if only_high > only_low and _p(only_low - both, only_high - both) < ALPHA else "cannot be told"


def _right(claim: Claim, n: int) -> range:
    """Return the numbers of ``n`` clips that a headline can be; none where it is a mean of several trainings."""
    printed = in_single_precision(claim)
    low, high = (end * claim.factor * n / 100 for end in (printed.low, printed.high))
    return range(max(0, math.ceil(low)), min(n, math.floor(high)) + 1)


def _p(fewer: int, more: int) -> float:
    """Return the exact p value of McNemar's test; 1 where the two do not differ."""
    from scipy.stats import binomtest

    return 1.0 if fewer + more <= 0 else float(binomtest(max(0, fewer), fewer + more).pvalue)
