"""Splits as declared protocols: which items train, validate and test, for each fold.

A split rule (:data:`harness.registry.SPLITS`) deals items over folds: the authors' folds, clips shuffled, segments
shuffled. With every rule fold k tests, the next fold in cyclic order validates, and the rest trains; with two folds
nothing validates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.data.clips import ClipTable
from harness.data.leakage import check_official
from harness.errors import DataError
from harness.registry import SPLITS, Unit, code


@dataclass(frozen=True)
class Part:
    """The items on one side of a split.

    ``clips`` holds rows of the ClipTable, int64, shape (n,). ``segments`` is None for complete clips (every segment of
    each clip), else the segment of the clip, int64, shape (n,), for each of ``clips``.
    """

    clips: NDArray[np.int64]
    segments: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.clips)

    @property
    def unit(self) -> Unit:
        """What an item is."""
        return Unit.CLIP if self.segments is None else Unit.SEGMENT

    def where(self, chosen: NDArray[np.bool_]) -> Part:
        """Return the items that ``chosen``, shape (n,), marks."""
        return Part(self.clips[chosen], None if self.segments is None else self.segments[chosen])


@dataclass(frozen=True)
class Split:
    """Training, validation and test part of one fold; :func:`harness.data.leakage.leakage_report` counts what they
    share."""

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
    clips : ClipTable
        The clips to split.
    protocol : str
        Name of a split rule.
    test_folds : sequence of int
        Folds of the table to test.
    seed : int
        Entropy of rules that shuffle. They depend on it alone, whichever folds are requested. Their folds carry the
        numbers of the table's folds.
    segments_per_clip : ndarray of int64, shape (n_clips,), optional
        Number of segments of each clip; needed by rules that deal segments.

    Raises
    ------
    DataError
        When the table has fewer than two folds, a test fold is not among them, or a class has too few items.
    LeakageError
        When official folds share a recording that is not known to cross folds.
    ValueError
        When the protocol is unknown, or ``segments_per_clip`` is missing or does not fit the table.
    """
    rule = SPLITS.get(protocol)
    folds = clips.folds
    if len(folds) < 2:
        raise DataError(
            f"{clips.dataset}: a split needs at least 2 folds (test and training), received {list(folds)}; add folds "
            "to data.folds"
        )
    for fold in test_folds:
        if fold not in folds:
            raise DataError(
                f"{clips.dataset}: fold {fold} is not in use and cannot be tested; folds in use: {list(folds)}"
            )
    items, fold_of = code(rule.deal)(clips, seed, segments_per_clip)
    splits = tuple(split_by_fold(protocol, items, fold_of, folds, fold) for fold in test_folds)
    if rule.official and not clips.own:
        check_official(splits, clips)
    return splits


def split_by_fold(protocol: str, items: Part, fold_of: NDArray[np.int64], folds: Sequence[int], fold: int) -> Split:
    """Return the split that tests ``fold``, validates on the next one of ``folds`` and trains on the others.

    Parameters
    ----------
    protocol : str
        Name of the split.
    items : Part
        All items.
    fold_of : ndarray of int64, shape (n_items,)
        Fold of each item.
    folds : sequence of int
        All folds, ascending.
    fold : int
        The fold to test.
    """
    test, validation = fold_of == fold, fold_of == validating(folds, fold)
    return Split(protocol, fold, items.where(~(test | validation)), items.where(validation), items.where(test))


def validating(folds: Sequence[int], fold: int) -> int | None:
    """Return the fold that validates when ``fold`` is tested: the next one in cyclic order; with two folds none."""
    return folds[(folds.index(fold) + 1) % len(folds)] if len(folds) > 2 else None


def every_clip(clips: ClipTable) -> Part:
    """Return all clips of the table as items."""
    return Part(np.arange(len(clips), dtype=np.int64))


def every_segment(clips: ClipTable, segments_per_clip: NDArray[np.int64] | None) -> Part:
    """Return all segments of all clips as items; ``segments_per_clip`` has shape (n_clips,).

    Raises
    ------
    ValueError
        When ``segments_per_clip`` is missing or does not fit the table.
    """
    counts = segments_per_clip
    if counts is None or counts.shape != (len(clips),) or (counts < 1).any():
        raise ValueError(f"a segment rule needs the number of segments (at least 1) of each of the {len(clips)} clips")
    owner = np.repeat(every_clip(clips).clips, counts)
    starts = np.cumsum(counts) - counts
    return Part(owner, np.arange(len(owner), dtype=np.int64) - np.repeat(starts, counts))
