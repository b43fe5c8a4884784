"""Whether a headline accuracy is the mean over classes or over clips, and whether the folds agree with it.

Every printed number represents all numbers that round to it. A headline can be a mean where the two intervals overlap.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.claims.audit.counts import class_counts
from harness.claims.audit.finding import Finding, Outcome
from harness.claims.audit.interval import Interval, class_intervals, fold_intervals, headline, mean
from harness.claims.claim import Claim
from harness.claims.library import claims_of
from harness.claims.paper import Paper


@dataclass(frozen=True)
class Average:
    """What the class accuracies of a column average to, in percent.

    ``clip`` is None where the clips per class are unknown; ``agrees`` names the means that the headline can be.
    """

    headline: Interval
    macro: Interval
    clip: Interval | None

    @property
    def agrees(self) -> tuple[str, ...]:
        """macro, clip, both or neither."""
        means = (("macro", self.macro), ("clip", self.clip))
        return tuple(name for name, one in means if one is not None and one.meets(self.headline))


def average(claim: Claim) -> Average | None:
    """Return the means of the class accuracies of ``claim``'s column; None where none are printed."""
    classes = class_intervals(claim)
    if not classes:
        return None
    clips = class_counts(claim.table).clips
    return Average(headline(claim), mean(classes), mean(classes, clips) if clips else None)


def check_averages(paper: Paper) -> list[Finding]:
    """Return one finding per column: which means of its class accuracies its headline agrees with."""
    return [_average_finding(claim) for claim in claims_of(paper)]


def _average_finding(claim: Claim) -> Finding:
    place = f"{claim.table.id}/{claim.column.name}"
    found = average(claim)
    if found is None:
        return Finding("average", place, "cannot be checked", "No class accuracies are printed with the headline.")
    means = f"their unweighted mean is in {found.macro}"
    if found.clip is not None:
        means += f", their mean weighted by clips in {found.clip}"
    declared = claim.table.estimand
    n = len(claim.column.classes)
    outcome, verdict = _judged(claim, found)
    return Finding(
        "average",
        place,
        outcome,
        f"The headline {claim.column.value} {verdict} ({n} classes; {means}).",
        {
            "text": claim.column.value,
            "printed": float(found.headline.middle),
            "macro": _numbers(found.macro),
            "clip": _numbers(found.clip),
            "agrees_with": list(found.agrees),
            "declared": declared,
        },
    )


def _judged(claim: Claim, found: Average) -> tuple[Outcome, str]:
    declared, agrees = claim.table.mean, found.agrees
    classes = class_intervals(claim)
    other = "is not the unweighted mean of its classes"
    if found.clip is not None:
        other = "is neither the unweighted nor the clip-weighted mean of its classes"
    if not Interval(min(one.low for one in classes), max(one.high for one in classes)).meets(found.headline):
        return "contradicts", "is outside the range of its class accuracies, so it is not a mean of them"
    what = " and with ".join(f"{name} accuracy" for name in agrees)
    if declared in agrees:
        undecided = ", which its printed digits cannot distinguish" if len(agrees) > 1 else ""
        return "holds", f"agrees with {what}{undecided}"
    if declared == "macro" or (declared == "clip" and found.clip is not None):
        instead = f"agrees with {what}" if agrees else other
        return "contradicts", f"is given as {declared} accuracy, but {instead}"
    if agrees:
        return "shows", f"agrees with {what}; its estimand is given as {declared}"
    return "shows", f"{other}; its estimand is given as {declared}"


def check_fold_means(paper: Paper) -> list[Finding]:
    """Return one finding per column with printed folds: whether its headline is their mean.

    Folds of unequal size allow a pooled accuracy that is not their mean, so only a headline that no weighting of the
    folds gives contradicts them; where all folds have the same number of clips the plain mean is the only one.
    """
    return [_fold_finding(claim) for claim in claims_of(paper) if claim.column.folds]


def _fold_finding(claim: Claim) -> Finding:
    folds, printed = fold_intervals(claim), headline(claim)
    plain = mean(folds)
    hull = Interval(min(one.low for one in folds), max(one.high for one in folds))
    outcome: Outcome
    if plain.meets(printed):
        outcome, verdict = "holds", "is the mean of the printed folds"
    elif not hull.meets(printed):
        outcome, verdict = "contradicts", "is outside the range of the printed folds, so it is not a mean of them"
    elif claim.table.description.balanced and claim.table.split == "official":
        outcome, verdict = "contradicts", "is not the mean of the printed folds, all of which have as many clips"
    else:
        outcome, verdict = "shows", "is not the mean of the printed folds; it may be weighted by their sizes"
    return Finding(
        "fold mean",
        f"{claim.table.id}/{claim.column.name}",
        outcome,
        f"The headline {claim.column.value} {verdict} ({len(folds)} folds; their mean is in {plain}).",
        {
            "text": claim.column.value,
            "printed": float(printed.middle),
            "fold_mean": _numbers(plain),
            "n": len(folds),
        },
    )


def _numbers(interval: Interval | None) -> dict[str, float] | None:
    if interval is None:
        return None
    return {"low": float(interval.low), "value": float(interval.middle), "high": float(interval.high)}
