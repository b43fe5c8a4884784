"""What a published number contributes to a test: fold values, a standard deviation over folds, or neither.

The options are listed in :class:`Basis`, the most informative first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from harness.claims import NOT_STATED, Claim
from harness.claims.printed import Printed
from harness.comparisons.conditions import Conditions
from harness.statistics.against_published import DifferenceTest, against_folds, against_mean, against_published
from harness.text.decimals import decimals


class Basis(StrEnum):
    """What the test of a claim takes the claim to be.

    fold by fold
        Fold values, paired with the measured ones.
    claimed SD
        A mean with its own SD over folds (Welch's test).
    measured SD
        A mean over folds of unknown SD, or one training on a test part: the measured spread is used for both sides.
    exact
        A number without a spread: it is not a mean over folds, or the user sets ``claim_exact``.
    """

    FOLD_BY_FOLD = "fold by fold"
    CLAIMED_SD = "claimed SD"
    MEASURED_SD = "measured SD"
    EXACT = "exact"


@dataclass(frozen=True)
class ClaimSide:
    """A claim as a test uses it; percent and percentage points.

    Attributes
    ----------
    percent
        The claimed accuracy; fold by fold, its mean over the measured folds.
    folds
        Fold by fold the claimed accuracies of the measured folds, else empty.
    sd, n_folds, ratio
        Its own SD over folds where that is known, the number of its folds, and its n_test / n_train.
    rounding
        Half a unit of the last printed digit, of fold values the mean of those.
    """

    basis: Basis
    percent: float
    folds: Mapping[int, float]
    sd: float | None
    n_folds: int
    ratio: float
    rounding: float

    def share(self, measured_sd: float) -> float:
        """Return the variance of the claim's mean over that of one measured fold."""
        if self.basis is Basis.MEASURED_SD:
            return 1 / self.n_folds + self.ratio
        if self.basis is Basis.CLAIMED_SD and self.sd is not None and measured_sd > 0:
            return (self.sd / measured_sd) ** 2 * (1 / self.n_folds + self.ratio)
        return 0.0

    def corrected(self, ratio: float, measured_sd: float) -> float:
        """Return the n_test / n_train to test with: where folds are paired, the larger of the two sides'."""
        if self.basis is Basis.FOLD_BY_FOLD:
            return max(ratio, self.ratio)
        return ratio + self.share(measured_sd)

    def test(self, measured: Mapping[int, float], *, ratio: float, confidence: float) -> DifferenceTest:
        """Return the test of ``measured``, fold -> accuracy, that this claim allows; it carries the verdict.

        Raises
        ------
        StatisticsError
            When there is no test: a single fold, or folds without a spread.
        """
        settings = {"confidence": confidence, "rounding": self.rounding}
        if self.basis is Basis.FOLD_BY_FOLD:
            return against_folds(measured, self.folds, ratio=self.corrected(ratio, 0.0), **settings)
        if self.basis is Basis.CLAIMED_SD and self.sd is not None:
            return against_published(
                measured, self.percent, self.sd, self.n_folds, ratio=ratio, published_ratio=self.ratio, **settings
            )
        return against_mean(measured, self.percent, ratio=ratio, share=self.share(1.0), **settings)

    def in_words(self, n_measured: int) -> str:
        """Return how the claim was used, as the continuation of a sentence."""
        if self.basis is Basis.FOLD_BY_FOLD:
            here = f" ({decimals(self.percent, 2)} % on these {n_measured} folds)" if n_measured < self.n_folds else ""
            return f"{here}, paired by fold"
        return {
            Basis.CLAIMED_SD: " with its own SD over folds",
            Basis.MEASURED_SD: " (SD over folds not stated; the measured SD is used for both sides)",
            Basis.EXACT: ", taken as exact",
        }[self.basis]


def claim_side(
    claim: Claim,
    sd: float | None,
    measured: Mapping[int, float],
    conditions: Conditions,
    *,
    ratio: float,
    exact: bool,
) -> ClaimSide:
    """Return what ``claim`` contributes to a test of ``measured``.

    Parameters
    ----------
    claim : Claim
        The published number.
    sd : float or None
        The claim's SD over folds in points (ddof 1); None where none is usable.
    measured : mapping of int to float
        Measured accuracy by fold, in percent.
    conditions : Conditions
        How ``measured`` was obtained; decides whether the claim's folds are the same ones.
    ratio : float
        n_test / n_train of the claim's folds.
    exact : bool
        Whether to take a claim of unknown spread as exact.
    """
    n_folds = claim.table.folds
    if conditions.holdout:
        basis = Basis.EXACT if exact else Basis.MEASURED_SD
        return ClaimSide(basis, claim.percent, {}, None, n_folds, ratio, _half_step(claim.printed, claim))
    by_fold = _fold_values(claim, conditions)
    if by_fold and measured.keys() <= by_fold.keys():
        shared = {fold: by_fold[fold] for fold in sorted(measured)}
        values = {fold: float(printed.value * claim.factor) for fold, printed in shared.items()}
        half_steps = [_half_step(printed, claim) for printed in shared.values()]
        count = len(shared)
        mean, rounding = sum(values.values()) / count, sum(half_steps) / count
        return ClaimSide(Basis.FOLD_BY_FOLD, mean, values, sd, n_folds, ratio, rounding)
    basis = Basis.EXACT
    if n_folds > 1 and sd is not None:
        basis = Basis.CLAIMED_SD
    elif n_folds > 1 and not exact:
        basis = Basis.MEASURED_SD
    return ClaimSide(basis, claim.percent, {}, sd, n_folds, ratio, _half_step(claim.printed, claim))


def _fold_values(claim: Claim, conditions: Conditions) -> dict[int, Printed]:
    """Return the claim's printed fold values by fold, where its folds are those that were measured; else nothing.

    Folds are the same where both sides use the data set's official ones. Where the own split is not stated, folds
    numbered like the official ones are assumed to be these; a caveat to the verdict says that it is not stated.
    """
    official = claim.table.description.folds
    same = (
        claim.class_name is None
        and conditions.dataset == claim.table.dataset
        and claim.table.split == "official"
        and conditions.split in ("official", NOT_STATED)
        and len(claim.column.folds) == len(official)
    )
    return dict(zip(official, map(Printed.parse, claim.column.folds), strict=True)) if same else {}


def _half_step(printed: Printed, claim: Claim) -> float:
    return float(printed.step * claim.factor / 2)
