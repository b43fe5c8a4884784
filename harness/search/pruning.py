"""When a search stops a training early: decided after an epoch, within its own fold, independently of all others.

A training of fold k is stopped when its best validation macro accuracy so far is below a floor that the earlier trials'
trainings of fold k set. Across folds, the validation part of one fold, which is the test part of another, would
influence what that other fold can choose from.

``median`` and ``percentile`` are the rule of Optuna's percentile pruner, with a floor after every epoch. ``halving`` is
that of its successive halving pruner with a reduction factor of 3 (Li et al., "A system for massively parallel
hyperparameter tuning", MLSys 2020): floors after a ninth and a third of the epochs, each passed by the best third of
the trainings that got there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.choices import Pruner
from harness.study import SearchSection

_PERCENTILES = {Pruner.MEDIAN: 50.0, Pruner.PERCENTILE: 75.0}
_REDUCTION = 3
_RUNGS = (_REDUCTION**2, _REDUCTION)
"""Divisors of the number of epochs."""

Curve = Sequence[float]
"""Validation macro accuracy by epoch."""


def floor_of(search: SearchSection, complete: Sequence[Curve], stopped: Sequence[Curve] = ()) -> tuple[float, ...]:
    """Return by epoch the validation macro accuracy below which a training of one fold is stopped; empty for never.

    Parameters
    ----------
    search : SearchSection
        The pruner, and the number of trainings before it judges.
    complete : sequence of sequence of float
        The curves of the earlier trainings of the same fold that ran to their end; they may have different numbers of
        epochs.
    stopped : sequence of sequence of float
        The curves of the earlier ones that were stopped.
    """
    if search.pruner == Pruner.NONE or len(complete) < max(1, search.startup_trials):
        return ()
    floor = _halving(complete, stopped) if search.pruner == Pruner.HALVING else _percentiles(search.pruner, complete)
    # Recorded with the training in a tag, which has room for about a hundred of them.
    return tuple(round(value, 6) for value in floor)


def _percentiles(pruner: Pruner, complete: Sequence[Curve]) -> list[float]:
    by_epoch = np.full((len(complete), max(map(len, complete))), np.nan)
    for row, curve in zip(by_epoch, complete, strict=True):
        row[: len(curve)] = curve
    floor: list[float] = np.nanpercentile(by_epoch, _PERCENTILES[pruner], axis=0).tolist()
    return floor


def _halving(complete: Sequence[Curve], stopped: Sequence[Curve]) -> list[float]:
    longest = max(map(len, complete))
    rungs = sorted({-(-longest // divisor) for divisor in _RUNGS})
    floor = [0.0] * rungs[-1]
    for rung in rungs:
        reached = sorted((max(curve[:rung]) for curve in (*complete, *stopped) if len(curve) >= rung), reverse=True)
        # With the training to be judged, one more; the best of them always goes on.
        floor[rung - 1] = reached[max((len(reached) + 1) // _REDUCTION - 1, 0)]
    return floor
