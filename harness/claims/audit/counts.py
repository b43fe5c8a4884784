"""Numbers of clips behind the class accuracies of a table."""

from __future__ import annotations

from dataclasses import dataclass

from harness.claims.paper import AccuracyTable
from harness.registry import SPLITS, Unit


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
    if table.split == "one split":
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


def equal_counts(table: AccuracyTable) -> int | None:
    """Return the number of clips per class where all classes of the table's data set have the same; else None."""
    info = table.description
    return info.n_clips // info.n_classes or None if info.balanced else None


def _unknown(reason: str) -> ClassCounts:
    return ClassCounts((), reason)
