"""Clips that show where the arms fail: those that every arm misses, and those that only a fusion gets right."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from harness.comparisons.scores import checked_predictions
from harness.record import StudyRecord
from harness.training.metrics import predicted_classes


@dataclass(frozen=True)
class HardClips:
    """Tested clips in two groups.

    Attributes
    ----------
    missed_by_all
        Clips that no arm classed correctly with any seed: ``clip_id``, ``recording``, ``fold``, ``class`` (name),
        ``predicted`` (the wrong class named most often, over arms and seeds), ``share`` (how often, a fraction) and
        ``tests`` (arms times seeds).
    only_fusion
        Clips that a fused arm classed correctly with every seed, and none of its streams with any: ``arm`` (the
        fusion), ``clip_id``, ``recording``, ``fold``, ``class`` and ``predicted`` (by the streams).
    n_clips
        Tested clips in all.
    """

    missed_by_all: pd.DataFrame
    only_fusion: pd.DataFrame
    n_clips: int


_MISSED = ["clip_id", "recording", "fold", "class", "predicted", "share", "tests"]
_FUSION = ["arm", "clip_id", "recording", "fold", "class", "predicted"]


def hard_clips(record: StudyRecord) -> HardClips:
    """Return the clips of ``record`` that every arm misses, and those that only fusion gets right.

    A clip counts within a fold: under a random split it may be tested in other folds too. Where arms are split
    differently their folds differ, and a clip counts once.
    """
    rows = checked_predictions(record)
    called = predicted_classes(rows)
    answers = rows[["arm", "fold", "seed", "clip_id", "recording", "y_true"]].assign(
        called=called, right=called == rows["y_true"].to_numpy()
    )
    several_splits = len({protocol.split for protocol in record.protocols}) > 1
    clips = answers.groupby(["clip_id"] if several_splits else ["fold", "clip_id"], sort=True, observed=True)
    missed = [_row(record, group) for _, group in clips if not group["right"].any()]
    only = []
    for arm in record.spec.arms:
        if not arm.fuse:
            continue
        own = answers[answers["arm"].isin([arm.name, *arm.fuse])]
        for _, group in own.groupby(["fold", "clip_id"], sort=True, observed=True):
            fused = group["arm"] == arm.name
            if (
                fused.any()
                and (~fused).any()
                and group.loc[fused, "right"].all()
                and not group.loc[~fused, "right"].any()
            ):
                only.append({"arm": arm.name, **_row(record, group[~fused])})
    return HardClips(pd.DataFrame(missed, columns=_MISSED), pd.DataFrame(only, columns=_FUSION), clips.ngroups)


def _row(record: StudyRecord, group: pd.DataFrame) -> dict[str, object]:
    """Return one clip; ``group`` are its wrong answers."""
    counts = group["called"].value_counts()
    # Of classes named equally often the first in the data set's order.
    most = int(min(counts[counts == counts.max()].index))
    first = group.iloc[0]
    return {
        "clip_id": str(first["clip_id"]),
        "recording": str(first["recording"]),
        "fold": int(first["fold"]),
        "class": record.classes[int(first["y_true"])],
        "predicted": record.classes[most],
        "share": float(counts.max() / len(group)),
        "tests": len(group),
    }
