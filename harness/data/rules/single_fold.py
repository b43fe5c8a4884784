"""One official fold is tested, once, and all others train."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from harness.choices import Validation
from harness.errors import DataError
from harness.registry import TEST, TRAIN, SplitRule, register
from harness.section import Most, Positive, Section

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.data.clips import ClipTable
    from harness.data.splits import Part


class SingleFold(Section):
    """The options of the split single-fold."""

    fold: Annotated[Positive, Most(1_000, "more than any data set has")] = 1
    """Number of the tested fold."""


def deal(
    clips: ClipTable, _seed: int, _segments_per_clip: NDArray[np.int64] | None, options: SingleFold
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
    options : SingleFold
        The options of the rule.

    Raises
    ------
    DataError
        When the fold is not in use, or is the only one.
    """
    import numpy as np

    from harness.data.splits import every_clip

    tested = clips.frame["fold"].to_numpy(dtype=np.int64) == options.fold
    if not tested.any() or tested.all():
        raise DataError(
            f"{clips.dataset}: split single-fold: fold {options.fold} is to be tested and others train; folds in use: "
            f"{list(clips.folds)}"
        )
    return every_clip(clips), np.where(tested, TEST, TRAIN).astype(np.int64)


register(
    SplitRule(
        "single-fold",
        f"{__name__}:deal",
        "one official fold is tested, once, and all others train",
        official=True,
        used_by="SpeechBrain's UrbanSound8K recipe, whose commands also validate on the tested fold",
        options=f"{__name__}:SingleFold",
        single=True,
        validation=Validation.NONE,
    )
)
