"""When a search stops a training early: decided within its own fold, independently of all others.

A training of fold k is stopped after an epoch when its best validation macro accuracy so far is below what most earlier
trials had reached on fold k's validation part by that epoch. It is the rule of Optuna's percentile pruner, applied to
each fold separately: across folds, the validation part of one fold, which is the test part of another, would influence
what that other fold can choose from.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.choices import Pruner
from harness.study import SearchSection

_PERCENTILES = {Pruner.MEDIAN: 50.0, Pruner.PERCENTILE: 75.0}


def floor_of(search: SearchSection, curves: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """Return by epoch the validation macro accuracy below which a training of one fold is stopped; empty for never.

    Parameters
    ----------
    curves
        Validation macro accuracy by epoch of the earlier trainings of the same fold that ran to their end; they may
        have different numbers of epochs.
    """
    if search.pruner == "none" or len(curves) < max(1, search.startup_trials):
        return ()
    by_epoch = np.full((len(curves), max(map(len, curves))), np.nan)
    for row, curve in zip(by_epoch, curves, strict=True):
        row[: len(curve)] = curve
    floor = np.nanpercentile(by_epoch, _PERCENTILES[search.pruner], axis=0)
    # Recorded with the training in a tag, which has room for about a hundred of them.
    return tuple(round(value, 6) for value in floor.tolist())
