"""The outcome of a replay: one row per fold, and the conditions that differ."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.replay.predictions import ClipChange, RowChange, WeightChange
from harness.replay.training_conditions import Difference
from harness.report.folder.check import ReportCheck
from harness.tracking.recorded_run import RecordedFold, RecordedRun

FINAL = "final"
"""Phase of the trainings that are tested."""


@dataclass(frozen=True)
class FoldReplay:
    """One recorded training and its repetition.

    Attributes
    ----------
    segments
        None if the record has no segments.
    made
        How it was repeated, in words.
    error
        Why it could not be repeated; the comparisons are None then.
    epoch
        First epoch in which the histories differ; None if they do not.
    weights
        None if the run kept none.
    differences
        Conditions of the record that the repetition does not share.
    """

    recorded: RecordedFold
    made: str
    error: str = ""
    segments: RowChange | None = None
    clips: ClipChange | None = None
    epoch: int | None = None
    weights: WeightChange | None = None
    differences: tuple[Difference, ...] = ()
    seconds: float = 0.0

    @property
    def equal(self) -> bool:
        """Whether predictions, history and weights are equal, as far and as precisely as they are recorded."""
        if self.error or self.clips is None:
            return False
        rows = (self.segments is None or self.segments.equal) and self.clips.probabilities.equal
        return rows and self.epoch is None and not (self.weights and self.weights.changed)


@dataclass(frozen=True)
class Replay:
    """The replay of a run: one row per fold, in the record's order.

    ``report`` is the check of a report's numbers against its predictions; if they differ, nothing was trained.
    """

    run: RecordedRun
    folds: tuple[FoldReplay, ...]
    report: ReportCheck | None = None

    @property
    def precision(self) -> str:
        """To what precision equal results are equal, in words."""
        return precision_of(self.run)

    @property
    def equal(self) -> bool:
        """Whether every fold is equal, and a report agrees with its predictions."""
        return (self.report is None or self.report.equal) and all(fold.equal for fold in self.folds)

    @property
    def differences(self) -> dict[Difference, int]:
        """The conditions that differ, each with the number of folds it differs for."""
        return counted(fold.differences for fold in self.folds)


def precision_of(run: RecordedRun) -> str:
    """Return the precision in which ``run`` is recorded, in words: a report's probabilities are rounded."""
    return "in every published digit" if run.level == "report" else "bit for bit"


def counted(found: Iterable[Iterable[Difference]]) -> dict[Difference, int]:
    """Return each difference with the number of lists that contain it, in first-occurrence order."""
    counts: dict[Difference, int] = {}
    for each in found:
        for difference in each:
            counts[difference] = counts.get(difference, 0) + 1
    return counts


def title(fold: RecordedFold) -> str:
    """Return the name of a training for display."""
    stage = "" if fold.phase == FINAL else f" trial {fold.trial}"
    return f"{fold.arm}{stage} fold {fold.fold} seed {fold.seed}"
