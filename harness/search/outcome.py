"""What a search found: its trials, and the hyperparameters chosen for each fold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.errors import TrainingError


@dataclass(frozen=True)
class TrialRecord:
    """One ended trial of an arm's search.

    Attributes
    ----------
    index
        Number of the trial among those that ended, from 0; interrupted attempts are not counted.
    values
        Hyperparameters by dotted name.
    scores
        Validation macro accuracy by fold; a pruned trial lacks later folds, a failed one may have none.
    state
        "complete", "pruned" or "failed".
    error
        Why it failed; empty otherwise.
    """

    index: int
    values: dict[str, Any]
    scores: dict[int, float]
    state: str
    error: str = ""

    @property
    def mean(self) -> float:
        """Mean validation macro accuracy over the folds that were run; NaN when none was."""
        return math.fsum(self.scores.values()) / len(self.scores) if self.scores else math.nan


@dataclass(frozen=True)
class SearchOutcome:
    """All trials of an arm, the trial chosen for each fold, and each hyperparameter's importance (empty when it could
    not be estimated)."""

    arm: str
    trials: tuple[TrialRecord, ...]
    chosen: dict[int, TrialRecord]
    importance: dict[str, float] = field(default_factory=dict)


def choose(arm: str, trials: Sequence[TrialRecord], folds: Sequence[int], selection: str) -> SearchOutcome:
    """Choose a trial for every fold; ties go to the earlier trial.

    ``per-fold`` takes for fold k the trial with the best accuracy on k's own validation part, which shares nothing with
    k's test part. ``pooled`` takes for all folds the completed trial with the best mean: the validation part of one
    fold is the test part of another, so the reported folds have had a say.

    Raises
    ------
    TrainingError
        When no trial gives a score for a fold.
    """
    chosen: dict[int, TrialRecord] = {}
    for fold in folds:
        if selection == "pooled":
            scored = [(trial.mean, trial) for trial in trials if trial.state == "complete"]
        else:
            scored = [(trial.scores[fold], trial) for trial in trials if fold in trial.scores]
        if not scored:
            errors = sorted({trial.error for trial in trials if trial.error})
            raise TrainingError(
                f"arm {arm!r}: none of {len(trials)} trials gave a validation score for fold {fold}"
                + (f"; errors: {'; '.join(errors)}" if errors else "")
                + ". Widen or move [search.space], or raise search.trials"
            )
        # max() keeps the first of equals, and trials stand in order of their index.
        chosen[fold] = max(scored, key=lambda pair: pair[0])[1]
    return SearchOutcome(arm, tuple(trials), chosen)
