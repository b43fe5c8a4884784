"""Clips, or the segments of clips, shuffled over as many folds as the table has, each class in equal shares.

Papers use both without saying so: clips cut from one recording, or pieces of one clip, are then in both training and
test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import DataError
from harness.registry import SplitRule, Unit, register

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.data.clips import ClipTable
    from harness.data.splits import Part


def deal_clips(
    clips: ClipTable, seed: int, _segments_per_clip: NDArray[np.int64] | None
) -> tuple[Part, NDArray[np.int64]]:
    """Return every clip with a fold drawn at random.

    Raises
    ------
    DataError
        When a class has fewer clips than there are folds.
    """
    from harness.data.splits import every_clip

    return _shuffled(clips, every_clip(clips), seed)


def deal_segments(
    clips: ClipTable, seed: int, segments_per_clip: NDArray[np.int64] | None
) -> tuple[Part, NDArray[np.int64]]:
    """Return every segment of every clip with a fold drawn at random.

    Raises
    ------
    DataError
        When a class has fewer segments than there are folds.
    ValueError
        When ``segments_per_clip`` is missing or does not fit the table.
    """
    from harness.data.splits import every_segment

    return _shuffled(clips, every_segment(clips, segments_per_clip), seed)


def _shuffled(clips: ClipTable, items: Part, seed: int) -> tuple[Part, NDArray[np.int64]]:
    import numpy as np
    from sklearn.model_selection import StratifiedKFold

    folds = clips.folds
    labels = clips.frame["label"].to_numpy(dtype=np.int64)[items.clips]
    fewest = np.bincount(labels, minlength=len(clips.classes))
    for label in np.flatnonzero((fewest > 0) & (fewest < len(folds))):
        raise DataError(
            f"{clips.dataset}: class {clips.classes[label]!r} has {fewest[label]} items, too few for {len(folds)} "
            "folds; use more clips or fewer folds"
        )
    state = int(np.random.SeedSequence(seed).generate_state(1)[0])
    fold_of = np.empty(len(items), dtype=np.int64)
    dealer = StratifiedKFold(n_splits=len(folds), shuffle=True, random_state=state)
    for fold, (_, chosen) in zip(folds, dealer.split(np.zeros(len(labels)), labels), strict=True):
        fold_of[chosen] = fold
    return items, fold_of


register(
    SplitRule(
        "random-clip",
        f"{__name__}:deal_clips",
        "clips shuffled over folds (random-clip), so clips cut from one recording lie on both sides",
        shuffles=True,
        used_by="open_clip's issue 1201 and Yurtsever 2026, next to official folds",
    ),
    SplitRule(
        "random-segment",
        f"{__name__}:deal_segments",
        "segments shuffled over folds (random-segment), so pieces of one clip lie on both sides, and a fold tests a "
        "clip on those of its segments that were dealt to it",
        unit=Unit.SEGMENT,
        shuffles=True,
    ),
)
