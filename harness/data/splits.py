"""Splits as declared protocols: which items train, validate and test, for each fold.

A split rule (:data:`harness.registry.SPLITS`) deals items over folds: the authors' folds, clips shuffled, segments
shuffled; or into one test part and others. Fold k tests. What validates is declared: the next fold in cyclic order
(with two folds nothing), the test part itself, nothing, or a share of the training part. The rest trains.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.choices import Validation
from harness.data.clips import ClipTable
from harness.data.leakage import check_official
from harness.errors import DataError
from harness.registry import VALIDATION, SplitRule, Unit, code, options_of
from harness.section import NoOptions
from harness.study import ProtocolSection


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
    share. ``protocol`` is what tables call it; ``validation`` may be the test part itself, as a protocol declares."""

    protocol: str
    fold: int
    train: Part
    validation: Part
    test: Part


def make_splits(
    clips: ClipTable,
    protocol: ProtocolSection | str,
    test_folds: Sequence[int],
    seed: int,
    segments_per_clip: NDArray[np.int64] | None = None,
    folder: Path = Path(),
) -> tuple[Split, ...]:
    """Return one split for each of ``test_folds``, in that order.

    Parameters
    ----------
    clips : ClipTable
        The clips to split.
    protocol : ProtocolSection or str
        The split rule with its options and what validates; or the rule's name alone.
    test_folds : sequence of int
        Folds to test; :data:`harness.registry.TEST` alone for a rule with one tested part.
    seed : int
        Entropy of rules that shuffle without a seed of their own. They depend on it alone, whichever folds are
        requested. Their folds carry the numbers of the table's folds.
    segments_per_clip : ndarray of int64, shape (n_clips,), optional
        Number of segments of each clip; needed by rules that deal segments.
    folder : Path
        The folder of the study file, to which the files of rules are relative.

    Raises
    ------
    DataError
        When the table has fewer than two folds, a test fold is not among them, or a class has too few items.
    LeakageError
        When official folds share a recording that is not known to cross folds.
    ValueError
        When the protocol is unknown, or ``segments_per_clip`` is missing or does not fit the table.
    """
    declared = ProtocolSection(split=protocol) if isinstance(protocol, str) else protocol
    rule = declared.rule
    if not rule.single and len(clips.folds) < 2:
        raise DataError(
            f"{clips.dataset}: a split needs at least 2 folds (test and training), received {list(clips.folds)}; add "
            "folds to data.folds"
        )
    if not (rule.single or rule.folds):
        # Before items are dealt: the remedy is in the study.
        _require_folds(clips, test_folds, clips.folds)
    items, numbers = _dealt(rule, declared, clips, seed, segments_per_clip, folder)
    folds = sorted(map(int, np.unique(numbers)))
    if declared.validates == Validation.NEXT_FOLD and rule.single and VALIDATION not in folds:
        raise DataError(
            f"{clips.dataset}: split {declared.label} deals no validation part; set protocol.validation = 'none'"
        )
    _require_folds(clips, test_folds, folds)
    splits = tuple(_split(clips, declared, items, numbers, folds, fold, seed) for fold in test_folds)
    if rule.official and not clips.own:
        check_official(splits, clips)
    return splits


def _dealt(
    rule: SplitRule,
    protocol: ProtocolSection,
    clips: ClipTable,
    seed: int,
    segments_per_clip: NDArray[np.int64] | None,
    folder: Path,
) -> tuple[Part, NDArray[np.int64]]:
    """Return the items, and the fold or part of each."""
    more = []
    if options_of(rule) is not NoOptions:
        options = protocol.options
        more = [options.model_copy(update={name: str(folder / getattr(options, name)) for name in rule.files})]
    found: tuple[Part, NDArray[np.int64]] = code(rule.deal)(clips, seed, segments_per_clip, *more)
    return found


def _require_folds(clips: ClipTable, tested: Sequence[int], folds: Sequence[int]) -> None:
    for fold in tested:
        if fold not in folds:
            raise DataError(
                f"{clips.dataset}: fold {fold} is not in use and cannot be tested; folds in use: {list(folds)}"
            )


def _split(
    clips: ClipTable,
    protocol: ProtocolSection,
    items: Part,
    numbers: NDArray[np.int64],
    folds: Sequence[int],
    fold: int,
    seed: int,
) -> Split:
    how = protocol.validates
    if how == Validation.NEXT_FOLD:
        return split_by_fold(protocol.label, items, numbers, folds, fold)
    test = numbers == fold
    if how == Validation.SAME_AS_TEST:
        tested = items.where(test)
        return Split(protocol.label, fold, items.where(~test), tested, tested)
    validation = np.zeros(len(items), dtype=bool)
    if not isinstance(how, Validation):
        validation[~test] = share_of_recordings(clips, items.where(~test), how, (seed, fold))
    rest = ~(test | validation)
    return Split(protocol.label, fold, items.where(rest), items.where(validation), items.where(test))


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


def share_of_recordings(clips: ClipTable, items: Part, share: float, entropy: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return which of ``items``, shape (n_items,), validate: whole recordings drawn at random until each class has
    ``share`` of its items, so that no recording is on both sides.

    Every class keeps at least one recording to train on; one with a single recording has nothing to validate.

    Parameters
    ----------
    clips : ClipTable
        The clips.
    items : Part
        What is not tested.
    share : float
        Share of the items of each class, between 0 and 1.
    entropy : tuple of int
        What the draw depends on.

    Raises
    ------
    DataError
        When no recording can be spared.
    """
    recordings = clips.frame["recording"].to_numpy(dtype=str)[items.clips]
    labels = clips.frame["label"].to_numpy(dtype=np.int64)[items.clips]
    names, owner = np.unique(recordings, return_inverse=True)
    counts = np.zeros((len(names), len(clips.classes)), dtype=np.int64)
    np.add.at(counts, (owner, labels), 1)
    total, taken = counts.sum(axis=0), np.zeros(len(clips.classes), dtype=np.int64)
    chosen = np.zeros(len(names), dtype=bool)
    for name in np.random.default_rng(np.random.SeedSequence(entropy)).permutation(len(names)):
        own = counts[name]
        present = own > 0
        wanted = (taken < share * total)[present].all()
        if wanted and (taken + own < total)[present].all():
            chosen[name] = True
            taken += own
    if not chosen.any():
        raise DataError(
            f"{clips.dataset}: protocol.validation = {share:g}: no class of the training part has a recording to spare "
            f"({len(names)} recordings); use validation = 'none', or more clips"
        )
    validation: NDArray[np.bool_] = chosen[owner]
    return validation


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
