"""Systems of which the accuracies of folds are known, compared over folds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from harness.comparisons.arm_contrast import Contrast, contrast_by_fold
from harness.comparisons.claim_comparison import Rules
from harness.comparisons.statistical_tests import made
from harness.comparisons.systems.standing import Standing, rank_intervals
from harness.comparisons.systems.system import AnySystem, FoldAccuracies
from harness.errors import ComparisonError
from harness.statistics.rank_intervals import fold_mean_draws, ranks_of_draws
from harness.statistics.t_tests import TTest, one_sample


def standings_by_fold(
    systems: Sequence[AnySystem], by_fold: Sequence[Mapping[int, float]], rules: Rules, ratio: float
) -> list[Standing]:
    """Return the systems with intervals over folds of their accuracies and ranks.

    Parameters
    ----------
    systems : sequence of System
        The systems.
    by_fold : sequence of mapping of int to float
        Accuracy by fold of each, in percent; the same folds.
    rules : Rules
        Confidence.
    ratio : float
        n_test / n_train of one fold.
    """
    found = [
        Standing(system, float(np.mean([*values.values()]))) for system, values in zip(systems, by_fold, strict=True)
    ]
    if len(by_fold[0]) < 2:
        return found

    def over_folds(values: Mapping[int, float]) -> TTest | None:
        return made(lambda: one_sample(values, 0.0, ratio=ratio, confidence=rules.confidence))

    tests = [over_folds(values) for values in by_fold]
    table = np.column_stack([[values[fold] for fold in by_fold[0]] for values in by_fold])
    ranks = ranks_of_draws(fold_mean_draws(table, ratio=ratio, confidence=rules.confidence, seed=0), rules.confidence)
    return [
        Standing(
            each.system,
            each.accuracy,
            over_folds=(test.low, test.high) if test else None,
            rank_over_folds=rank,
            best=float(best),
        )
        for each, test, rank, best in zip(found, tests, rank_intervals(ranks), ranks.best, strict=True)
    ]


class FoldComparison:
    """Accuracies of the same folds of several systems.

    Raises
    ------
    ComparisonError
        When they have other folds, folds that were dealt otherwise, or other tasks.
    """

    def __init__(self, systems: Sequence[FoldAccuracies], rules: Rules, ratio: float) -> None:
        first = systems[0]
        for other in systems[1:]:
            _require_alike(first, other)
        self._systems = {system.name: system for system in systems}
        self._rules, self._ratio = rules, ratio

    def standings(self) -> list[Standing]:
        """Return the systems with intervals of their accuracies and ranks."""
        systems = [*self._systems.values()]
        return standings_by_fold(systems, [each.by_fold for each in systems], self._rules, self._ratio)

    def contrast(self, first: str, second: str) -> Contrast:
        """Return one pair; its p values are raw."""
        one, other = self._systems[first], self._systems[second]
        return contrast_by_fold(first, second, one.by_fold, other.by_fold, self._rules, self._ratio)


def _require_alike(first: FoldAccuracies, other: FoldAccuracies) -> None:
    if first.dealing != other.dealing:
        ours, theirs = (each.dealing or "the data set's own folds" for each in (first, other))
        raise ComparisonError(
            f"{first.name} has {ours} and {other.name} {theirs}: accuracies are paired by fold, so both must be tested "
            "on the same folds"
        )
    if first.source == other.source and first.task and other.task and first.task != other.task:
        raise ComparisonError(
            f"{first.name} is a result of the task {first.task!r} and {other.name} of {other.task!r}; compare one task"
        )
    if {*first.by_fold} != {*other.by_fold}:
        raise ComparisonError(
            f"{first.name} was tested on the folds {_folds(first)} and {other.name} on {_folds(other)}; give "
            "accuracies of the same folds"
        )


def _folds(system: FoldAccuracies) -> str:
    return "of one part" if [*system.by_fold] == [0] else ", ".join(map(str, sorted(system.by_fold)))
