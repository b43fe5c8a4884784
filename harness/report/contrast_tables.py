"""Tables that compare a study's arms with each other, a fusion with its streams first; differences in points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from harness.comparisons.arm_contrast import Contrast
from harness.report import wording
from harness.report.cells import accuracy, count, cut_note, interval, points
from harness.report.columns import captions, cells, headings, numbers, shown_tests
from harness.report.evidence import Evidence
from harness.report.table import Table
from harness.report.wording import NOTHING
from harness.text.decimals import possible

# The most pairs that a reader can take in; seven arms have 21.
_MANY = 21


def contrast_tables(evidence: Evidence) -> list[Table]:
    """Return the pairwise table and its complement, or nothing for a study of one arm."""
    if not evidence.arms.contrasts:
        return []
    return [contrast_table(evidence), contrast_complement_table(evidence)]


def printed_pairs(evidence: Evidence) -> Sequence[Contrast]:
    """Return the pairs that are printed and drawn: all, or only the declared ones if all are too many to read.

    CSV and JSON have every pair.
    """
    pairs = evidence.arms.contrasts
    if evidence.arms.family != "declared" or len(pairs) <= _MANY:
        return pairs
    return [each for each in pairs if each.in_family]


def contrast_table(evidence: Evidence) -> Table:
    """Return one row per pair of arms: difference, interval, p values, clips that only one gets right, verdict."""
    headers = [("", "First"), ("", "Second"), ("First − second", "Mean"), ("First − second", "SD")]
    pairs = printed_pairs(evidence)
    tests = shown_tests("contrast", "main", pairs)
    headers += [("First − second", "Interval"), *headings(tests), ("", "Verdict")]
    rows = [
        [
            each.first,
            each.second,
            points(each.mean),
            accuracy(each.sd),
            interval(*each.interval, signed=True) if each.interval else NOTHING,
            *cells(tests, each),
            each.decision.verdict.value if each.in_family else NOTHING,
        ]
        for each in pairs
    ]
    caption = (
        "Differences in macro accuracy between arms in points, paired by fold. SD and interval: over folds, seeds "
        f"averaged first; the {evidence.confidence} interval is corrected for training sets that overlap. TOST: "
        f"two one-sided tests within ±{evidence.margin:g} points. {family_sentence(evidence)} Clips right: counts with "
        "the first seed's networks and McNemar's p, which takes clips as independent though slices of one recording "
        "are not."
    )
    if left_out := len(evidence.arms.contrasts) - len(pairs):
        caption += f" {count(left_out, 'pair')} that the study did not declare: in contrasts.csv."
    if any(each.unpaired for each in pairs):
        caption += (
            " A pair without SD was split differently and shares no folds: its two sets of folds are compared by "
            "Welch's test, both variances corrected, as if they were independent."
        )
    caption += cut_note([each.interval for each in pairs], signed=True)
    return Table(
        name="contrasts",
        title="Arms against each other",
        caption=wording.with_marks(caption, evidence.marks),
        printed=pd.DataFrame(rows, columns=pd.MultiIndex.from_tuples(headers)),
        data=pd.DataFrame([_full(each) for each in evidence.arms.contrasts]),
        text_columns=2,
        rules=_after_leading(evidence, pairs),
    )


def contrast_complement_table(evidence: Evidence) -> Table:
    """Return further results on each pair."""
    pairs = printed_pairs(evidence)
    tests = shown_tests("contrast", "complement", pairs)
    headers = [("", "First"), ("", "Second"), *headings(tests)]
    rows = [[each.first, each.second, *cells(tests, each)] for each in pairs]
    what = "the difference in macro accuracy"
    caption = f"Complements to the differences between arms. {captions(tests, evidence, what)}"
    return Table(
        name="contrasts-complement",
        title="Complements to the differences between arms",
        caption=wording.with_marks(caption, evidence.marks),
        printed=pd.DataFrame(rows, columns=pd.MultiIndex.from_tuples(headers)),
        data=pd.DataFrame([_further(each) for each in evidence.arms.contrasts]),
        text_columns=2,
        rules=_after_leading(evidence, pairs),
    )


def family_sentence(evidence: Evidence) -> str:
    """Return which pairs Holm's correction covers, in one sentence."""
    pairs = [each for each in evidence.arms.contrasts if each.in_family]
    family = count(sum(each.p is not None for each in pairs), "tested pair")
    if evidence.arms.family == "declared":
        outside = "" if len(pairs) == len(printed_pairs(evidence)) else "; below the rule, pairs without a verdict"
        return f"Holm: adjusted for the family of pairs that the study declared ({family}){outside}."
    which = (
        "every pair of arms" if evidence.arms.family == "every pair" else "every pair of a fusion and its own streams"
    )
    return f"Holm: adjusted for {which} ({family}); the study declared no pairs of its own."


def of_own_stream(evidence: Evidence, contrast: Contrast) -> bool:
    """Return whether a pair compares a fusion with one of the arms that it fuses."""
    streams = evidence.record.streams
    return contrast.second in streams(contrast.first) or contrast.first in streams(contrast.second)


def _after_leading(evidence: Evidence, pairs: Sequence[Contrast]) -> tuple[int, ...]:
    """Return the row after the declared pairs, or else after those of a fusion and its own streams."""
    declared = evidence.arms.family == "declared"
    leading = [each.in_family if declared else of_own_stream(evidence, each) for each in pairs]
    return tuple(row for row in range(1, len(leading)) if leading[row - 1] and not leading[row])


def _full(each: Contrast) -> dict[str, Any]:
    return {
        "first": each.first,
        "second": each.second,
        "difference": each.mean,
        "sd": each.sd,
        "low": possible(*each.interval, difference=True)[0] if each.interval else None,
        "high": possible(*each.interval, difference=True)[1] if each.interval else None,
        "paired": each.unpaired is None,
        "n_folds": len(each.folds),
        **numbers("contrast", "main", each),
        "in_family": each.in_family,
        "verdict": each.decision.verdict.value,
        "reason": each.decision.reason,
    }


def _further(each: Contrast) -> dict[str, Any]:
    return {"first": each.first, "second": each.second, **numbers("contrast", "complement", each)}
