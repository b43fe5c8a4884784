"""Splits as declared protocols: which items train, validate and test, for each fold.

``official`` takes the authors' folds. ``random-clip`` shuffles clips over as many folds, ``random-segment`` shuffles
the segments of clips, so that pieces of one clip lie on both sides and each fold tests only the pieces dealt to it;
papers use both without saying so. In all three, fold k tests, the next fold in cyclic order validates, and the rest
trains.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.data.clips import ClipTable
from harness.data.leakage import check_official
from harness.errors import DataError

PROTOCOLS = ("official", "random-clip", "random-segment")


@dataclass(frozen=True)
class Part:
    """The items on one side of a split.

    ``clips`` holds rows of the ClipTable, int64, shape (n,). ``segments`` is None when whole clips are meant (every
    segment of each clip), else the segment of the clip, int64, shape (n,), beside ``clips``.
    """

    clips: NDArray[np.int64]
    segments: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.clips)

    @property
    def unit(self) -> str:
        """What an item is: "clip" or "segment"."""
        return "clip" if self.segments is None else "segment"

    def where(self, chosen: NDArray[np.bool_]) -> Part:
        """Return the items that ``chosen``, shape (n,), marks."""
        return Part(self.clips[chosen], None if self.segments is None else self.segments[chosen])


@dataclass(frozen=True)
class Split:
    """Training, validation and test part of one fold; :func:`harness.data.leakage_report` counts what they share."""

    protocol: str
    fold: int
    train: Part
    validation: Part
    test: Part


def make_splits(
    clips: ClipTable,
    protocol: str,
    test_folds: Sequence[int],
    seed: int,
    segments_per_clip: NDArray[np.int64] | None = None,
) -> tuple[Split, ...]:
    """Return one split for each of ``test_folds``, in that order.

    Parameters
    ----------
    protocol
        ``"official"``, ``"random-clip"`` or ``"random-segment"``.
    seed
        Entropy of the two random protocols; it alone decides them, whichever folds are asked for. Their folds carry
        the numbers of the table's folds and keep the classes in proportion.
    segments_per_clip
        Number of segments of each clip, int64, shape (n_clips,); needed by ``random-segment`` alone.

    Raises
    ------
    DataError
        When the table has fewer than three folds, a test fold is not among them, or a class has too few items.
    LeakageError
        When ``official`` folds share a recording that is not known to cross folds.
    ValueError
        When the protocol is unknown, or ``segments_per_clip`` is missing or does not fit the table.
    """
    if protocol not in PROTOCOLS:
        raise ValueError(f"unknown protocol {protocol!r}; allowed: {', '.join(PROTOCOLS)}")
    folds = clips.folds
    if len(folds) < 3:
        raise DataError(
            f"{clips.dataset}: a split needs at least 3 folds (test, validation, training), received {list(folds)}; "
            "add folds to data.folds"
        )
    for fold in test_folds:
        if fold not in folds:
            raise DataError(f"{clips.dataset}: fold {fold} cannot be tested; the folds in use are {list(folds)}")
    items, fold_of = _items(clips, protocol, seed, segments_per_clip)
    splits = []
    for fold in test_folds:
        following = folds[(folds.index(fold) + 1) % len(folds)]
        test, validation = fold_of == fold, fold_of == following
        parts = (items.where(~(test | validation)), items.where(validation), items.where(test))
        splits.append(Split(protocol, fold, *parts))
    if protocol == "official":
        check_official(splits, clips)
    return tuple(splits)


def _items(
    clips: ClipTable, protocol: str, seed: int, segments_per_clip: NDArray[np.int64] | None
) -> tuple[Part, NDArray[np.int64]]:
    """Return all items that a protocol deals out, and the fold of each."""
    rows = np.arange(len(clips), dtype=np.int64)
    labels = clips.frame["label"].to_numpy(dtype=np.int64)
    if protocol == "official":
        return Part(rows), clips.frame["fold"].to_numpy(dtype=np.int64)
    if protocol == "random-clip":
        return Part(rows), _shuffle(clips, labels, seed)
    counts = segments_per_clip
    if counts is None or counts.shape != (len(clips),) or (counts < 1).any():
        raise ValueError(f"random-segment needs the number of segments, at least 1, of each of {len(clips)} clips")
    owner = np.repeat(rows, counts)
    starts = np.cumsum(counts) - counts
    segments = np.arange(len(owner), dtype=np.int64) - np.repeat(starts, counts)
    return Part(owner, segments), _shuffle(clips, labels[owner], seed)


def _shuffle(clips: ClipTable, labels: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Deal items over the table's folds at random, each class in equal shares."""
    from sklearn.model_selection import StratifiedKFold

    folds = clips.folds
    fewest = np.bincount(labels, minlength=len(clips.classes))
    for label in np.flatnonzero((fewest > 0) & (fewest < len(folds))):
        raise DataError(
            f"{clips.dataset}: class {clips.classes[label]!r} has {fewest[label]} items, too few for {len(folds)} "
            "folds; use more clips or fewer folds"
        )
    state = int(np.random.SeedSequence(seed).generate_state(1)[0])
    fold_of = np.empty(len(labels), dtype=np.int64)
    dealer = StratifiedKFold(n_splits=len(folds), shuffle=True, random_state=state)
    for fold, (_, chosen) in zip(folds, dealer.split(np.zeros(len(labels)), labels), strict=True):
        fold_of[chosen] = fold
    return fold_of
