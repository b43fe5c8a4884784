"""Comparison with claims: the main table, its complement, and what each verdict rests on.

Accuracies are in percent, differences in percentage points.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from harness.comparisons.against_claim import ClaimComparison
from harness.comparisons.claim_side import Basis
from harness.report import wording
from harness.report.cells import (
    accuracy,
    captions_of,
    claimed,
    columns_of,
    count,
    cut_note,
    interval,
    numbers_of,
    points,
    shown_tests,
)
from harness.report.evidence import Evidence
from harness.report.report_section import Paragraph, Section, Table, grid
from harness.statistics.verdict import Verdict
from harness.text.decimals import CUT, is_cut, possible

_BASES = {
    Basis.FOLD_BY_FOLD: " A claim with fold values is paired by fold; the difference is that over the folds tested.",
    Basis.MEASURED_SD: " A claim that is a mean over folds of unknown SD is tested with the measured SD on both sides.",
    Basis.EXACT: " A claim without an SD over folds is taken as exact.",
}
_HOLDOUT_BASES = {
    Basis.MEASURED_SD: " A claim is one training on as many recordings, with the measured spread on both sides.",
    Basis.EXACT: " A claim is taken as exact.",
}
_POWER = "80 % power"


def sections(evidence: Evidence) -> Iterator[Section]:
    """Yield the section on the claims, if any is compared."""
    if not evidence.claims:
        return
    notes = [Paragraph((text,), heading) for heading, text in (claim_note(evidence, each) for each in evidence.claims)]
    notes += [Paragraph((source,), "Source.") for source in sources(evidence)]
    tables = comparison_table(evidence), complement_table(evidence)
    yield Section("claims", "Comparison with claims", tables=tables, after=tuple(notes))


def comparison_table(evidence: Evidence) -> Table:
    """Return the main table: claimed and measured, interval, difference, p values and verdict; one row per claim."""
    claims = evidence.claims
    estimands = list(dict.fromkeys(each.estimand for each in claims))
    # A published number of another system is not a claim about the arm.
    published = "Published" if any(each.is_reference for each in claims) else "Claimed"
    tested = sum(each.p is not None for each in claims)
    what = wording.ESTIMANDS[estimands[0]] if len(estimands) == 1 else "accuracy (kind given after the arm)"
    sample = (
        f"SD: {wording.OVER_FOLDS}; {sample_size(claims)}. Interval: {evidence.confidence}, of the measured mean over "
        "folds, corrected for training sets that overlap (Nadeau and Bengio 2003)."
    )
    holdout = wording.is_holdout(evidence.record)
    caption = (
        f"{published} and measured {what} in percent; difference: measured minus {published.lower()}, in points. "
        f"{evidence.sample if holdout else sample} TOST: two one-sided tests of equivalence within "
        f"±{evidence.margin:g} points, declared before the run. {_family(tested)}"
    )
    if any(each.published is not None for each in claims):
        caption += f" ± after a {published.lower()} accuracy: its own SD over folds, which the tests then use."
    if any(each.is_reference for each in claims):
        caption += f" {wording.REFERENCE}"
    bases = _HOLDOUT_BASES if holdout else _BASES
    caption += "".join(sentence for basis, sentence in bases.items() if any(_tested(each, basis) for each in claims))
    caption += " Tests allow for the rounding of the printed claim." * bool(tested)
    caption += cut_note([(each.low, each.high) for each in claims], sample=evidence.small)
    printed = grid(
        claims,
        {
            "Claim": addressed,
            "Arm": lambda each: each.arm if len(estimands) == 1 else f"{each.arm} ({each.estimand})",
            published: _claimed_cell,
            ("Measured", "Mean"): lambda each: accuracy(each.mean),
            ("Measured", "SD"): lambda each: accuracy(each.sd),
            ("Measured", "Interval"): lambda each: interval(each.low, each.high),
            "Difference": lambda each: points(each.difference),
            **columns_of(shown_tests("claim", "main", claims)),
            "Verdict": lambda each: each.outcome,
        },
    )
    data = pd.DataFrame([_full(each) for each in claims])
    title = f"{published} and measured accuracy"
    return Table("comparison", title, caption, printed, data, text_columns=2, marked=True)


def complement_table(evidence: Evidence) -> Table:
    """Return further results on each claim: other intervals and tests, and the uncorrected one."""
    claims = evidence.claims
    tests = shown_tests("claim", "complement", claims)
    caption = f"Complements to the comparison with claims. {captions_of(tests, evidence, 'the measured accuracy')}"
    if any(_tested(each, Basis.FOLD_BY_FOLD) for each in claims):
        caption += " Claims with fold values are paired by fold."
    caption += cut_note(
        [(each.published.prediction_low, each.published.prediction_high) for each in claims if each.published]
    )
    printed = grid(claims, {"Claim": addressed, "Arm": lambda each: each.arm, **columns_of(tests)})
    data = pd.DataFrame([_further(each) for each in claims])
    title = "Complements to the comparison"
    return Table("comparison-complement", title, caption, printed, data, text_columns=2, further=True)


def sample_size(claims: Sequence[ClaimComparison]) -> str:
    """Return the folds and seeds behind comparisons: ``n = 10 folds × 1–3 seeds``."""
    folds = [len(each.folds) for each in claims]
    seeds = [bound for each in claims for bound in each.n_seeds]
    return wording.folds_by_seeds(min(folds), max(folds), min(seeds), max(seeds))


def addressed(comparison: ClaimComparison) -> str:
    """Return the address of a claim, and whether it is a reference."""
    return f"{comparison.claim.address}{' (reference)' if comparison.is_reference else ''}"


def _tested(comparison: ClaimComparison, basis: Basis) -> bool:
    return comparison.decisive is not None and comparison.basis is basis


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
        **numbers_of("claim", "main", each),
        "verdict": each.decision.verdict.value,
        "reason": each.decision.reason,
    }


def _further(each: ClaimComparison) -> dict[str, Any]:
    return {
        "claim": each.claim.address,
        "as": each.read_as,
        "arm": each.arm,
        **numbers_of("claim", "complement", each),
        "vanishes_at_claimed_sd": each.sensitivity,
    }


def claim_note(evidence: Evidence, each: ClaimComparison) -> tuple[str, str]:
    """Return the heading and the paragraph of one comparison: what its verdict rests on, and what remains open."""
    heading = f"{each.arm} and {addressed(each)}: {each.outcome}."
    return heading, f"{each.decision.reason} {claim_basis(evidence, each)}"


def claim_basis(evidence: Evidence, each: ClaimComparison) -> str:
    """Return what the verdict on a claim rests on, and what would decide it."""
    parts = [_basis(evidence, each), _claims_sd(each)]
    if each.caveats:
        parts.append(f"Caveats: {'; '.join(each.caveats)}.")
    parts += [_vanishing(evidence, each), _needed(evidence, each)]
    return " ".join(part for part in parts if part)


def sources(evidence: Evidence) -> list[str]:
    """Return the sources of the compared claims: each paper once, with its tables."""
    tables: dict[str, dict[str, str]] = {}
    for each in evidence.claims:
        tables.setdefault(each.claim.source.key, {})[each.claim.table.id] = each.claim.table.where
    return [
        f"{key}: {evidence.papers[key].source.citation}; "
        + ", ".join(f"{name} ({where})" for name, where in own.items())
        + "."
        for key, own in tables.items()
    ]


def _basis(evidence: Evidence, each: ClaimComparison) -> str:
    seeds = wording.span(*each.n_seeds)
    size = f"{count(len(each.folds), 'fold')} × {seeds} seed{'' if seeds == '1' else 's'}"
    if each.over == "recordings":
        size = f"{seeds} seed{'' if seeds == '1' else 's'} on the test part"
    what = f"Measured: {wording.ESTIMANDS.get(each.estimand, each.estimand)}, {size}"
    if each.measured is not None:
        bounds = interval(each.low, each.high)
        return f"{what}; the {evidence.confidence} interval over recordings and seeds is {bounds} %."
    if each.test is None:
        return f"{what}."
    return (
        f"{what}; the corrected {evidence.confidence} interval over folds is {interval(each.low, each.high)} % "
        f"(n_test / n_train = {each.ratio:.3g}{f'; {CUT}' if is_cut(each.low, each.high) else ''})."
    )


def _claims_sd(each: ClaimComparison) -> str:
    if each.differences or each.over == "recordings":
        return ""
    if each.decisive and each.basis is Basis.FOLD_BY_FOLD:
        return "The source states the accuracy on each of these folds, so the comparison is paired by fold."
    if each.published:
        return (
            f"The claim's own SD over folds, {accuracy(each.claim_sd, 2)} points, is used (Welch's test, both "
            "variances corrected)."
        )
    if not each.published_refused:
        return ""
    given = f"The SD stated by the source is not used: {each.published_refused.rstrip('.')}."
    return "The source states no SD over folds." if each.claim_sd_kind == "none" else given


def _vanishing(evidence: Evidence, each: ClaimComparison) -> str:
    """Return how large the claim's own SD would have to be for a found difference to vanish."""
    if not each.sensitivity or each.published or each.differences or each.claim.table.folds < 2:
        return ""
    return (
        f"The difference would no longer be significant at {evidence.confidence} confidence if the claim's own SD over "
        f"its {each.claim.table.folds} folds were {accuracy(each.sensitivity)} points or more."
    )


def _needed(evidence: Evidence, each: ClaimComparison) -> str:
    """Return what would be needed to decide an undecided comparison."""
    if each.decision.verdict is not Verdict.INCONCLUSIVE or each.needed is None:
        return ""
    parts = []
    if each.needed.for_difference:
        parts.append(f"{count(each.needed.for_difference, 'such fold')} to detect a difference of this size")
    if each.needed.for_equivalence:
        parts.append(
            f"{count(each.needed.for_equivalence, 'such fold')} to show equivalence within ±{evidence.margin:g} points"
        )
    sentence = f"With this spread, {_POWER} would require {' and '.join(parts)}." if parts else ""
    if each.needed.reason:
        sentence = f"{sentence} Not attainable: {each.needed.reason}.".strip()
    if each.seeds_needed:
        sentence += f" With these folds, {count(each.seeds_needed, 'seed')} per fold would detect the difference."
    return sentence
