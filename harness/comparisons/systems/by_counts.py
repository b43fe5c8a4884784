"""Systems of which only confusion matrices are known: intervals, and bounds on what a paired test would give.

A confusion matrix does not say which clips are right, so no test can pair two systems. If both were tested on the same
clips, the totals of each class bound McNemar's p: two systems may differ whatever the pairing, or not be shown to
differ whatever the pairing, or it cannot be told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.comparisons.claim_comparison import Rules
from harness.comparisons.systems.standing import Standing
from harness.comparisons.systems.system import ConfusionCounts
from harness.errors import ComparisonError
from harness.statistics.family import holm
from harness.statistics.proportions import (
    McNemarBounds,
    macro_accuracy_interval,
    macro_difference_interval,
    mcnemar_bounds,
)


@dataclass(frozen=True)
class CountContrast:
    """Two confusion matrices; differences are first - second, in percentage points.

    Attributes
    ----------
    difference, clip_difference
        In macro accuracy, and in the fraction of clips that are right.
    unpaired
        Interval of ``difference`` for two independent samples of clips.
    bounds
        What McNemar's test can give if both have the same clips; None if their classes have other numbers of clips.
    p_low, p_high
        Bounds of McNemar's p, adjusted by Holm over the family; None without ``bounds``.
    alpha
        Level of the test.
    """

    first: str
    second: str
    difference: float
    clip_difference: float
    unpaired: tuple[float, float]
    bounds: McNemarBounds | None
    p_low: float | None = None
    p_high: float | None = None
    alpha: float = 0.05

    @property
    def differs(self) -> bool:
        """Whether the two differ significantly however their clips are paired."""
        return self.p_high is not None and self.p_high < self.alpha

    @property
    def verdict(self) -> str:
        """What the counts say: of systems with equal numbers of clips by class, what holds for every pairing of the
        clips, or that it cannot be told; of others, whether the unpaired interval excludes 0."""
        if self.p_low is None:
            apart = self.unpaired[0] > 0 or self.unpaired[1] < 0
            return "differ (other clips)" if apart else "not shown to differ (other clips)"
        if self.differs:
            return "differ"
        return "not shown to differ" if self.p_low >= self.alpha else "cannot be told"


class CountComparison:
    """Confusion matrices over the same classes.

    Raises
    ------
    ComparisonError
        When the matrices have clips of other classes.
    """

    def __init__(self, systems: Sequence[ConfusionCounts], rules: Rules) -> None:
        first = systems[0]
        for other in systems[1:]:
            if differ := sorted(_tested(first) ^ _tested(other)):
                raise ComparisonError(
                    f"{first.name} and {other.name} have clips of other classes: {', '.join(differ[:5])} in one of "
                    "them alone; name the classes alike"
                )
        # A class without clips is one that a system only predicts.
        classes = [*dict.fromkeys(name for system in systems for name in system.classes)]
        self._rules = rules
        self._systems = {system.name: _with_classes(system, classes) for system in systems}

    def standings(self) -> list[Standing]:
        """Return the systems with intervals of their accuracies, which take clips as independent."""
        found = []
        for system in self._systems.values():
            interval = macro_accuracy_interval(system.right, system.clips, self._rules.confidence)
            found.append(Standing(system, system.accuracy, over_clips=(100 * interval.low, 100 * interval.high)))
        return found

    def contrast(self, first: str, second: str) -> CountContrast:
        """Return one pair; the bounds of its p are raw until :func:`settle_counts`."""
        one, other = self._systems[first], self._systems[second]
        unpaired = macro_difference_interval(one.right, one.clips, other.right, other.clips, self._rules.confidence)
        tested = one.clips > 0
        same = bool((one.clips == other.clips).all())
        bounds = mcnemar_bounds(one.right[tested], other.right[tested], one.clips[tested]) if same else None
        return CountContrast(
            first,
            second,
            one.accuracy - other.accuracy,
            one.clip_accuracy - other.clip_accuracy,
            (100 * unpaired.low, 100 * unpaired.high),
            bounds,
            bounds.p_low if bounds else None,
            bounds.p_high if bounds else None,
            self._rules.alpha,
        )


def settle_counts(contrasts: Sequence[CountContrast]) -> tuple[CountContrast, ...]:
    """Return the pairs with their bounds adjusted by Holm over the family.

    Holm's adjustment rises with every p, so the adjusted bounds are bounds of the adjusted p.
    """
    low, high = holm([each.p_low for each in contrasts]), holm([each.p_high for each in contrasts])
    return tuple(replace(each, p_low=a, p_high=b) for each, a, b in zip(contrasts, low, high, strict=True))


def _tested(system: ConfusionCounts) -> set[str]:
    return {name for name, clips in zip(system.classes, system.clips, strict=True) if clips}


def _with_classes(system: ConfusionCounts, classes: Sequence[str]) -> ConfusionCounts:
    """Return the matrix with these classes, in this order; one that it lacks has no clips."""
    counts = np.zeros((len(classes), len(classes)), np.int64)
    places = [classes.index(name) for name in system.classes]
    counts[np.ix_(places, places)] = system.counts
    return replace(system, classes=tuple(classes), counts=counts)
