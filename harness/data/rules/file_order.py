"""Parts by the order of a class's files: the first train, the next validate, the next are tested.

Source: the ResNet-18 practical (Radboud University, Machine Hearing 2023-24), with 300, 80 and 20 of the 400 clips of
each of ESC-50's five categories. The order follows the folds, so clips of one fold are in several parts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.choices import Validation
from harness.errors import DataError
from harness.registry import TEST, TRAIN, VALIDATION, SplitRule, register
from harness.section import Natural, Positive, Section

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.data.clips import ClipTable
    from harness.data.splits import Part


class FileOrder(Section):
    """The options of the split file-order."""

    counts: tuple[Positive, Natural, Positive] = (300, 80, 20)
    """Clips of each class that train, that validate and that are tested, in the order of its files; any further ones
    are not used."""


def deal(
    clips: ClipTable, _seed: int, _segments_per_clip: NDArray[np.int64] | None, options: FileOrder
) -> tuple[Part, NDArray[np.int64]]:
    """Return the clips with their parts.

    Parameters
    ----------
    clips : ClipTable
        The clips to deal.
    _seed : int
        The study's seed, which this rule does not use.
    _segments_per_clip : ndarray of int64, shape (n_clips,), optional
        Segments of each clip, which this rule does not deal.
    options : FileOrder
        The options of the rule.

    Raises
    ------
    DataError
        When a class has too few clips.
    """
    import numpy as np

    from harness.data.splits import Part

    labels = clips.frame["label"].to_numpy(dtype=np.int64)
    parts = np.repeat([TRAIN, VALIDATION, TEST], options.counts)
    part_of = np.zeros(len(clips), dtype=np.int64)
    order = np.argsort(clips.rows, kind="stable")
    for label in np.unique(labels):
        own = order[labels[order] == label]
        if len(own) < len(parts):
            raise DataError(
                f"{clips.dataset}: split file-order takes {' + '.join(map(str, options.counts))} clips of each class, "
                f"and class {clips.classes[label]!r} has {len(own)}; set protocol.counts = [train, validation, test]"
            )
        part_of[own[: len(parts)]] = parts
    used = part_of > 0
    return Part(np.flatnonzero(used).astype(np.int64)), part_of[used]


register(
    SplitRule(
        "file-order",
        f"{__name__}:deal",
        "the first files of each class train, the next validate and the next are tested, in the metadata's order",
        used_by="the ResNet-18 practical (300, 80 and 20 of each category of ESC-50)",
        options=f"{__name__}:FileOrder",
        single=True,
        validation=Validation.NEXT_FOLD,
        own_parts=True,
    )
)
