"""Tables that set a study's arms against each other, a fusion against its streams first; differences in points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from harness.comparisons.contrast import Contrast
from harness.decimals import possible
from harness.report import wording
from harness.report.cells import accuracy, count, cut_note, interval, p_value, points
from harness.report.claim_tables import UNCORRECTED, probabilities
from harness.report.evidence import Evidence
from harness.report.table import Table
from harness.report.wording import NOTHING

# Pairs that a reader can still take in; seven arms have 21.
_MANY = 21


def contrast_tables(evidence: Evidence) -> list[Table]:
    """Return the pairwise table and its complement, or nothing for a study of one arm."""
    if not evidence.arms.contrasts:
        return []
    return [contrast_table(evidence), contrast_complement_table(evidence)]


def printed_pairs(evidence: Evidence) -> Sequence[Contrast]:
    """Return the pairs that are printed and drawn: all, or the declared ones where all are too many to read.

    CSV and JSON have every pair.
    """
    pairs = evidence.arms.contrasts
    if evidence.arms.family != "declared" or len(pairs) <= _MANY:
        return pairs
    return [each for each in pairs if each.in_family]


def contrast_table(evidence: Evidence) -> Table:
    """Return one row per pair of arms: difference, interval, p values, clips that only one gets right, verdict."""
    headers = [("", "First"), ("", "Second"), ("First − second", "Mean"), ("First − second", "SD")]
    headers += [("First − second", "Interval")]
    headers += [(group, part) for group in ("t-test p", "TOST p") for part in ("raw", "Holm")]
    headers += [("Clips right", "only 1st"), ("Clips right", "only 2nd"), ("Clips right", "p"), ("", "Verdict")]
    rows = []
    pairs = printed_pairs(evidence)
    for each in pairs:
        clips = each.mcnemar
        rows.append(
            [
                each.first,
                each.second,
                points(each.mean),
                accuracy(each.sd),
                interval(*each.interval, signed=True) if each.interval else NOTHING,
                p_value(each.p),
                p_value(each.p_adjusted),
                p_value(each.p_equivalence),
                p_value(each.p_equivalence_adjusted),
                f"{clips.only_first:,}" if clips else NOTHING,
                f"{clips.only_second:,}" if clips else NOTHING,
                p_value(clips.p if clips else None),
                each.decision.verdict.value if each.in_family else NOTHING,
            ]
        )
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
    """Return what else can be said of each pair."""
    headers = [("", "First"), ("", "Second"), ("Interval", "recordings")]
    headers += [("Probability", part) for part in ("lower", "within", "higher")]
    headers += [("Wilcoxon p", "found"), ("Wilcoxon p", "least"), ("Uncorrected", "p")]
    rows = []
    pairs = printed_pairs(evidence)
    for each in pairs:
        ranks, drawn = each.wilcoxon, each.bootstrap
        rows.append(
            [
                each.first,
                each.second,
                interval(drawn.low, drawn.high, signed=True) if drawn else NOTHING,
                *probabilities(each.bayes),
                p_value(ranks.p if ranks else None),
                p_value(ranks.attainable_p if ranks else None),
                p_value(each.test.naive_p if each.test else None),
            ]
        )
    caption = (
        f"Complements to the differences between arms. Recordings: {evidence.confidence} bootstrap interval of "
        "the difference in macro accuracy, whole recordings resampled, networks and folds held fixed. Probability: of "
        f"the true difference lying below −{evidence.margin:g}, within ±{evidence.margin:g} and above "
        f"+{evidence.margin:g} points (Bayesian correlated t-test, over folds). Wilcoxon: exact signed-rank test over "
        f"folds, and the least p that so many folds can give. {UNCORRECTED}"
    )
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
    """Return whether a pair sets a fusion against one of the arms that it fuses."""
    streams = evidence.record.streams
    return contrast.second in streams(contrast.first) or contrast.first in streams(contrast.second)


def _after_leading(evidence: Evidence, pairs: Sequence[Contrast]) -> tuple[int, ...]:
    """Return the row where the declared pairs end, or else where those of a fusion and its own streams do."""
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
        "p": each.p,
        "p_holm": each.p_adjusted,
        "p_equivalence": each.p_equivalence,
        "p_equivalence_holm": each.p_equivalence_adjusted,
        "clips_only_first": each.mcnemar.only_first if each.mcnemar else None,
        "clips_only_second": each.mcnemar.only_second if each.mcnemar else None,
        "mcnemar_p": each.mcnemar.p if each.mcnemar else None,
        "in_family": each.in_family,
        "verdict": each.decision.verdict.value,
        "reason": each.decision.reason,
    }


def _further(each: Contrast) -> dict[str, Any]:
    return {
        "first": each.first,
        "second": each.second,
        "recordings_low": each.bootstrap.low if each.bootstrap else None,
        "recordings_high": each.bootstrap.high if each.bootstrap else None,
        "probability_lower": each.bayes.p_lower if each.bayes else None,
        "probability_within": each.bayes.p_rope if each.bayes else None,
        "probability_higher": each.bayes.p_higher if each.bayes else None,
        "wilcoxon_p": each.wilcoxon.p if each.wilcoxon else None,
        "wilcoxon_least_p": each.wilcoxon.attainable_p if each.wilcoxon else None,
        "uncorrected_t": each.test.naive_t if each.test else None,
        "uncorrected_p": each.test.naive_p if each.test else None,
    }
