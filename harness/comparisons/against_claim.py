"""One arm's fold accuracies against one published number: every test that the published side allows.

Accuracies, differences and margins are percentage points.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
import pandas as pd

from harness.claims import Claim, Paper
from harness.claims.audit import dispersion_kind, fold_sd
from harness.comparisons.conditions import Conditions, compared
from harness.decimals import decimals
from harness.errors import ClaimsError, StatisticsError
from harness.statistics import (
    BootstrapInterval,
    CorrelatedT,
    Decision,
    Equivalence,
    FoldsNeeded,
    PublishedTest,
    TTest,
    Verdict,
    Wilcoxon,
    against_published,
    average_seeds,
    correlated_t,
    decide,
    equivalence,
    fold_ratio,
    folds_needed,
    holm,
    one_sample,
    seeds_needed,
    sensitivity,
    variance_components,
    wilcoxon_folds,
)

Result = TypeVar("Result")


@dataclass(frozen=True)
class Rules:
    """What a study declares before it runs: ``margin`` in percentage points, ``confidence`` of intervals."""

    margin: float
    confidence: float = 0.95

    @property
    def alpha(self) -> float:
        """Tests reject below this."""
        return 1 - self.confidence


@dataclass(frozen=True)
class ClaimComparison:
    """An arm beside a published number.

    Attributes
    ----------
    claim, arm, estimand
        The published number, the arm, and what the arm's accuracies are (macro, clip, segment or class).
    folds, mean, sd, n_seeds
        Accuracy by fold in percent, seeds averaged; mean and SD over folds (ddof 1; NaN for one fold); fewest and most
        seeds of a fold.
    ratio
        n_test / n_train of the correction.
    test, refused
        Corrected one-sample t-test; None with the reason in ``refused`` where none can be made.
    published, published_refused, claim_sd, claim_sd_kind
        Welch's test with the claim's own SD over folds; None with the reason, where there is no such SD. The kind is
        what a printed dispersion is over, as the audit found it: folds, classes, unknown, or none.
    equivalence, sensitivity, wilcoxon, bayes, bootstrap
        Further tests, None where they cannot be made; the bootstrap is over recordings and needs predictions. Of a row
        that is not comparable only ``test``, for its interval, and ``bootstrap`` are there.
    p, p_adjusted, p_equivalence, p_equivalence_adjusted
        Of the test that the verdict rests on (``published`` where there is one, else ``test``), raw and after Holm over
        the family; None for a row that is not comparable, which is no part of the family.
    difference, low, high
        Measured minus claimed; corrected interval of the measured mean.
    decision, differences, caveats
        Verdict with its reason; conditions that differ; conditions that are not stated.
    needed, seeds_needed
        Folds that would show the observed difference or equivalence, and seeds that would show the difference.
    classes
        Class name to claimed and measured accuracy in percent, where the claim has class accuracies.
    """

    claim: Claim
    arm: str
    estimand: str
    folds: Mapping[int, float]
    mean: float
    sd: float
    n_seeds: tuple[int, int]
    ratio: float
    margin: float
    confidence: float
    difference: float
    test: TTest | None
    refused: str
    published: PublishedTest | None
    published_refused: str
    claim_sd: float | None
    claim_sd_kind: str
    equivalence: Equivalence | None
    sensitivity: float | None
    wilcoxon: Wilcoxon | None
    bayes: CorrelatedT | None
    needed: FoldsNeeded | None
    seeds_needed: int | None
    p: float | None
    p_equivalence: float | None
    differences: tuple[str, ...]
    caveats: tuple[str, ...]
    decision: Decision
    p_adjusted: float | None = None
    p_equivalence_adjusted: float | None = None
    bootstrap: BootstrapInterval | None = None
    classes: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def low(self) -> float:
        """Lower end of the corrected interval of the measured mean; NaN without a test."""
        return self.test.low if self.test else float("nan")

    @property
    def high(self) -> float:
        """Upper end of the corrected interval of the measured mean; NaN without a test."""
        return self.test.high if self.test else float("nan")


def compare_with_claim(
    arm: str, trainings: pd.DataFrame, claim: Claim, paper: Paper, conditions: Conditions, rules: Rules
) -> ClaimComparison:
    """Set an arm's accuracies beside ``claim``; p values are raw until :func:`settle_family`.

    Parameters
    ----------
    trainings
        One row per training: ``fold``, ``accuracy`` in percent, and ``seed`` where it is known.
    paper
        The claim's paper: its other tables tell what its dispersion is over.

    Raises
    ------
    StatisticsError
        When there is no row, an accuracy is not finite, or a fold and seed stands twice.
    """
    folds = average_seeds(trainings)
    counts = trainings.groupby("fold").size()
    values = np.array(list(folds.values()))
    mean, sd = float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else float("nan")
    differences, caveats = compared(conditions, claim)
    if claim.table.folds > 1 and 1 < len(folds) < claim.table.folds:
        caveats = (*caveats, f"{len(folds)} folds are tested here, {claim.table.folds} there")
    ratio, target, alpha = conditions.ratio, claim.percent, rules.alpha
    test, refused = attempt(lambda: one_sample(folds, target, ratio=ratio, confidence=rules.confidence))
    kind = dispersion_kind(claim, paper)
    there = fold_ratio(claim.table.folds) if claim.table.folds > 1 else float("nan")
    both_sides = {"ratio": ratio, "published_ratio": there, "confidence": rules.confidence}
    published: PublishedTest | None = None
    published_refused = kind.reason
    claim_sd, _ = attempt(lambda: fold_sd(claim, paper))
    if claim_sd is not None:
        published, published_refused = attempt(
            lambda: against_published(folds, target, claim_sd, claim.table.folds, **both_sides)
        )
    same = made(lambda: equivalence(folds, target, rules.margin, ratio=ratio, alpha=alpha))
    p = p_same = None
    if test is not None and same is not None and not differences:
        p = published.p if published else test.p
        p_same = published.equivalence_p(rules.margin) if published else same.p
    comparison = ClaimComparison(
        claim=claim,
        arm=arm,
        estimand=conditions.estimand,
        folds=folds,
        mean=mean,
        sd=sd,
        n_seeds=(int(counts.min()), int(counts.max())),
        ratio=ratio,
        margin=rules.margin,
        confidence=rules.confidence,
        difference=mean - target,
        test=test,
        refused=refused,
        published=published,
        published_refused=published_refused,
        claim_sd=claim_sd,
        claim_sd_kind=kind.kind,
        equivalence=same,
        sensitivity=made(lambda: sensitivity(folds, target, claim.table.folds, **both_sides)),
        wilcoxon=made(lambda: wilcoxon_folds(folds, target)),
        bayes=made(lambda: correlated_t(folds, target, rope=rules.margin, ratio=ratio, confidence=rules.confidence)),
        needed=made(lambda: folds_needed(mean - target, sd, margin=rules.margin, alpha=alpha)),
        seeds_needed=made(
            lambda: seeds_needed(mean - target, variance_components(trainings), len(folds), ratio=ratio, alpha=alpha)
        ),
        p=p,
        p_equivalence=p_same,
        differences=differences,
        caveats=caveats,
        decision=Decision(Verdict.INCONCLUSIVE, ""),
    )
    if differences:
        # What is said of a difference is said only where the two sides are alike in all but their result.
        comparison = replace(
            comparison,
            published=None,
            equivalence=None,
            sensitivity=None,
            wilcoxon=None,
            bayes=None,
            needed=None,
            seeds_needed=None,
        )
    return settle_family([comparison])[0]


def settle_family(comparisons: Sequence[ClaimComparison]) -> tuple[ClaimComparison, ...]:
    """Return ``comparisons`` as one family: Holm's adjusted p values, and the verdicts that follow from them."""
    adjusted = holm([each.p for each in comparisons])
    adjusted_same = holm([each.p_equivalence for each in comparisons])
    return tuple(
        replace(
            each,
            p_adjusted=p,
            p_equivalence_adjusted=p_same,
            decision=_decision(each, p, p_same),
        )
        for each, p, p_same in zip(comparisons, adjusted, adjusted_same, strict=True)
    )


def _decision(comparison: ClaimComparison, p: float | None, p_same: float | None) -> Decision:
    what = (
        f"{comparison.arm}, {decimals(comparison.mean, 1)} %, against the published {comparison.claim.percent_text} %"
    )
    if comparison.test is None and not comparison.differences:
        return Decision(Verdict.INCONCLUSIVE, f"{what}: {comparison.refused}.")
    return decide(
        difference=comparison.difference,
        p=p,
        p_equivalence=p_same,
        margin=comparison.margin,
        alpha=1 - comparison.confidence,
        differences=comparison.differences,
        what=what,
    )


def attempt(test: Callable[[], Result]) -> tuple[Result | None, str]:
    """Return a test's result, or None and why there is none."""
    try:
        return test(), ""
    except (StatisticsError, ClaimsError) as error:
        # A comparison has one set of values, so their name in the function tells a reader nothing.
        return None, str(error).removeprefix("values: ")


def made(test: Callable[[], Result]) -> Result | None:
    """Return a test's result, or None where there is none."""
    return attempt(test)[0]
