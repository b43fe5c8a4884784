"""What headlines alone can show: whether they are fractions of the tested clips, and what versions of a source print.

The first check is the GRIM test (Brown and Heathers 2017, see :mod:`harness.claims.audit.grim`) on the headline. A mean
over folds of equal size is a fraction of all clips as well. A headline that is none is no evidence of an error: it may
be the mean of several trainings, or of other clips than those of the data set.
"""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from harness.claims.audit.counts import clips_tested, equal_counts
from harness.claims.audit.finding import Finding
from harness.claims.audit.grim import ROUNDED, possible_printings
from harness.claims.claim import Claim
from harness.claims.library import claims_of
from harness.claims.paper import NOT_STATED, Paper
from harness.claims.printed import Printed

MOST_TRAININGS = 20
"""The most trainings whose mean a headline is tried as."""
# Percent: files of results print fractions in single precision, and further digits are its rounding.
_FINEST = Decimal("1e-4")


def check_headline_fractions(paper: Paper) -> list[Finding]:
    """Return one finding per headline over folds of equal size: whether it is a fraction of the tested clips.

    Headlines that are not over clips, or over folds that differ in size, have no finding. The finding says how often a
    number of so many digits would pass by chance, and of how many trainings a headline that fails can be the mean.
    """
    return [finding for claim in claims_of(paper) if (finding := _fraction(claim)) is not None]


def check_versions(paper: Paper) -> list[Finding]:
    """Return one finding per column and data set whose number differs between versions of the source."""
    printed: dict[tuple[str, str], list[Claim]] = {}
    for claim in claims_of(paper):
        if claim.table.version:
            printed.setdefault((claim.table.dataset, claim.column.name), []).append(claim)
    findings = []
    for (dataset, name), claims in printed.items():
        by_version = {claim.table.version: claim for claim in claims}
        values = [claim.percent for claim in by_version.values()]
        if len(by_version) != len(claims) or len(set(values)) < 2:
            continue
        told = "; ".join(f"{claim.percent_text} in {version}" for version, claim in by_version.items())
        spread = max(values) - min(values)
        sentence = f"Versions of the source print different accuracies of {name} on {dataset}: {told}."
        places = [f"{claim.table.id}/{claim.column.name}" for claim in claims]
        numbers = {"low": min(values), "high": max(values), "difference": spread, "places": places}
        findings.append(Finding("versions", places[0], "shows", sentence, numbers))
    return findings


def in_single_precision(claim: Claim) -> Printed:
    """Return the number of ``claim`` as printed, without the precision of digits beyond those of single precision."""
    return replace(claim.printed, step=max(claim.printed.step, _FINEST / claim.factor))


def _fraction(claim: Claim) -> Finding | None:
    table, n = claim.table, clips_tested(claim.table)
    per_class = equal_counts(table)
    if n is None or per_class is None or table.mean not in ("clip", "macro", NOT_STATED):
        return None
    place = f"{table.id}/{claim.column.name}"
    factor = claim.factor
    printed = in_single_precision(claim)
    step = Fraction(printed.step) * factor
    # Multiples of 100 / n percent lie within half a printed step of this share of all numbers with so many digits.
    chance = _chance(step, n)
    numbers = {"text": printed.text, "printed": claim.percent, "n": n, "chance": chance}
    if chance == 1:
        sentence = f"Cannot be told: every number with the digits of {printed.text} rounds a fraction of {n:,} clips."
        return Finding("headline fraction", place, "cannot be checked", sentence, numbers)
    assumed = "" if table.split != NOT_STATED else ", if each clip of the data set was tested once"
    often = f"{100 * chance:.0f} % of numbers with as many digits are"
    if ROUNDED in possible_printings(printed, n, factor):
        sentence = f"{printed.text} is consistent with a fraction of {n:,} clips{assumed} ({often})."
        return Finding("headline fraction", place, "holds", sentence, numbers)
    trainings = next(
        (m for m in range(2, MOST_TRAININGS + 1) if ROUNDED in possible_printings(printed, m * n, factor)), None
    )
    numbers["trainings"] = trainings
    mean = (
        f"a mean of {trainings} trainings on them can be"
        if trainings
        else f"neither is a mean of up to {MOST_TRAININGS} trainings on them"
    )
    sentence = (
        f"{printed.text} is not a fraction of {n:,} clips{assumed} ({often}); {mean}. Which clips, and how many "
        "trainings, cannot be told."
    )
    return Finding("headline fraction", place, "shows", sentence, numbers)


def _chance(step: Fraction, n: int) -> float:
    """Return the share of multiples of ``step`` percent that a fraction of ``n`` clips rounds to."""
    if Fraction(100, n) <= step:
        return 1.0
    # Fractions and printed numbers both repeat within 100 percent: the numbers hit are counted.
    hit = {number for k in range(n) for number in _rounded(Fraction(100 * k, n) / step)}
    return len(hit) / math.floor(100 / step)


def _rounded(value: Fraction) -> set[int]:
    """Return the integers that ``value`` rounds to: two for a half, which may go either way."""
    return {math.ceil(value - Fraction(1, 2)), math.floor(value + Fraction(1, 2))}
