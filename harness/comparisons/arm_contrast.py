"""One arm minus another, paired by fold, and the verdicts of a family of such pairs. Differences are in points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.comparisons.claim_comparison import Compared, Rules, adjusted_in_family, found_above
from harness.comparisons.over_recordings import on_test_part
from harness.comparisons.statistical_tests import FoldSample, Over, attempt, made, run_tests
from harness.statistics.against_published import DifferenceTest, PublishedTest
from harness.statistics.holdout import HoldoutTest
from harness.statistics.t_tests import TTest, paired
from harness.statistics.tost import Equivalence, equivalence
from harness.statistics.verdict import Decision, Verdict, decide

if TYPE_CHECKING:  # these import scipy.stats and pandas, which fold accuracies do not need
    from harness.statistics.bootstrap import BootstrapInterval
    from harness.statistics.clip_tests import McNemar

_OPEN = Decision(Verdict.INCONCLUSIVE, "")


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """One arm minus another.

    Attributes
    ----------
    folds, mean, sd
        Difference in macro accuracy by fold, seeds averaged first; mean and SD over folds. Empty and NaN where the two
        were not tested on the same folds; of arms split differently ``mean`` is the difference of their means.
    test, refused, equivalence
        Paired by fold; None, with the reason in ``refused``, where there is no test.
    further
        The results of :func:`harness.comparisons.statistical_tests.run_tests` by name; also paired by fold.
    holdout
        On the test part of a hold-out data set, paired by clip, where ``over`` is "recordings"; there is then no
        ``test``, no ``further`` and no fold.
    unpaired
        Welch's test of two sets of folds, both variances corrected, where the two arms were split differently.
    mcnemar
        Over clips, with the trainings of the first seed; clips are taken as independent. None where a clip is tested
        in several folds.
    bootstrap
        Of the difference in macro accuracy, over recordings; within folds, or of arms split differently over all clips.
    p, p_adjusted, p_equivalence, p_equivalence_adjusted
        Of ``test`` or ``holdout``, and ``equivalence``, or both of ``unpaired``; raw, and after Holm over the family;
        adjusted ones are None outside of it.
    in_family
        Whether the pair is one of those declared. Other pairs are shown without a conclusion.
    fewest_folds
        Of two sets of folds, the size of the smaller; 0 where folds are paired.
    """

    first: str
    second: str
    margin: float
    folds: Mapping[int, float] = field(default_factory=dict)
    mean: float = float("nan")
    sd: float = float("nan")
    test: TTest | None = None
    holdout: HoldoutTest | None = None
    unpaired: PublishedTest | None = None
    refused: str = ""
    equivalence: Equivalence | None = None
    further: Mapping[str, Any] = field(default_factory=dict)
    mcnemar: McNemar | None = None
    bootstrap: BootstrapInterval | None = None
    in_family: bool = True
    fewest_folds: int = 0
    over: Over = "folds"
    p_adjusted: float | None = None
    p_equivalence_adjusted: float | None = None
    decision: Decision = _OPEN

    @property
    def uncorrected(self) -> TTest | None:
        """The test whose uncorrected p is shown for contrast."""
        return self.test

    @property
    def decisive(self) -> TTest | DifferenceTest | None:
        """The test that the verdict rests on."""
        return self.test or self.holdout or self.unpaired

    @property
    def p(self) -> float | None:
        """Raw p of the test that the verdict rests on."""
        return self.decisive.p if self.decisive else None

    @property
    def p_equivalence(self) -> float | None:
        """Raw p of the equivalence test."""
        if self.unpaired:
            return self.unpaired.equivalence_p(self.margin)
        return self.equivalence.p if self.equivalence else None

    @property
    def n_folds(self) -> int:
        """Folds of the test; of two sets of folds those of the smaller. 0 without a test."""
        return len(self.folds) or self.fewest_folds

    @property
    def smallest_found(self) -> float:
        """Size above which the test would have found a difference, in the same family; infinite without a test."""
        tested = self.decisive
        return found_above(tested, self.p_adjusted, 1 - tested.confidence) if tested else float("inf")

    @property
    def interval(self) -> tuple[float, float] | None:
        """Interval of the difference: corrected over folds, or over recordings and seeds."""
        tested = self.decisive
        return (tested.low, tested.high) if tested else None


def settle_contrasts(
    contrasts: Sequence[Contrast], rules: Rules, others: Sequence[Compared] = ()
) -> tuple[Contrast, ...]:
    """Return ``contrasts`` as one family: Holm's adjusted p values, and the verdicts that follow from them.

    ``others`` belong to the family too, and are settled elsewhere.
    """
    adjusted, adjusted_same = adjusted_in_family(contrasts, others)
    return tuple(
        settled(each, p, p_same, rules) for each, p, p_same in zip(contrasts, adjusted, adjusted_same, strict=True)
    )


def contrast_by_fold(
    first: str, second: str, left: Mapping[int, float], right: Mapping[int, float], rules: Rules, ratio: float
) -> Contrast:
    """Return the contrast of two arms, paired by fold; p values are raw until :func:`settle_contrasts`.

    Parameters
    ----------
    first, second : str
        Names of the arms.
    left, right : mapping of int to float
        Accuracy by fold in percent, seeds averaged, of ``first`` and of ``second``.
    rules : Rules
        Margin and confidence.
    ratio : float
        n_test / n_train of one fold, for the correction.

    Examples
    --------
    >>> from harness.comparisons.claim_comparison import Rules
    >>> left, right = {1: 72.0, 2: 70.5, 3: 74.0}, {1: 70.0, 2: 69.0, 3: 71.5}
    >>> contrast = contrast_by_fold("wide", "narrow", left, right, Rules(margin=2.0), 1 / 2)
    >>> contrast.mean
    2.0
    """
    return pair_by_fold(Contrast(first=first, second=second, margin=rules.margin), left, right, rules, ratio)


def settled(contrast: Contrast, p: float | None, p_same: float | None, rules: Rules) -> Contrast:
    """Return the contrast with its adjusted p values and the verdict that follows from them.

    Parameters
    ----------
    contrast : Contrast
        The contrast with its raw results.
    p, p_same : float or None
        Adjusted p of the test of a difference, and of the equivalence test; None where there was no test, or for a
        pair outside the family.
    rules : Rules
        Margin and confidence.
    """
    return replace(
        contrast,
        p_adjusted=p,
        p_equivalence_adjusted=p_same,
        decision=_decision(contrast, p, p_same, rules),
    )


def pair_by_fold(
    contrast: Contrast, left: Mapping[int, float], right: Mapping[int, float], rules: Rules, ratio: float
) -> Contrast:
    """Return ``contrast`` with the tests that pair its two arms by fold.

    Where the arms have different folds no test is made, and ``refused`` says why.

    Parameters
    ----------
    contrast : Contrast
        Names of the arms, and the margin.
    left, right : mapping of int to float
        Accuracy by fold in percent, seeds averaged, of the first and of the second arm.
    rules : Rules
        Margin and confidence.
    ratio : float
        n_test / n_train of one fold, for the correction.
    """
    if set(left) != set(right):
        alone = [f"fold {fold} by {contrast.first} only" for fold in left if fold not in right]
        alone += [f"fold {fold} by {contrast.second} only" for fold in right if fold not in left]
        return replace(
            contrast, refused=f"the two were not tested on the same folds: {', '.join(alone)}; complete both arms"
        )
    folds = {fold: left[fold] - right[fold] for fold in left}
    values = np.array(list(folds.values()))
    test, refused = attempt(lambda: paired(left, right, ratio=ratio, confidence=rules.confidence))
    return replace(
        contrast,
        folds=folds,
        mean=float(values.mean()),
        sd=float(values.std(ddof=1)) if len(values) > 1 else float("nan"),
        test=test,
        refused=refused.removeprefix("first: "),
        equivalence=made(lambda: equivalence(left, right, rules.margin, ratio=ratio, alpha=rules.alpha)),
        further=run_tests(FoldSample(left, right, ratio, rules.margin, rules.confidence)),
    )


def _decision(contrast: Contrast, p: float | None, p_same: float | None, rules: Rules) -> Decision:
    what = f"{contrast.first} against {contrast.second}{on_test_part(contrast.holdout) if contrast.holdout else ''}"
    if not contrast.in_family:
        return Decision(Verdict.INCONCLUSIVE, f"{what}: not a declared pair, so no verdict is given.")
    if len(contrast.folds) > 1 and not any(round(value, 9) for value in contrast.folds.values()):
        return Decision(
            Verdict.CONSISTENT,
            f"{what}: all {len(contrast.folds)} folds are equal, so the difference is within the margin of "
            f"±{rules.margin:g} points.",
        )
    if contrast.p is None:
        return Decision(Verdict.INCONCLUSIVE, f"{what}: {contrast.refused}.")
    return decide(
        difference=contrast.mean,
        p=p,
        p_equivalence=p_same,
        margin=rules.margin,
        alpha=rules.alpha,
        what=what,
        folds=contrast.n_folds,
        smallest_found=replace(contrast, p_adjusted=p).smallest_found,
    )
