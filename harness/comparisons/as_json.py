"""Comparisons as JSON data, as in results.json: accuracies in percent, differences in points."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from harness.comparisons.against_claim import ClaimComparison
from harness.comparisons.arm_contrast import Contrast
from harness.comparisons.statistical_tests import Side, entries_of
from harness.statistics.against_published import DifferenceTest

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


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
        "interval": [each.low, each.high] if each.test or each.measured else None,
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
    over_recordings = entries_of(side, None, "recordings") if each.over == "recordings" else ()
    return {
        "p": each.p,
        "p_holm": each.p_adjusted,
        "p_equivalence": each.p_equivalence,
        "p_equivalence_holm": each.p_equivalence_adjusted,
        "verdict": each.decision.verdict.value,
        "reason": each.decision.reason,
        "refused": each.refused or None,
        # A reader finds every test over folds, made or not; those over recordings are only where they can be made.
        **{test.name: _plain(test.of(each)) for test in (*entries_of(side), *over_recordings) if test.name},
    }


def _decisive(test: DifferenceTest | None) -> dict[str, Any] | None:
    """Return the test that a verdict rests on, without the entries that only Welch's test adds."""
    return None if test is None else {field.name: getattr(test, field.name) for field in fields(DifferenceTest)}


def _plain(result: DataclassInstance | None) -> dict[str, Any] | None:
    return None if result is None else asdict(result)


def json_data(value: Any) -> Any:
    """Return ``value`` with numpy and pandas types converted to plain ones, and non-finite numbers to null."""
    if isinstance(value, Mapping):
        return {str(key): json_data(entry) for key, entry in value.items()}
    if isinstance(value, np.ndarray):
        return json_data(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [json_data(entry) for entry in value]
    if isinstance(value, np.generic):
        return json_data(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    return None if value is pd.NA or value is pd.NaT else str(value)
