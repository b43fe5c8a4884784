"""Tables that compare the study with published numbers: the main table, its complement, and class by class.

Accuracies are in percent, differences in percentage points.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from harness.comparisons.against_claim import ClaimComparison
from harness.comparisons.claim_side import Basis
from harness.report import wording
from harness.report.cells import accuracy, claimed, count, cut_note, interval, points
from harness.report.columns import captions, cells, headings, numbers, shown_tests
from harness.report.evidence import Evidence
from harness.report.table import Table
from harness.text.decimals import possible

CLAIMS_ABREAST = 4
"""The most claims in a table of class accuracies; more continue in a further table."""

_BASES = {
    Basis.FOLD_BY_FOLD: " A claim with fold values is paired by fold; the difference is that over the folds tested.",
    Basis.MEASURED_SD: " A claim that is a mean over folds of unknown SD is tested with the measured SD on both sides.",
    Basis.EXACT: " A claim without an SD over folds is taken as exact.",
}


def claim_tables(evidence: Evidence) -> list[Table]:
    """Return the main table and its complement, or nothing if no claim is compared."""
    if not evidence.claims:
        return []
    return [comparison_table(evidence), complement_table(evidence)]


def comparison_table(evidence: Evidence) -> Table:
    """Return the main table: claimed and measured, interval, difference, p values and verdict; one row per claim."""
    claims = evidence.claims
    estimands = list(dict.fromkeys(each.estimand for each in claims))
    # A published number of another system is not a claim about the arm.
    published = "Published" if any(each.is_reference for each in claims) else "Claimed"
    headers = [("", "Claim"), ("", "Arm"), ("", published), ("Measured", "Mean"), ("Measured", "SD")]
    headers += [("Measured", "Interval"), ("", "Difference")]
    tests = shown_tests("claim", "main", claims)
    headers += [*headings(tests), ("", "Verdict")]
    rows = [
        [
            addressed(each),
            each.arm if len(estimands) == 1 else f"{each.arm} ({each.estimand})",
            _claimed_cell(each),
            accuracy(each.mean),
            accuracy(each.sd),
            interval(each.low, each.high),
            points(each.difference),
            *cells(tests, each),
            each.outcome,
        ]
        for each in claims
    ]
    tested = sum(each.p is not None for each in claims)
    what = wording.ESTIMANDS[estimands[0]] if len(estimands) == 1 else "accuracy (its kind stands after the arm)"
    caption = (
        f"{published} and measured {what} in percent; difference: measured minus {published.lower()}, in points. SD: "
        f"{wording.OVER_FOLDS}; {sample_size(claims)}. Interval: {evidence.confidence}, of the measured mean over "
        "folds, corrected for training sets that overlap (Nadeau and Bengio 2003). TOST: two one-sided tests of "
        f"equivalence within ±{evidence.margin:g} points, declared before the run. {_family(tested)}"
    )
    if any(each.published is not None for each in claims):
        caption += f" ± after a {published.lower()} accuracy: its own SD over folds, which the tests then use."
    if any(each.is_reference for each in claims):
        caption += f" {wording.REFERENCE}"
    caption += "".join(sentence for basis, sentence in _BASES.items() if any(_tested(each, basis) for each in claims))
    caption += " Tests take a claim as far away, or as near, as its printed digits allow." * bool(tested)
    caption += cut_note([(each.low, each.high) for each in claims])
    return Table(
        name="comparison",
        title=f"{published} and measured accuracy",
        caption=wording.with_marks(caption, evidence.marks),
        printed=pd.DataFrame(rows, columns=pd.MultiIndex.from_tuples(headers)),
        data=pd.DataFrame([_full(each) for each in claims]),
        text_columns=2,
    )


def complement_table(evidence: Evidence) -> Table:
    """Return further results on each claim: other intervals and tests, and the uncorrected one."""
    claims = evidence.claims
    tests = shown_tests("claim", "complement", claims)
    headers = [("", "Claim"), ("", "Arm"), *headings(tests)]
    rows = [[addressed(each), each.arm, *cells(tests, each)] for each in claims]
    caption = f"Complements to the comparison with claims. {captions(tests, evidence, 'the measured accuracy')}"
    if any(_tested(each, Basis.FOLD_BY_FOLD) for each in claims):
        caption += " Claims with fold values are paired by fold."
    caption += cut_note(
        [(each.published.prediction_low, each.published.prediction_high) for each in claims if each.published]
    )
    return Table(
        name="comparison-complement",
        title="Complements to the comparison",
        caption=wording.with_marks(caption, evidence.marks),
        printed=pd.DataFrame(rows, columns=pd.MultiIndex.from_tuples(headers)),
        data=pd.DataFrame([_further(each) for each in claims]),
        text_columns=2,
    )


def claimed_class_tables(evidence: Evidence) -> list[Table]:
    """Return claimed and measured class accuracies in the shape of Su et al. 2019, table 2."""
    shown = [each for each in evidence.claims if each.classes]
    pages = [shown[first : first + CLAIMS_ABREAST] for first in range(0, len(shown), CLAIMS_ABREAST)]
    return [_class_page(evidence, number, page) for number, page in enumerate(pages)]


def _class_page(evidence: Evidence, number: int, page: Sequence[ClaimComparison]) -> Table:
    classes = evidence.record.classes
    columns: list[tuple[str, str]] = [("", "Class")]
    printed: list[list[str]] = [[*classes, "Average"]]
    data: dict[str, Any] = {"class": [*classes, "average"]}
    for each in page:
        measured = [each.classes[name][1] for name in classes]
        average = sum(measured) / len(measured)
        name = each.arm if [other.arm for other in page].count(each.arm) == 1 else f"{each.arm}, {each.claim.address}"
        columns += [(name, "Reference" if each.is_reference else "Claimed"), (name, "Measured")]
        printed.append([*(claimed(each.claim, label) for label in classes), claimed(each.claim)])
        printed.append([*map(accuracy, measured), accuracy(average)])
        key = f"{each.claim.address} {each.arm}"
        data[f"{key}: claimed"] = [*(each.classes[label][0] for label in classes), each.claim.percent]
        data[f"{key}: measured"] = [*measured, average]
    caption = (
        "Accuracy per class in percent, claimed as printed beside measured: mean over folds, seeds averaged first; "
        f"{sample_size(page)}. Average: the claimed one as printed, the measured one the unweighted mean of the "
        f"classes. Claims: {'; '.join(f'{each.arm} {addressed(each)}' for each in page)}."
    )
    if any(each.is_reference for each in page):
        caption += f" {wording.REFERENCE}"
    return Table(
        name="claimed-classes" if number == 0 else f"claimed-classes-{number + 1}",
        title="Claimed and measured accuracy per class",
        caption=wording.with_marks(caption, evidence.marks),
        printed=pd.DataFrame(list(zip(*printed, strict=True)), columns=pd.MultiIndex.from_tuples(columns)),
        data=pd.DataFrame(data),
        rules=(len(classes),),
    )


def sample_size(claims: Sequence[ClaimComparison]) -> str:
    """Return the folds and seeds behind comparisons: ``n = 10 folds × 1–3 seeds``."""
    folds = [len(each.folds) for each in claims]
    seeds = [bound for each in claims for bound in each.n_seeds]
    return wording.folds_by_seeds(min(folds), max(folds), min(seeds), max(seeds))


def _tested(comparison: ClaimComparison, basis: Basis) -> bool:
    return comparison.decisive is not None and comparison.basis is basis


def addressed(comparison: ClaimComparison) -> str:
    """Return the address of a claim, and whether it is a reference."""
    return f"{comparison.claim.address}{' (reference)' if comparison.is_reference else ''}"


def _family(tested: int) -> str:
    if not tested:
        return "No claim could be tested."
    return f"Holm: adjusted for the family of {count(tested, 'tested claim')}; the verdict rests on it."


def _claimed_cell(comparison: ClaimComparison) -> str:
    text = claimed(comparison.claim)
    return f"{text} ± {accuracy(comparison.claim_sd)}" if comparison.published else text


def _full(each: ClaimComparison) -> dict[str, Any]:
    return {
        "claim": each.claim.address,
        "as": each.read_as,
        "arm": each.arm,
        "estimand": each.estimand,
        "claimed": each.claim.percent,
        "basis": each.basis.value if each.decisive else None,
        "rounding": each.rounding,
        "claimed_on_these_folds": each.claimed,
        "claimed_sd_over_folds": each.claim_sd if each.published else None,
        "measured": each.mean,
        "sd": each.sd,
        "low": possible(each.low, each.high)[0],
        "high": possible(each.low, each.high)[1],
        "difference": each.difference,
        "n_folds": len(each.folds),
        "seeds_min": each.n_seeds[0],
        "seeds_max": each.n_seeds[1],
        **numbers("claim", "main", each),
        "verdict": each.decision.verdict.value,
        "reason": each.decision.reason,
    }


def _further(each: ClaimComparison) -> dict[str, Any]:
    return {
        "claim": each.claim.address,
        "as": each.read_as,
        "arm": each.arm,
        **numbers("claim", "complement", each),
        "vanishes_at_claimed_sd": each.sensitivity,
    }
