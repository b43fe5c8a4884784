"""Comparison of one arm's fold accuracies with one published number, by every test that the published side allows.

Accuracies, differences and margins are percentage points.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from harness.choices import ReadAs
from harness.claims import Claim, Paper
from harness.claims.audit.dispersion import dispersion_kind, fold_sd
from harness.comparisons.claim_comparison import ClaimComparison, Rules, settle_family
from harness.comparisons.claim_side import Basis, ClaimSide, claim_side
from harness.comparisons.conditions import Conditions, compared, compared_folds
from harness.comparisons.over_recordings import ClipAnswers, over_recordings
from harness.comparisons.statistical_tests import FoldSample, attempt, made, run_tests
from harness.statistics.against_published import sensitivity
from harness.statistics.power import folds_needed, seeds_needed
from harness.statistics.seeds import Trainings, average_seeds, seeds_per_fold, variance_components
from harness.statistics.t_tests import one_sample

__all__ = ["ClaimComparison", "Rules", "compare_with_claim", "settle_family"]


def compare_with_claim(
    arm: str,
    trainings: Trainings,
    claim: Claim,
    paper: Paper,
    conditions: Conditions,
    rules: Rules,
    read_as: ReadAs | None = None,
    clips: ClipAnswers | None = None,
) -> ClaimComparison:
    """Compare an arm's accuracies with ``claim``; p values are raw until :func:`settle_family`.

    Parameters
    ----------
    arm : str
        Name of the arm, for the result and its sentences.
    trainings : mapping of str to sequence, or DataFrame
        One entry per training in each column: ``fold``, ``accuracy`` in percent, and ``seed`` where it is known.
    claim : Claim
        The published number.
    paper : Paper
        The claim's paper; its other tables can show what the claim's dispersion is over.
    conditions : Conditions
        How the arm's accuracies were measured; its ``ratio`` is that of the correction.
    rules : Rules
        Margin, confidence and the treatment of claims without a known SD.
    read_as : ReadAs, optional
        Whether the arm replicates the claim's system. None: as the claim itself states.
    clips : ClipAnswers, optional
        What the arm has right of a test part, over whose recordings and seeds is then tested instead of over folds.

    Raises
    ------
    StatisticsError
        When there is no row, an accuracy is not finite, or a fold and seed occurs twice.
    """
    folds = average_seeds(trainings)
    values = np.array(list(folds.values()))
    mean, sd = float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else float("nan")
    differences, caveats = compared(conditions, claim)
    of_folds, further = compared_folds(folds, claim) if clips is None else ((), ())
    kind = dispersion_kind(claim, paper)
    claim_sd, _ = attempt(lambda: fold_sd(claim, paper))
    side = claim_side(claim, claim_sd, folds, conditions, ratio=claim.table.ratio, exact=rules.claim_exact)
    comparison = ClaimComparison(
        claim=claim,
        arm=arm,
        estimand=conditions.estimand,
        folds=folds,
        mean=mean,
        sd=sd,
        n_seeds=seeds_per_fold(trainings),
        ratio=conditions.ratio,
        margin=rules.margin,
        confidence=rules.confidence,
        claimed=side.percent,
        difference=mean - side.percent,
        basis=side.basis,
        rounding=side.rounding,
        published_refused="" if claim_sd is not None else kind.reason,
        claim_sd=claim_sd,
        claim_sd_kind=kind.kind,
        differences=differences + of_folds,
        caveats=caveats + further,
        read_as=read_as or claim.read_as,
    )
    if clips is None:
        comparison = _over_folds(comparison, trainings, side, rules)
    else:
        comparison = over_recordings(comparison, clips, rules)
    if comparison.differences:
        # Statements on a difference are made only where the two sides agree in everything but their result.
        comparison = replace(
            comparison,
            p=None,
            p_equivalence=None,
            decisive=None,
            equivalence=None,
            sensitivity=None,
            further={},
            needed=None,
            seeds_needed=None,
        )
    return settle_family([comparison])[0]


def _over_folds(comparison: ClaimComparison, trainings: Trainings, side: ClaimSide, rules: Rules) -> ClaimComparison:
    """Add the tests over folds."""
    folds, ratio, sd, difference = comparison.folds, comparison.ratio, comparison.sd, comparison.difference
    test, refused = attempt(
        lambda: one_sample(folds, comparison.claim.percent, ratio=ratio, confidence=rules.confidence)
    )
    decisive, undecided = attempt(lambda: side.test(folds, ratio=ratio, confidence=rules.confidence))
    same = decisive.equivalence(rules.margin) if decisive else None
    # With published fold values, seeds and folds are planned for the differences instead of the values.
    target: Mapping[int, float] | float = side.folds or side.percent
    apart = {fold: folds[fold] - side.folds.get(fold, side.percent) for fold in folds}
    spread = float(np.std(list(apart.values()), ddof=1)) if len(apart) > 1 else float("nan")
    corrected = side.corrected(ratio, sd)
    return replace(
        comparison,
        test=test,
        refused="" if decisive else undecided or refused,
        used=side.in_words(len(folds)),
        decisive=decisive,
        equivalence=same,
        sensitivity=made(lambda: _sensitivity(side, folds, ratio, rules)),
        further=run_tests(FoldSample(folds, target, corrected, rules.margin, rules.confidence, side.rounding)),
        needed=made(
            lambda: folds_needed(
                difference,
                spread,
                margin=rules.margin,
                alpha=rules.alpha,
                share=side.share(sd),
                rounding=side.rounding,
            )
        ),
        seeds_needed=made(
            lambda: seeds_needed(
                max(0.0, abs(difference) - side.rounding),
                variance_components(_apart(trainings, side.folds)),
                len(folds),
                ratio=corrected,
                alpha=rules.alpha,
            )
        ),
        p=decisive.p if decisive else None,
        p_equivalence=same.p if same else None,
    )


def _sensitivity(side: ClaimSide, folds: Mapping[int, float], ratio: float, rules: Rules) -> float | None:
    if side.basis not in (Basis.MEASURED_SD, Basis.EXACT):
        return None
    return sensitivity(
        folds,
        side.percent,
        side.n_folds,
        ratio=ratio,
        published_ratio=side.ratio,
        confidence=rules.confidence,
        rounding=side.rounding,
    )


def _apart(trainings: Trainings, claimed: Mapping[int, float]) -> Trainings:
    """Return the trainings with the claim's fold values, if any, subtracted."""
    folds, accuracies = list(trainings["fold"]), trainings["accuracy"]
    apart = [value - claimed.get(fold, 0.0) for fold, value in zip(folds, accuracies, strict=True)]
    return {"fold": folds, "accuracy": apart}
