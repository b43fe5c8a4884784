"""What a printed dispersion is over: folds, classes, or unknown. All fold SDs come from here.

A standard deviation over classes measures how unequal the classes are; one over folds, how well the accuracy is known.
Only the latter belongs in a test, and papers print both without saying which.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Literal

from harness.claims.audit.finding import Finding, Outcome
from harness.claims.audit.interval import Interval, class_intervals, fold_intervals, headline
from harness.claims.claim import Claim
from harness.claims.library import claims_of
from harness.claims.paper import Dispersion, Paper
from harness.claims.printed import Printed
from harness.errors import ClaimsError

DECISIVE_DIGITS = 3
"""Digits in which a number must equal an SD over classes to overrule the source's statement that it is over folds: two
digits of one of many columns agree by chance."""

_SD_NAMES = {0: "population", 1: "sample"}


@dataclass(frozen=True)
class DispersionKind:
    """What a printed dispersion is over.

    Attributes
    ----------
    kind
        folds, classes, unknown; none where nothing is printed. Where folds are printed, they always have one over
        folds.
    reason
        How that is known, in words.
    value_percent
        The dispersion in percentage points; None where nothing is printed.
    equals
        The SD of printed numbers that it equals, in words; empty where the source's statement is the evidence.
    computed, low, high
        That SD in percentage points: of the numbers as printed, and the least and greatest that their rounding allows.
    """

    kind: Literal["folds", "classes", "unknown", "none"]
    reason: str
    value_percent: float | None = None
    equals: str = ""
    computed: float | None = None
    low: float | None = None
    high: float | None = None


def dispersion_kind(claim: Claim, paper: Paper) -> DispersionKind:
    """Return what the dispersion printed for ``claim`` is over.

    It may be printed in another table of ``paper``: in a column of the same name and data set whose headline can be the
    same number.
    """
    owner = _owner(claim, paper)
    if owner is None or owner.column.dispersion is None:
        if claim.class_name is None and len(claim.column.folds) > 1:
            return DispersionKind("folds", f"it is computed from the {len(claim.column.folds)} printed folds")
        return DispersionKind("none", "no dispersion is printed")
    dispersion = owner.column.dispersion
    value = float(Printed.parse(dispersion.value).value * owner.factor)
    folds = fold_intervals(owner)
    match = _match(folds, dispersion, owner.factor) if len(folds) > 1 else None
    if match is not None:
        return _verified("folds", f"the {len(folds)} printed folds", value, match, folds)
    if dispersion.kind != "classes":
        found = _classes(owner, dispersion, value, paper)
        if found is not None:
            return found
    if dispersion.kind == "folds" and folds:
        return DispersionKind("unknown", "it is stated to be over folds, but is not the SD of the printed folds", value)
    reasons = {
        "folds": "stated to be over folds; no fold values are printed to verify it",
        "classes": "it is stated to be over classes",
        "unknown": "what it is over is not stated, and no printed numbers have this SD",
    }
    return DispersionKind(dispersion.kind, reasons[dispersion.kind], value)


def fold_sd(claim: Claim, paper: Paper) -> float:
    """Return the sample SD over folds of ``claim``, in percentage points.

    It is computed where the fold accuracies are printed, and taken as printed where the source states that it is over
    folds.

    Raises
    ------
    ClaimsError
        When none is printed, or what is printed is not over folds, or what it is over is unknown.
    """
    kind = dispersion_kind(claim, paper)
    folds = fold_intervals(claim) if claim.class_name is None else []
    if len(folds) > 1 and kind.kind == "folds":
        return _sd(folds, ddof=1)
    if kind.kind == "folds" and kind.value_percent is not None:
        return kind.value_percent
    printed = "" if kind.value_percent is None else f" ({kind.value_percent:g} points are printed)"
    raise ClaimsError(
        f"{claim.address} has no standard deviation over folds{printed}: {kind.reason}. "
        "Compare the measured folds with the claimed number alone (a one-sample test)"
    )


def check_dispersions(paper: Paper) -> list[Finding]:
    """Return one finding per printed dispersion: what it is over."""
    return [_finding(claim, paper) for claim in claims_of(paper) if claim.column.dispersion is not None]


def _finding(claim: Claim, paper: Paper) -> Finding:
    dispersion = claim.column.dispersion
    assert dispersion is not None
    found = dispersion_kind(claim, paper)
    outcome: Outcome
    if found.kind != dispersion.kind:
        outcome = "shows" if dispersion.kind == "unknown" else "contradicts"
    else:
        outcome = "holds" if found.equals else "cannot be checked"
    others = [
        f"{other.table.id}/{other.column.name}"
        for other in claims_of(paper)
        if other != claim and _owner(other, paper) == claim
    ]
    return Finding(
        "dispersion",
        f"{claim.table.id}/{claim.column.name}",
        outcome,
        f"The dispersion is {dispersion.value}: {found.reason}.",
        {
            "text": _points(dispersion, claim.factor),
            "printed": found.value_percent,
            "stated": dispersion.kind,
            "kind": found.kind,
            "equals": found.equals,
            "computed": found.computed,
            "low": found.low,
            "high": found.high,
            "also_of": others,
        },
    )


def _points(dispersion: Dispersion, factor: int) -> str:
    """Return a dispersion in percentage points with the digits it is printed with."""
    printed = Printed.parse(dispersion.value)
    return f"{(printed.value * factor).quantize((printed.step * factor).normalize()):f}"


def _owner(claim: Claim, paper: Paper) -> Claim | None:
    """Return the headline claim whose dispersion is ``claim``'s: its own, or the same number's in another table."""
    if claim.class_name is not None:
        return None
    if claim.column.dispersion is not None:
        return claim
    for other in claims_of(paper):
        same = other.column.name == claim.column.name and other.table.dataset == claim.table.dataset
        if same and other.column.dispersion is not None and headline(other).meets(headline(claim)):
            return other
    return None


def _classes(owner: Claim, dispersion: Dispersion, value: float, paper: Paper) -> DispersionKind | None:
    """Return the kind ``classes`` where some column's class accuracies have this SD, columns of the same name first."""
    digits = len(Printed.parse(dispersion.value).value.as_tuple().digits)
    if dispersion.kind == "folds" and digits < DECISIVE_DIGITS:
        return None
    columns = sorted(claims_of(paper), key=lambda claim: claim.column.name != owner.column.name)
    for claim in columns:
        classes = class_intervals(claim)
        if len(classes) < 2 or dispersion.n not in (None, len(classes)):
            continue
        match = _match(classes, dispersion, owner.factor)
        if match is not None:
            where = f"the {len(classes)} class accuracies of {claim.table.id}/{claim.column.name}"
            return _verified("classes", where, value, match, classes)
    return None


def _match(intervals: Sequence[Interval], dispersion: Dispersion, factor: int) -> int | None:
    """Return the ddof (0 or 1) under which the numbers as printed have this SD to its printed digits; None if none."""
    printed = Interval.of(dispersion.value, factor)
    for ddof in _SD_NAMES:
        sd = _sd(intervals, ddof)
        if float(printed.low) <= sd <= float(printed.high):
            return ddof
    return None


def _verified(
    kind: Literal["folds", "classes"], where: str, value: float, ddof: int, intervals: Sequence[Interval]
) -> DispersionKind:
    sd, (low, high) = _sd(intervals, ddof), sd_range(intervals, ddof)
    of = f"{_SD_NAMES[ddof]} SD of {where}"
    rounding = f"{sd:.3f} points; {low:.2f} to {high:.2f} over their rounding"
    reason = f"it is the {of} ({rounding}){', so it is not over folds' if kind == 'classes' else ''}"
    return DispersionKind(kind, reason, value, of, sd, low, high)


def _sd(intervals: Sequence[Interval], ddof: int) -> float:
    return math.sqrt(_squares([one.middle for one in intervals]) / (len(intervals) - ddof))


def sd_range(intervals: Sequence[Interval], ddof: int) -> tuple[float, float]:
    """Return the smallest and largest SD of numbers within ``intervals``.

    The largest is exact where all intervals have the same width, and otherwise an upper bound.
    """
    n = len(intervals)
    return math.sqrt(min(_least(intervals)) / (n - ddof)), math.sqrt(max(_largest(intervals)) / (n - ddof))


def _least(intervals: Sequence[Interval]) -> Iterator[Fraction]:
    # For the smallest SD the numbers are as close as possible to a common centre, which is between two neighbouring
    # ends.
    ends = sorted({end for one in intervals for end in (one.low, one.high)})
    for left, right in pairwise(ends):
        below = [one.high for one in intervals if one.high <= left]
        pulled = below + [one.low for one in intervals if one.low >= right]
        centre = sum(pulled, Fraction()) / len(pulled) if pulled else left
        centre = min(max(centre, left), right)
        yield sum(((end - centre) ** 2 for end in pulled), Fraction())


def _largest(intervals: Sequence[Interval]) -> Iterator[Fraction]:
    # At the largest SD the larger numbers are at their upper ends and the smaller ones at their lower ends.
    half = max(one.high - one.low for one in intervals) / 2
    middles = sorted(one.middle for one in intervals)
    for cut in range(len(middles) + 1):
        yield _squares([value - half if rank < cut else value + half for rank, value in enumerate(middles)])


def _squares(values: Sequence[Fraction]) -> Fraction:
    centre = sum(values, Fraction()) / len(values)
    return sum(((value - centre) ** 2 for value in values), Fraction())
