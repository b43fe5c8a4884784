"""The result of a comparison with a published number, and the verdicts of a family of such comparisons.

Accuracies, differences and margins are percentage points.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from harness.choices import ReadAs
from harness.claims import Claim
from harness.comparisons.claim_side import Basis
from harness.comparisons.statistical_tests import Over
from harness.statistics.against_published import DifferenceTest, PublishedTest
from harness.statistics.bootstrap import BootstrapInterval
from harness.statistics.family import holm
from harness.statistics.holdout import HoldoutTest
from harness.statistics.power import FoldsNeeded
from harness.statistics.t_tests import TTest
from harness.statistics.tost import Equivalence
from harness.statistics.verdict import Decision, Verdict, decide
from harness.text.decimals import decimals, possible


@dataclass(frozen=True)
class Rules:
    """What a study declares before it runs.

    Attributes
    ----------
    margin, confidence
        Of equivalence, in percentage points; of intervals.
    claim_exact
        Whether a claim that is a mean over folds of unknown SD is taken as exact. By default the measured SD is used
        for both sides: with an exact claim the test rejects too often where nothing differs.
    """

    margin: float
    confidence: float = 0.95
    claim_exact: bool = False

    @property
    def alpha(self) -> float:
        """Level of the tests."""
        return 1 - self.confidence


_BESIDE_REFERENCE = {
    Verdict.CONSISTENT: "consistent with the reference",
    Verdict.LOWER: "lower than the reference",
    Verdict.HIGHER: "higher than the reference",
}


_OPEN = Decision(Verdict.INCONCLUSIVE, "")


@dataclass(frozen=True)
class ClaimComparison:
    """An arm compared with a published number.

    Attributes
    ----------
    claim, arm, estimand
        The published number, the arm, and what the arm's accuracies are (macro, clip, segment or class).
    read_as
        Whether the arm replicates the claim's system, or the claim is a reference from another system.
    folds, mean, sd, n_seeds
        Accuracy by fold in percent, seeds averaged; mean and SD over folds (ddof 1; NaN for one fold); fewest and most
        seeds of a fold.
    ratio
        n_test / n_train of the correction.
    test, refused
        Corrected one-sample t-test against the number as printed, for the interval of the measured mean; None with the
        reason in ``refused`` where none can be made.
    measured
        Of a hold-out data set, the measured accuracy over recordings and seeds, for its interval; None as ``test``.
    over
        What is tested over: folds, or the recordings (and seeds) of a test part.
    basis, rounding, used
        What the claim's side of the test is, half a unit of its last printed digit in points, and how it was used in
        words.
    decisive
        The test that the verdict rests on, with the claim's spread as ``basis`` says and its rounding.
    published_refused, claim_sd, claim_sd_kind
        The claim's own SD over folds; None with the reason, where there is no such SD. The kind is what a printed
        dispersion is over, as the audit found it: folds, classes, unknown, or none.
    equivalence, sensitivity, bootstrap
        Further tests, None where they cannot be made or need folds that the study does not have; ``equivalence`` is
        that of ``decisive``, ``sensitivity`` how large an unknown SD of the claim would have to be for the difference
        to be chance. The bootstrap is over recordings and needs predictions. Of a row that is not comparable only
        ``test``, ``measured`` and ``bootstrap`` are there.
    further
        The results of :func:`harness.comparisons.statistical_tests.run_tests` by name; folds are paired where ``basis``
        does.
    p, p_adjusted, p_equivalence, p_equivalence_adjusted
        Of ``decisive``, raw and after Holm over the family; None for a row that is not comparable, which is not part of
        the family.
    claimed, difference, low, high
        The claimed accuracy, fold by fold over the measured folds; measured minus claimed; corrected interval of the
        measured mean.
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
    claimed: float
    difference: float
    basis: Basis
    rounding: float
    published_refused: str
    claim_sd: float | None
    claim_sd_kind: str
    differences: tuple[str, ...]
    caveats: tuple[str, ...]
    test: TTest | None = None
    measured: HoldoutTest | None = None
    refused: str = ""
    used: str = ""
    decisive: DifferenceTest | None = None
    equivalence: Equivalence | None = None
    sensitivity: float | None = None
    further: Mapping[str, Any] = field(default_factory=dict)
    needed: FoldsNeeded | None = None
    seeds_needed: int | None = None
    p: float | None = None
    p_equivalence: float | None = None
    decision: Decision = _OPEN
    over: Over = "folds"
    p_adjusted: float | None = None
    p_equivalence_adjusted: float | None = None
    bootstrap: BootstrapInterval | None = None
    classes: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    read_as: ReadAs = ReadAs.REPLICATION

    @property
    def is_reference(self) -> bool:
        """Whether the claim is of another system than the arm's, so that the verdict is not on a replication."""
        return self.read_as == "reference"

    @property
    def outcome(self) -> str:
        """The verdict in words that never call a reference replicated."""
        verdict = self.decision.verdict
        return _BESIDE_REFERENCE.get(verdict, verdict.value) if self.is_reference else verdict.value

    @property
    def holdout(self) -> HoldoutTest | None:
        """The test on a test part, where the verdict rests on that."""
        return self.decisive if isinstance(self.decisive, HoldoutTest) else None

    @property
    def published(self) -> PublishedTest | None:
        """Welch's test with the claim's own SD over folds, where the verdict rests on that."""
        return self.decisive if isinstance(self.decisive, PublishedTest) else None

    @property
    def prediction_low(self) -> float | None:
        """Lower end of where a claim on similar folds would be expected, limited to possible accuracies; None without
        ``published``."""
        return possible(self.published.prediction_low, self.published.prediction_high)[0] if self.published else None

    @property
    def prediction_high(self) -> float | None:
        """Upper end of the same."""
        return possible(self.published.prediction_low, self.published.prediction_high)[1] if self.published else None

    @property
    def uncorrected(self) -> TTest | None:
        """The test whose uncorrected p is shown for contrast; None for a row that is not comparable."""
        return None if self.differences else self.test

    @property
    def low(self) -> float:
        """Lower end of the interval of the measured mean, over folds corrected; NaN without a test."""
        interval = self.test or self.measured
        return interval.low if interval else float("nan")

    @property
    def high(self) -> float:
        """Upper end of the same."""
        interval = self.test or self.measured
        return interval.high if interval else float("nan")


class Compared(Protocol):
    """A member of a family, by its raw p values; None where no test was made."""

    @property
    def p(self) -> float | None: ...
    @property
    def p_equivalence(self) -> float | None: ...


def settle_family(
    comparisons: Sequence[ClaimComparison], others: Sequence[Compared] = ()
) -> tuple[ClaimComparison, ...]:
    """Return ``comparisons`` as one family: Holm's adjusted p values, and the verdicts that follow from them.

    ``others`` belong to the family too, and are settled elsewhere.
    """
    adjusted, adjusted_same = adjusted_in_family(comparisons, others)
    return tuple(
        replace(
            each,
            p_adjusted=p,
            p_equivalence_adjusted=p_same,
            decision=_decision(each, p, p_same),
        )
        for each, p, p_same in zip(comparisons, adjusted, adjusted_same, strict=True)
    )


def adjusted_in_family(
    comparisons: Sequence[Compared], others: Sequence[Compared] = ()
) -> tuple[list[float | None], list[float | None]]:
    """Return Holm's adjusted p and equivalence p of ``comparisons`` in a family with ``others``."""
    family = [*comparisons, *others]
    adjusted, same = holm([each.p for each in family]), holm([each.p_equivalence for each in family])
    return adjusted[: len(comparisons)], same[: len(comparisons)]


def _decision(comparison: ClaimComparison, p: float | None, p_same: float | None) -> Decision:
    published = "reference (another system)" if comparison.is_reference else "claimed"
    what = f"{comparison.arm} {decimals(comparison.mean, 1)} %, {published} {comparison.claim.percent_text} %"
    decisive, alpha = comparison.decisive, 1 - comparison.confidence
    if not comparison.differences:
        if decisive is None:
            return Decision(Verdict.INCONCLUSIVE, f"{what}: {comparison.refused}.")
        what = f"{what}{comparison.used}"
        if decisive.standard_error == 0 and p_same is not None and p_same < alpha:
            return Decision(
                Verdict.CONSISTENT,
                f"{what}: all {len(comparison.folds)} measured folds equal the published ones as far as these are "
                f"printed, so the difference is within the margin of ±{comparison.margin:g} points.",
            )
    return decide(
        difference=comparison.difference,
        p=p,
        p_equivalence=p_same,
        margin=comparison.margin,
        alpha=alpha,
        differences=comparison.differences,
        what=what,
        folds=len(comparison.folds) if comparison.over == "folds" else 0,
        smallest_found=found_above(decisive, p, alpha),
    )


def found_above(test: DifferenceTest | TTest | None, p_adjusted: float | None, alpha: float) -> float:
    """Return the size above which ``test`` would have found a difference, in a family with this adjusted p."""
    if test is None or not p_adjusted:
        return float("inf")
    # Holm multiplies p; dividing alpha by the same factor is equivalent.
    return test.smallest_found(alpha * test.p / p_adjusted)
