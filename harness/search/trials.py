"""The outcome of a search: its trials, and the hyperparameters chosen for each fold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.choices import Selection
from harness.errors import TrainingError
from harness.system.redaction import mask_secrets


@dataclass(frozen=True)
class FoldScore:
    """How one training of a trial ended; accuracies are macro accuracies of the fold's validation part.

    Attributes
    ----------
    score
        Accuracy of the chosen epoch's weights, NaN where the training failed.
    curve
        Accuracy by epoch.
    stopped
        Whether the training was pruned after the last epoch of ``curve``.
    error
        Why it failed; empty otherwise.
    """

    score: float = math.nan
    curve: tuple[float, ...] = ()
    stopped: bool = False
    error: str = ""


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
        Validation macro accuracy by fold, of the trainings that ran to their end.
    stopped
        Epoch by fold, of the trainings that were pruned after it.
    errors
        Message by fold, of the trainings that failed.
    """

    index: int
    values: dict[str, Any]
    scores: dict[int, float]
    stopped: dict[int, int] = field(default_factory=dict)
    errors: dict[int, str] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """ "failed" when a fold failed, else "pruned" when one was stopped, else "complete"."""
        return "failed" if self.errors else "pruned" if self.stopped else "complete"

    @property
    def error(self) -> str:
        """Why it failed, each reason once; empty otherwise."""
        return "; ".join(dict.fromkeys(self.errors.values()))

    @property
    def mean(self) -> float:
        """Mean of ``scores``; NaN when there is none."""
        return math.fsum(self.scores.values()) / len(self.scores) if self.scores else math.nan


@dataclass(frozen=True)
class SearchOutcome:
    """All trials of an arm, the trial chosen for each fold, and each hyperparameter's importance (empty when it could
    not be estimated)."""

    arm: str
    trials: tuple[TrialRecord, ...]
    chosen: dict[int, TrialRecord]
    importance: dict[str, float] = field(default_factory=dict)

    @property
    def document(self) -> dict[str, Any]:
        """The search as JSON data: ``arm``, ``trials``, ``chosen`` and ``importance``."""
        return {
            "arm": self.arm,
            "trials": [
                {
                    "trial": trial.index,
                    "state": trial.state,
                    "values": trial.values,
                    "validation_macro_accuracy": {
                        str(fold): score if math.isfinite(score) else None
                        for fold, score in sorted(trial.scores.items())
                    },
                    "stopped": {str(fold): epoch for fold, epoch in sorted(trial.stopped.items())},
                    "error": mask_secrets(trial.error),
                }
                for trial in self.trials
            ],
            "chosen": {str(fold): trial.index for fold, trial in sorted(self.chosen.items())},
            "importance": self.importance,
        }


def choose(arm: str, trials: Sequence[TrialRecord], folds: Sequence[int], selection: str) -> SearchOutcome:
    """Choose a trial for every fold; ties go to the earlier trial.

    ``per-fold`` takes for fold k the trial with the best accuracy on k's own validation part, which shares nothing with
    k's test part; whether the trial was pruned or failed in another fold does not matter. ``pooled`` takes for all
    folds the completed trial with the best mean. The validation part of one fold is the test part of another, so the
    reported folds then influence the choice.

    Parameters
    ----------
    arm : str
        Name of the arm, for messages.
    trials : sequence of TrialRecord
        The ended trials, by index.
    folds : sequence of int
        Test folds.
    selection : str
        ``"per-fold"`` or ``"pooled"``.

    Raises
    ------
    TrainingError
        When no trial gives a score for a fold.
    """
    chosen: dict[int, TrialRecord] = {}
    for fold in folds:
        if selection == Selection.POOLED:
            scored = [(trial.mean, trial) for trial in trials if trial.state == "complete"]
        else:
            scored = [(trial.scores[fold], trial) for trial in trials if fold in trial.scores]
        if not scored:
            errors = sorted({trial.error for trial in trials if trial.error})
            raise TrainingError(
                f"arm {arm!r}: none of {len(trials)} trials produced a validation score for fold {fold}"
                + (f"; errors: {'; '.join(errors)}" if errors else "")
                + ". Widen or shift [search.space], or raise search.trials"
            )
        # max() returns the first of equals, and trials are in order of their index.
        chosen[fold] = max(scored, key=lambda pair: pair[0])[1]
    return SearchOutcome(arm, tuple(trials), chosen)
