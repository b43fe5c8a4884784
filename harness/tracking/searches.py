"""The record of an arm's search: every trial that ended, and which one each fold chose."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from harness.tracking.uri import mask_secrets


class EndedTrial(Protocol):
    """A trial of a search, as described by :mod:`harness.search`; ``scores`` are validation accuracies by fold."""

    @property
    def index(self) -> int: ...
    @property
    def values(self) -> Mapping[str, Any]: ...
    @property
    def scores(self) -> Mapping[int, float]: ...
    @property
    def stopped(self) -> Mapping[int, int]: ...
    @property
    def state(self) -> str: ...
    @property
    def error(self) -> str: ...


def search_content(
    arm: str, trials: Sequence[EndedTrial], chosen: Mapping[int, EndedTrial], importance: Mapping[str, float]
) -> dict[str, Any]:
    """Return an arm's search as JSON data: ``arm``, ``trials``, ``chosen`` and ``importance``.

    Parameters
    ----------
    arm
        Name of the arm.
    trials
        Every trial that ended.
    chosen
        The trial chosen for each test fold.
    importance
        Importance of each searched hyperparameter, by dotted name.
    """
    return {
        "arm": arm,
        "trials": [
            {
                "trial": trial.index,
                "state": trial.state,
                "values": dict(trial.values),
                "validation_macro_accuracy": {
                    str(fold): score if math.isfinite(score) else None for fold, score in sorted(trial.scores.items())
                },
                "stopped": {str(fold): epoch for fold, epoch in sorted(trial.stopped.items())},
                "error": mask_secrets(trial.error),
            }
            for trial in trials
        ],
        "chosen": {str(fold): trial.index for fold, trial in sorted(chosen.items())},
        "importance": dict(importance),
    }
