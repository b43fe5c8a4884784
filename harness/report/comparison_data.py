"""The comparisons of a study as plain data for results.json: accuracies in percent, differences in points."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from harness.comparisons.against_claim import ClaimComparison
from harness.comparisons.arm_contrast import Contrast
from harness.comparisons.statistical_tests import Side, entries_of
from harness.report.evidence import Evidence
from harness.statistics.against_published import DifferenceTest

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def comparisons_data(evidence: Evidence) -> list[dict[str, Any]]:
    """Return the comparisons with claims, in the study file's order; None for tests that were not made."""
    return [comparison_entry(each) for each in evidence.claims]


def contrasts_data(evidence: Evidence) -> dict[str, Any]:
    """Return the pairs of arms, the family that Holm's correction covers, and Cochran's Q."""
    arms = evidence.arms
    return {
        "family": arms.family,
        "pairs": [contrast_entry(each) for each in arms.contrasts],
        "cochran": {"arms": list(arms.cochran_arms), **asdict(arms.cochran)} if arms.cochran else None,
    }


def hard_clips_data(evidence: Evidence) -> dict[str, Any]:
    """Return counts of the clips that all arms miss, and of those that only a fusion gets right: total and by class."""
    missed, only = evidence.clips.missed_by_all, evidence.clips.only_fusion
    fused = [arm.name for arm in evidence.record.spec.arms if arm.is_fused]
    return {
        "n_clips": evidence.clips.n_clips,
        "missed_by_all": {"count": len(missed), "classes": missed["class"].value_counts().sort_index().to_dict()},
        "only_fusion": [
            {"arm": arm, "count": len(own), "classes": own["class"].value_counts().sort_index().to_dict()}
            for arm in fused
            for own in [only[only["arm"] == arm]]
        ],
    }


def comparison_entry(each: ClaimComparison) -> dict[str, Any]:
    """Return one comparison with a claim; numbers that do not exist are NaN or None."""
    claim, table = each.claim, each.claim.table
    return {
        "claim": {
            "address": claim.address,
            "printed": claim.printed.text,
            "percent": claim.percent,
            "class": claim.class_name,
            "where": table.where,
            "citation": claim.source.citation,
            "dataset": table.dataset,
            "estimand": claim.estimand,
            "split": table.split,
            "epoch_rule": table.epoch_rule,
            "tuning": table.tuning,
            "n_folds": table.folds,
            "tested_folds": list(table.tested_folds),
            "training_folds": table.training_folds,
            "sd_over_folds": each.claim_sd,
            "sd_kind": each.claim_sd_kind,
            "sd_reason": each.published_refused or None,
        },
        "as": each.read_as,
        "arm": each.arm,
        "estimand": each.estimand,
        "folds": {str(fold): value for fold, value in each.folds.items()},
        "n_seeds": list(each.n_seeds),
        "mean": each.mean,
        "sd": each.sd,
        "basis": each.basis.value,
        "rounding": each.rounding,
        "claimed_on_these_folds": each.claimed,
        "difference": each.difference,
        "interval": [each.low, each.high] if each.test else None,
        "confidence": each.confidence,
        "margin": each.margin,
        "ratio": each.ratio,
        **_tests("claim", each),
        "decisive": _decisive(each.decisive),
        "sensitivity": each.sensitivity,
        "needed": _plain(each.needed),
        "seeds_needed": each.seeds_needed,
        "differences": list(each.differences),
        "caveats": list(each.caveats),
        "classes": {name: {"claimed": claimed, "measured": own} for name, (claimed, own) in each.classes.items()},
    }


def contrast_entry(each: Contrast) -> dict[str, Any]:
    """Return one pair of arms; numbers that do not exist are NaN or None."""
    return {
        "first": each.first,
        "second": each.second,
        "folds": {str(fold): value for fold, value in each.folds.items()},
        "mean": each.mean,
        "sd": each.sd,
        "interval": list(each.interval) if each.interval else None,
        "unpaired": _plain(each.unpaired),
        **_tests("contrast", each),
        "in_family": each.in_family,
    }


def _tests(side: Side, each: ClaimComparison | Contrast) -> dict[str, Any]:
    """Return the entries common to both kinds of comparison."""
    return {
        "p": each.p,
        "p_holm": each.p_adjusted,
        "p_equivalence": each.p_equivalence,
        "p_equivalence_holm": each.p_equivalence_adjusted,
        "verdict": each.decision.verdict.value,
        "reason": each.decision.reason,
        "refused": each.refused or None,
        **{test.name: _plain(test.of(each)) for test in entries_of(side) if test.name},
    }


def _decisive(test: DifferenceTest | None) -> dict[str, Any] | None:
    """Return the test that a verdict rests on, without the entries that only Welch's test adds."""
    return None if test is None else {field.name: getattr(test, field.name) for field in fields(DifferenceTest)}


def _plain(result: DataclassInstance | None) -> dict[str, Any] | None:
    return None if result is None else asdict(result)
