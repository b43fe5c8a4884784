"""One random test part, as scikit-learn's train_test_split deals it from a seed of its own.

scikit-learn deals row numbers, so the order of the metadata file matters, not that of the table of clips.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from harness.choices import Validation
from harness.errors import DataError
from harness.registry import TEST, TRAIN, SplitRule, register
from harness.section import Most, Natural, Section

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.data.clips import ClipTable
    from harness.data.splits import Part


class TrainTestSplit(Section):
    """The options of the split train-test-split."""

    fraction: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """Fraction of the clips that is tested (test_size)."""
    seed: Annotated[Natural, Most(2**32 - 1, "the largest seed of scikit-learn")] = 42
    """Seed of scikit-learn's shuffling (random_state)."""
    stratified: bool = False
    """Whether both parts have the classes in equal shares (stratify)."""


def deal(
    clips: ClipTable, _seed: int, _segments_per_clip: NDArray[np.int64] | None, options: TrainTestSplit
) -> tuple[Part, NDArray[np.int64]]:
    """Return every clip with its part.

    Parameters
    ----------
    clips : ClipTable
        The clips to deal.
    _seed : int
        The study's seed, which this rule does not use.
    _segments_per_clip : ndarray of int64, shape (n_clips,), optional
        Segments of each clip, which this rule does not deal.
    options : TrainTestSplit
        The options of the rule.

    Raises
    ------
    DataError
        When scikit-learn cannot deal so few clips.
    """
    import numpy as np
    from sklearn.model_selection import train_test_split

    from harness.data.splits import every_clip

    order = np.argsort(clips.rows, kind="stable")
    labels = clips.frame["label"].to_numpy(dtype=np.int64)[order]
    try:
        _, tested = train_test_split(
            np.arange(len(clips)),
            test_size=options.fraction,
            random_state=options.seed,
            stratify=labels if options.stratified else None,
        )
    except ValueError as error:
        raise DataError(
            f"{clips.dataset}: split train-test-split with fraction = {options.fraction:g}: scikit-learn: {error}"
        ) from None
    part = np.full(len(clips), TRAIN, dtype=np.int64)
    part[order[tested]] = TEST
    return every_clip(clips), part


register(
    SplitRule(
        "train-test-split",
        f"{__name__}:deal",
        "a fraction of the clips is tested, drawn once as scikit-learn's train_test_split deals them from a seed",
        shuffles=True,
        used_by="many student repositories",
        options=f"{__name__}:TrainTestSplit",
        single=True,
        validation=Validation.NONE,
    )
)
