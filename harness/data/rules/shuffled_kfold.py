"""Clips shuffled over folds exactly as scikit-learn's KFold or StratifiedKFold deals them from a seed of its own.

With the seed 42 and 5 folds this deals the folds of MTEB's ESC50 task again (KFold over the rows of the data set,
mteb/abstasks/classification.py), as far as its rows are in the order of ``esc50.csv``. scikit-learn deals row numbers,
so the order of the metadata file matters, not that of the table of clips.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from harness.choices import Validation
from harness.errors import DataError
from harness.registry import SplitRule, register
from harness.section import Most, Natural, Section

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.data.clips import ClipTable
    from harness.data.splits import Part


class ShuffledKFold(Section):
    """The options of the split shuffled-kfold."""

    seed: Annotated[Natural, Most(2**32 - 1, "the largest seed of scikit-learn")] = 42
    """Seed of scikit-learn's shuffling (random_state); MTEB's is 42."""
    k: Annotated[int, Field(ge=2), Most(1_000, "more than any data set has")] = 5
    """Number of folds."""
    stratified: bool = False
    """Whether each fold has the classes in equal shares (StratifiedKFold), or as chance has it (KFold)."""


def describe(rule: SplitRule, options: ShuffledKFold) -> SplitRule:
    """Return the description with the folds that ``options`` name."""
    return replace(rule, folds=tuple(range(1, options.k + 1)))


def deal(
    clips: ClipTable, _seed: int, _segments_per_clip: NDArray[np.int64] | None, options: ShuffledKFold
) -> tuple[Part, NDArray[np.int64]]:
    """Return every clip with its fold: fold 1 is the first that scikit-learn yields.

    Parameters
    ----------
    clips : ClipTable
        The clips to deal.
    _seed : int
        The study's seed, which this rule does not use.
    _segments_per_clip : ndarray of int64, shape (n_clips,), optional
        Segments of each clip, which this rule does not deal.
    options : ShuffledKFold
        The options of the rule.

    Raises
    ------
    DataError
        When there are fewer clips than folds, or stratified and a class has fewer.
    """
    import numpy as np
    from sklearn.model_selection import KFold, StratifiedKFold

    from harness.data.splits import every_clip

    labels = clips.frame["label"].to_numpy(dtype=np.int64)
    counts = np.bincount(labels)
    fewest = int(counts[counts > 0].min()) if options.stratified else len(clips)
    if fewest < options.k:
        what = "its rarest class" if options.stratified else "it"
        raise DataError(
            f"{clips.dataset}: split shuffled-kfold with k = {options.k}: {what} has {fewest} clips; lower protocol.k"
        )
    kind = StratifiedKFold if options.stratified else KFold
    dealer = kind(n_splits=options.k, shuffle=True, random_state=options.seed)
    order = np.argsort(clips.rows, kind="stable")
    fold_of = np.empty(len(clips), dtype=np.int64)
    for fold, (_, chosen) in enumerate(dealer.split(np.zeros(len(labels)), labels[order]), start=1):
        fold_of[order[chosen]] = fold
    return every_clip(clips), fold_of


register(
    SplitRule(
        "shuffled-kfold",
        f"{__name__}:deal",
        "clips shuffled over k folds as scikit-learn deals them from a seed, whatever the official folds; all other "
        "folds train",
        shuffles=True,
        used_by="MTEB (MAEB): KFold, k = 5, seed = 42",
        options=f"{__name__}:ShuffledKFold",
        validation=Validation.NONE,
        describe=f"{__name__}:describe",
    )
)
