"""Numbers of clips behind the class accuracies of a table."""

from __future__ import annotations

from dataclasses import dataclass

from harness.claims.paper import ONE_SPLIT, AccuracyTable
from harness.registry import SPLITS, Dataset, Unit


@dataclass(frozen=True)
class ClassCounts:
    """Clips of each class that a table tests, in the order of its classes; empty with the reason in
    ``unknown`` where they are not known."""

    clips: tuple[int, ...]
    unknown: str = ""


def class_counts(table: AccuracyTable) -> ClassCounts:
    """Return the clips behind the class accuracies of ``table``.

    They are known where every clip of the data set is tested exactly once: all folds, and clips that were not cut into
    segments before the split; or where the table itself has them.
    """
    if not any(column.classes for column in table.columns):
        return _unknown("no class accuracies are printed")
    if table.estimand == "macro over pieces":
        return _unknown("pieces of clips were counted, not clips")
    if table.class_clips:
        return ClassCounts(table.class_clips)
    if table.split == ONE_SPLIT:
        return _unknown("one split tests a part of the data set, and its clips per class are not known")
    by_segment = table.split in SPLITS and SPLITS.get(table.split).unit is Unit.SEGMENT
    if by_segment or table.estimand == "segment":
        return _unknown("segments were counted, not clips")
    info = table.description
    if table.folds != len(info.folds):
        return _unknown(f"{table.folds} of {len(info.folds)} folds are tested, and their clips per class are not known")
    clips = []
    for name in table.classes:
        count = info.clips_of(name)
        if count is None:
            return _unknown(f"the number of clips of class {name} in {table.dataset} is not known")
        clips.append(count)
    return ClassCounts(tuple(clips))


def clips_tested(table: AccuracyTable) -> int | None:
    """Return how many clips the accuracies of ``table`` are over; None where the file does not determine it.

    Each clip of the tested folds counts once. Where the split is not seen, all clips of the data set are counted; the
    reader must be told so.
    """
    if table.class_clips:
        return sum(table.class_clips)
    info = table.description
    rule = SPLITS.get(table.split) if table.split in SPLITS else None
    if table.estimand == "segment" or table.estimand == "macro over pieces" or table.split == ONE_SPLIT:
        return None
    if rule is not None and rule.unit is Unit.SEGMENT:
        return None
    if table.tested_folds or info.holdout:
        return _clips_of_folds(info, table.tested_folds or info.tested_folds)
    if table.folds != len(info.folds):
        return None
    return info.n_clips or None


def _clips_of_folds(info: Dataset, folds: tuple[int, ...]) -> int | None:
    if info.fold_counts:
        return sum(sum(info.fold_counts[info.folds.index(fold)]) for fold in folds)
    return info.n_clips * len(folds) // len(info.folds) or None if info.balanced else None


def equal_counts(table: AccuracyTable) -> int | None:
    """Return the number of clips per class where all classes of the table's data set have the same; else None."""
    info = table.description
    return info.n_clips // info.n_classes or None if info.balanced else None


def _unknown(reason: str) -> ClassCounts:
    return ClassCounts((), reason)
