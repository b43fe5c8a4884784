"""Every n-th row of the metadata file is tested, the others train.

Neighbouring rows of UrbanSound8K's file are slices of one recording, so nearly every tested clip has a sibling in
training. Source: create_data.py of yeyupiaoling/AudioClassification-Pytorch (c63d284), which tests the rows whose
number, from 0, is divisible by 10.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, model_validator

from harness.choices import Validation
from harness.errors import DataError
from harness.registry import TEST, TRAIN, SplitRule, register
from harness.section import Most, Natural, Section

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.data.clips import ClipTable
    from harness.data.splits import Part


class EveryNthRow(Section):
    """The options of the split every-nth-row."""

    n: Annotated[int, Field(ge=2), Most(1_000_000, "more rows than any data set has")] = 10
    """One row of n is tested."""
    remainder: Natural = 0
    """Rows whose number, from 0, leaves this remainder after division by n are tested."""

    @model_validator(mode="after")
    def _below_n(self) -> Self:
        if self.remainder >= self.n:
            raise ValueError(f"remainder: must be below n = {self.n}, received {self.remainder}")
        return self


def deal(
    clips: ClipTable, _seed: int, _segments_per_clip: NDArray[np.int64] | None, options: EveryNthRow
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
    options : EveryNthRow
        The options of the rule.

    Raises
    ------
    DataError
        When no row, or every row, is tested.
    """
    import numpy as np

    from harness.data.splits import every_clip

    tested = clips.rows % options.n == options.remainder
    if tested.all() or not tested.any():
        raise DataError(
            f"{clips.dataset}: split every-nth-row: {int(tested.sum())} of {len(clips)} rows leave the remainder "
            f"{options.remainder} after division by {options.n}; use another protocol.n or protocol.remainder"
        )
    return every_clip(clips), np.where(tested, TEST, TRAIN).astype(np.int64)


register(
    SplitRule(
        "every-nth-row",
        f"{__name__}:deal",
        "one row in n of the metadata file is tested, in the file's order, and the others train",
        used_by="macls (yeyupiaoling/AudioClassification-Pytorch): n = 10",
        options=f"{__name__}:EveryNthRow",
        single=True,
        validation=Validation.NONE,
    )
)
