"""A system in a comparison: its accuracy and rank, each with what can be said about its uncertainty."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.comparisons.systems.system import AnySystem
from harness.statistics.fold_values import Floats
from harness.statistics.rank_intervals import RankIntervals, ranks_of, ranks_of_tests

Interval = tuple[float, float]
RankInterval = tuple[int, int]


@dataclass(frozen=True)
class Standing:
    """A system with its accuracy and rank, in percent.

    Attributes
    ----------
    system
        The system, at the level of the comparison.
    accuracy
        What is compared: macro accuracy, mean over folds; of accuracies of folds their mean.
    over_folds, over_recordings, over_clips
        Intervals of the accuracy, each over one source of chance: corrected for overlapping training sets; by a
        bootstrap of recordings; and from the counts, which takes clips as independent. None where it cannot be had.
    rank
        1 plus the number of systems with a higher accuracy.
    rank_over_folds, rank_over_recordings
        Intervals of this system's rank on resamples.
    rank_by_tests
        The ranks that the tests of all pairs leave open, for all systems together; None where not all were tested.
    best
        Share of the resamples of recordings (without these, of folds) in which no system is better.
    """

    system: AnySystem
    accuracy: float
    over_folds: Interval | None = None
    over_recordings: Interval | None = None
    over_clips: Interval | None = None
    rank: int = 1
    rank_over_folds: RankInterval | None = None
    rank_over_recordings: RankInterval | None = None
    rank_by_tests: RankInterval | None = None
    best: float | None = None

    @property
    def name(self) -> str:
        """Name of the system."""
        return self.system.name

    @property
    def interval(self) -> Interval | None:
        """The interval over recordings, else that over folds, else that over clips."""
        return self.over_recordings or self.over_folds or self.over_clips


def ranked(standings: Iterable[Standing]) -> tuple[Standing, ...]:
    """Return the standings in the order of accuracy, ranked."""
    order = sorted(standings, key=lambda each: -each.accuracy)
    ranks = ranks_of(np.round([each.accuracy for each in order], 9))
    return tuple(replace(each, rank=int(rank)) for each, rank in zip(order, ranks, strict=True))


def percentiles(draws_RS: Floats, confidence: float) -> list[Interval]:
    """Return the percentile interval of each column of draws of fractions, in percent."""
    tail = (1 - confidence) / 2
    low, high = np.quantile(draws_RS, [tail, 1 - tail], axis=0)
    return [(100 * float(a), 100 * float(b)) for a, b in zip(low, high, strict=True)]


def rank_intervals(found: RankIntervals) -> list[RankInterval]:
    """Return the rank interval of each system."""
    return [(int(low), int(high)) for low, high in zip(found.low, found.high, strict=True)]


def with_tested_ranks(standings: Sequence[Standing], better: Iterable[tuple[str, str]]) -> tuple[Standing, ...]:
    """Return the standings with the ranks that tests of all pairs leave open.

    ``better`` has the pairs (better, worse) that are shown to differ.
    """
    position = {each.name: number for number, each in enumerate(standings)}
    shown = np.zeros((len(standings), len(standings)), dtype=np.bool_)
    for one, other in better:
        shown[position[one], position[other]] = True
    low, high = ranks_of_tests(shown)
    return tuple(
        replace(each, rank_by_tests=(int(low[number]), int(high[number]))) for number, each in enumerate(standings)
    )
