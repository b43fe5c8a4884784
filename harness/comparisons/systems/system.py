"""What is known about a system that was trained elsewhere, in three levels of detail, and what each one permits.

A comparison uses the lowest level that any of its systems has: predictions of clips can be counted by fold or into a
confusion matrix, but not the other way round.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.errors import ComparisonError
from harness.statistics.proportions import clopper_pearson


class Level(StrEnum):
    """What is known about a system; its value is what messages call it."""

    CLIPS = "predictions of clips"
    FOLDS = "accuracies of folds"
    COUNTS = "a confusion matrix"


PERMITS = {
    Level.CLIPS: "tests over folds, clips and recordings",
    Level.FOLDS: "tests over folds; none over clips or recordings",
    Level.COUNTS: (
        "intervals that take clips as independent, and bounds on McNemar's test; no test over folds or recordings"
    ),
}
"""Which comparisons each level permits."""


@dataclass(frozen=True, kw_only=True)
class System:
    """What every level knows.

    Attributes
    ----------
    name
        What tables call it.
    source
        Format of its file, such as ``"MTEB result"``.
    remarks
        What a reader of its numbers must know about how they were made, in sentences; usually empty.
    validation_apart
        Whether a fold was held out for validation, as the format says.
    """

    name: str
    source: str = "table of predictions"
    remarks: tuple[str, ...] = ()
    validation_apart: bool = False


@dataclass(frozen=True, kw_only=True)
class ClipPredictions(System):
    """The predictions of one system.

    Attributes
    ----------
    rows
        One row per clip, fold and seed, sorted by these: ``clip``, ``fold`` (0 where there is none), ``seed`` (0),
        ``recording`` (the clip where there is none), ``y_true``, ``y_pred`` and ``correct``.
    folds, recordings
        Whether the file has them.
    """

    rows: pd.DataFrame
    folds: bool
    recordings: bool
    level: Level = Level.CLIPS

    @cached_property
    def macro_by_fold(self) -> dict[int, float]:
        """Macro accuracy by fold in percent, seeds averaged."""
        by_class = self.rows.groupby(["fold", "seed", "y_true"])["correct"].mean()
        by_seed = by_class.groupby(["fold", "seed"]).mean()
        return {int(str(fold)): 100 * float(value) for fold, value in by_seed.groupby("fold").mean().items()}

    @property
    def accuracy(self) -> float:
        """Mean over folds of the macro accuracy, in percent."""
        return float(np.mean([*self.macro_by_fold.values()]))

    @cached_property
    def clips(self) -> pd.DataFrame:
        """One row per fold and clip; ``correct`` is the fraction of seeds that were right."""
        keys = ["fold", "clip", "recording", "y_true"]
        return self.rows.groupby(keys, sort=True)["correct"].mean().reset_index()

    @cached_property
    def first_seed(self) -> pd.DataFrame:
        """The rows of the first seed of each fold."""
        return self.rows[self.rows["seed"] == self.rows.groupby("fold")["seed"].transform("min")]

    @property
    def facts(self) -> dict[str, object]:
        """Further numbers, for JSON."""
        return {
            "macro_accuracy": self.accuracy,
            "clip_accuracy": 100 * float(self.rows["correct"].mean()),
            "clips": int(self.rows["clip"].nunique()),
            "recordings": int(self.rows["recording"].nunique()) if self.recordings else None,
            "macro_accuracy_by_fold": {str(fold): value for fold, value in self.macro_by_fold.items()}
            if self.folds
            else None,
        }

    def as_folds(self) -> FoldAccuracies:
        """Return the fractions of clips that are right by fold, seeds averaged."""
        by_seed = self.rows.groupby(["fold", "seed"])["correct"].mean()
        by_fold = by_seed.groupby("fold").mean()
        return FoldAccuracies(
            name=self.name,
            source=self.source,
            remarks=self.remarks,
            by_fold={int(str(fold)): 100 * float(value) for fold, value in by_fold.items()},
        )

    def as_counts(self) -> ConfusionCounts:
        """Return the confusion matrix of the first seed, over all folds."""
        rows = self.first_seed
        classes = sorted({*rows["y_true"], *rows["y_pred"]})
        table = pd.crosstab(rows["y_true"], rows["y_pred"]).reindex(index=classes, columns=classes, fill_value=0)
        return ConfusionCounts(
            name=self.name,
            source=self.source,
            remarks=self.remarks,
            classes=tuple(classes),
            counts=table.to_numpy(np.int64),
        )


@dataclass(frozen=True, kw_only=True)
class FoldAccuracies(System):
    """The accuracies of a system's folds: fractions of clips that are right, in percent.

    Attributes
    ----------
    by_fold
        Accuracy by fold, in percent; one entry, of fold 0, where there are no folds to test over.
    dealing
        How the folds were dealt where they are not the data set's own; only equal ones are paired.
    task
        Name of the task in its format; empty where the file does not say it.
    """

    by_fold: Mapping[int, float]
    dealing: str = ""
    task: str = ""
    level: Level = Level.FOLDS

    @property
    def accuracy(self) -> float:
        """Mean over folds, in percent."""
        return float(np.mean([*self.by_fold.values()]))

    @property
    def facts(self) -> dict[str, object]:
        """Further numbers, for JSON."""
        return {"task": self.task, "accuracy_by_fold": {str(fold): value for fold, value in self.by_fold.items()}}

    def as_folds(self) -> FoldAccuracies:
        """Return it as it is."""
        return self

    def as_counts(self) -> ConfusionCounts:
        """Raise, since accuracies of folds do not say which clips are right."""
        raise ComparisonError(
            f"{self.name} has {Level.FOLDS} and no clips, and another system has {Level.COUNTS} and no folds: nothing "
            "compares them; compare systems of one kind"
        )


@dataclass(frozen=True, kw_only=True)
class ConfusionCounts(System):
    """The confusion matrix of a system.

    Attributes
    ----------
    classes
        Names of the C classes.
    counts
        Clips by true class (rows) and predicted class (columns), shape (C, C).
    """

    classes: tuple[str, ...]
    counts: NDArray[np.int64]
    level: Level = Level.COUNTS

    @property
    def right(self) -> NDArray[np.int64]:
        """Correct clips of each class, shape (C,)."""
        return self.counts.diagonal()

    @property
    def clips(self) -> NDArray[np.int64]:
        """Clips of each class, shape (C,)."""
        found: NDArray[np.int64] = self.counts.sum(axis=1)
        return found

    @property
    def accuracy(self) -> float:
        """Macro accuracy in percent, over the classes that have clips."""
        tested = self.clips > 0
        return 100 * float((self.right[tested] / self.clips[tested]).mean())

    @property
    def clip_accuracy(self) -> float:
        """Fraction of clips that are right, in percent."""
        return 100 * float(self.right.sum() / self.clips.sum())

    @property
    def facts(self) -> dict[str, object]:
        """Further numbers, for JSON."""
        exact = clopper_pearson(int(self.right.sum()), int(self.clips.sum()))
        return {
            "macro_accuracy": self.accuracy,
            "clip_accuracy": self.clip_accuracy,
            "clip_accuracy_exact_interval_95": [100 * exact.low, 100 * exact.high],
            "clips": int(self.clips.sum()),
            "class_accuracy": {
                name: 100 * int(right) / int(clips) if clips else None
                for name, right, clips in zip(self.classes, self.right, self.clips, strict=True)
            },
        }

    def as_folds(self) -> FoldAccuracies:
        """Raise, as :meth:`FoldAccuracies.as_counts`."""
        raise ComparisonError(
            f"{self.name} has {Level.COUNTS} and no folds, and another system has {Level.FOLDS} and no clips: nothing "
            "compares them; compare systems of one kind"
        )

    def as_counts(self) -> ConfusionCounts:
        """Return it as it is."""
        return self


AnySystem = ClipPredictions | FoldAccuracies | ConfusionCounts
