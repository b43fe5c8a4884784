"""Systems whose predictions of the same clips are known, compared over folds, clips and recordings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.comparisons.arm_contrast import Contrast, pair_by_fold
from harness.comparisons.claim_comparison import Rules
from harness.comparisons.over_recordings import ClipAnswers, pair_on_test_part
from harness.comparisons.systems.by_folds import standings_by_fold
from harness.comparisons.systems.standing import Standing, percentiles, rank_intervals
from harness.comparisons.systems.system import ClipPredictions
from harness.errors import ComparisonError
from harness.statistics.bootstrap import BootstrapInterval
from harness.statistics.clip_tests import mcnemar
from harness.statistics.fold_values import Floats
from harness.statistics.joint_bootstrap import macro_accuracy_draws
from harness.statistics.rank_intervals import ranks_of_draws

RESAMPLES = 2000


class ClipComparison:
    """The predictions of systems on the same clips, and one bootstrap of recordings for all of them.

    Raises
    ------
    ComparisonError
        When systems were tested on other clips, with other true classes or recordings.
    """

    def __init__(self, systems: Sequence[ClipPredictions], rules: Rules, ratio: float) -> None:
        first = systems[0]
        for other in systems[1:]:
            require_alike(first, other)
        self._systems = {system.name: system for system in systems}
        self._rules, self._ratio = rules, ratio
        self._several_folds = len(first.macro_by_fold) > 1
        self._answers = {} if self._several_folds else {each.name: _answers(each) for each in systems}
        self._first_seed = {each.name: each.first_seed["correct"].to_numpy(bool) for each in systems}
        self._draws: dict[str, Floats] = {}
        clips = first.clips
        self._n_recordings = clips["recording"].nunique()
        if self._n_recordings > 1:
            draws = macro_accuracy_draws(
                np.column_stack([each.clips["correct"] for each in systems]),
                clips["y_true"],
                clips["recording"],
                folds=clips["fold"],
                resamples=RESAMPLES,
                seed=0,
            )
            self._draws = {each.name: draws[:, number] for number, each in enumerate(systems)}

    def standings(self) -> list[Standing]:
        """Return the systems with intervals of their accuracies and ranks."""
        systems = [*self._systems.values()]
        found = standings_by_fold(systems, [each.macro_by_fold for each in systems], self._rules, self._ratio)
        if not self._draws:
            return found
        draws = np.column_stack([self._draws[each.name] for each in systems])
        ranks = ranks_of_draws(draws, self._rules.confidence)
        columns = zip(found, percentiles(draws, self._rules.confidence), rank_intervals(ranks), ranks.best, strict=True)
        return [
            Standing(
                each.system,
                each.accuracy,
                over_folds=each.over_folds,
                over_recordings=interval,
                rank_over_folds=each.rank_over_folds,
                rank_over_recordings=rank,
                best=float(best),
            )
            for each, interval, rank, best in columns
        ]

    def contrast(self, first: str, second: str) -> Contrast:
        """Return one pair; its p values are raw."""
        one, other = self._systems[first], self._systems[second]
        contrast = Contrast(
            first=first,
            second=second,
            margin=self._rules.margin,
            mcnemar=mcnemar(self._first_seed[first], self._first_seed[second]),
            bootstrap=self._difference(one, other),
        )
        if self._several_folds:
            return pair_by_fold(contrast, one.macro_by_fold, other.macro_by_fold, self._rules, self._ratio)
        return pair_on_test_part(contrast, self._answers[first], self._answers[second], self._rules)

    def _difference(self, one: ClipPredictions, other: ClipPredictions) -> BootstrapInterval | None:
        if not self._draws:
            return None
        ((low, high),) = percentiles((self._draws[one.name] - self._draws[other.name])[:, None], self._rules.confidence)
        return BootstrapInterval(
            one.accuracy - other.accuracy, low, high, self._rules.confidence, self._n_recordings, RESAMPLES
        )


def _answers(system: ClipPredictions) -> ClipAnswers:
    table = system.rows.pivot_table(index="clip", columns="seed", values="correct")
    of_clip = system.rows.drop_duplicates("clip").set_index("clip").loc[table.index]
    labels = np.unique(of_clip["y_true"], return_inverse=True)[1].astype(np.int64)
    return ClipAnswers(table.index.to_numpy(), table.to_numpy() > 0, labels, of_clip["recording"].to_numpy())


def require_alike(first: ClipPredictions, other: ClipPredictions) -> None:
    """Check that two systems were tested on the same clips, folds and seeds.

    Raises
    ------
    ComparisonError
        When they were not.
    """
    left, right = first.clips, other.clips
    for names, what in (
        (["fold", "clip"], "on the same clips and folds"),
        (["fold", "clip", "y_true"], "with the same true classes"),
        (["fold", "clip", "recording"], "with the same recordings"),
    ):
        if len(left) == len(right) and all((left[name].to_numpy() == right[name].to_numpy()).all() for name in names):
            continue
        a, b = ({*map(tuple, side[names].to_numpy())} for side in (left, right))
        if difference := sorted(a ^ b, key=str):
            clip = difference[0]
            holder = first.name if clip in a else other.name
            raise ComparisonError(
                f"{first.name} and {other.name} were not tested {what}: {len(difference)} entries differ, the first is "
                f"clip {clip[1]!r} of {holder}; give predictions of the same clips"
            )
    for system in (first, other):
        if system.rows.groupby(["fold", "clip"]).size().groupby("fold").nunique().max() > 1:
            raise ComparisonError(
                f"{system.name}: some clips have predictions of fewer seeds than others; complete them"
            )
