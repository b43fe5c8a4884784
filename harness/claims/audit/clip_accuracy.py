"""Clip accuracy of a claim whose headline is another mean, where its class accuracies and the data set determine it."""

from __future__ import annotations

from dataclasses import dataclass

from harness.claims.audit.average import average
from harness.claims.audit.counts import class_counts, equal_counts
from harness.claims.audit.finding import Finding
from harness.claims.audit.interval import Interval, headline
from harness.claims.claim import Claim
from harness.claims.library import claims_of
from harness.claims.paper import Paper


@dataclass(frozen=True)
class ClipAccuracy:
    """The fraction of clips classed correctly that a claim amounts to, in percent.

    ``low`` and ``high`` bound what the rounding of the printed numbers allows.
    """

    low: float
    high: float
    value: float


def clip_accuracy(claim: Claim) -> ClipAccuracy | None:
    """Return the clip accuracy that ``claim`` amounts to; None where it cannot be computed.

    Class accuracies are weighted by the clips of each class, where every clip of the data set is tested. Without them
    the headline itself is the clip accuracy where it is given as such, or where it is macro accuracy over classes with
    equal numbers of clips. The accuracy of one class has none.
    """
    interval, _ = _clip_accuracy(claim)
    if interval is None or claim.class_name is not None:
        return None
    return ClipAccuracy(float(interval.low), float(interval.high), float(interval.middle))


def check_clip_accuracy(paper: Paper) -> list[Finding]:
    """Return one finding per column: the clip accuracy it amounts to, or why that cannot be computed."""
    findings = []
    for claim in claims_of(paper):
        place = f"{claim.table.id}/{claim.column.name}"
        interval, reason = _clip_accuracy(claim)
        if interval is None:
            findings.append(Finding("clip accuracy", place, "cannot be checked", f"Not computable: {reason}."))
            continue
        value, printed = interval.middle, headline(claim).middle
        numbers = {
            "text": claim.column.value,
            "printed": float(printed),
            "low": float(interval.low),
            "value": float(value),
            "high": float(interval.high),
            "difference": float(value - printed),
        }
        sentence = f"Over clips the accuracy is {float(value):.2f} ({interval}): {reason}."
        findings.append(Finding("clip accuracy", place, "shows", sentence, numbers))
    return findings


def _clip_accuracy(claim: Claim) -> tuple[Interval | None, str]:
    """Return clip accuracy with its reason, or None with the reason why there is none."""
    table = claim.table
    found = average(claim)
    if found is not None and found.clip is not None:
        return found.clip, f"the {len(table.classes)} class accuracies weighted by the clips of each class"
    if table.estimand == "clip":
        return headline(claim), "the headline is given as clip accuracy"
    if found is not None:
        return None, class_counts(table).unknown
    equal = equal_counts(table)
    if table.estimand != "macro":
        return None, f"no class accuracies are printed, and the estimand is given as {table.estimand}"
    if equal is None:
        return None, f"no class accuracies are printed, and the classes of {table.dataset} differ in size"
    if table.split == "one split" or table.folds != len(table.description.folds):
        return None, "a part of the data set is tested, and its clips per class are not known"
    return headline(claim), f"every class has {equal} clips, so macro and clip accuracy are equal"
