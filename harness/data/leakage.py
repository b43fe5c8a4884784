"""How much a split's test part shares with its training part, and what an official split must not share.

A recording is the source that clips were cut from: two clips of one recording are near copies for a network.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.data.clips import ClipTable
from harness.errors import LeakageError
from harness.vocabulary import DATASETS

if TYPE_CHECKING:
    from harness.data.splits import Part, Split

_LISTED = 20
_PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class LeakageReport:
    """Counts of test items that share their source with training items.

    An item is a clip, or a segment under ``random-segment``. ``validation_*`` counts validation items that share with
    training. ``recordings`` lists the shared recordings between test and training, sorted, at most 20 of them.
    """

    unit: str
    n_test: int
    n_test_sharing_recording: int
    n_test_sharing_clip: int
    n_validation: int
    n_validation_sharing_recording: int
    n_validation_sharing_clip: int
    recordings: tuple[str, ...]


def leakage_report(clips: ClipTable, train: Part, validation: Part, test: Part) -> LeakageReport:
    """Count the items of ``test`` and ``validation`` that share a recording, or a clip, with ``train``.

    Where final trainings also learn from the validation part, pass both as ``train`` to count what they share.
    """
    recordings = clips.frame["recording"].to_numpy(dtype=str)
    known = recordings[train.clips]
    shared = np.isin(recordings[test.clips], known)
    return LeakageReport(
        unit="clip" if test.segments is None else "segment",
        n_test=len(test),
        n_test_sharing_recording=int(shared.sum()),
        n_test_sharing_clip=int(np.isin(test.clips, train.clips).sum()),
        n_validation=len(validation),
        n_validation_sharing_recording=int(np.isin(recordings[validation.clips], known).sum()),
        n_validation_sharing_clip=int(np.isin(validation.clips, train.clips).sum()),
        recordings=tuple(sorted({str(name) for name in recordings[test.clips][shared]})[:_LISTED]),
    )


def check_official(splits: Split | Iterable[Split], clips: ClipTable) -> None:
    """Check that official splits share no recording between their parts, but for those known to cross folds.

    All three pairs of parts are compared: final trainings may learn from the validation part as well, and it chooses
    hyperparameters, so the test part must be free of it too.

    Raises
    ------
    LeakageError
        With the recordings that are shared and the folds they stand in.
    """
    # A caller may well hold a single split.
    several = splits if isinstance(splits, Iterable) else (splits,)
    recordings = clips.frame["recording"].to_numpy(dtype=str)
    folds = clips.frame["fold"].to_numpy()
    known = set(DATASETS[clips.dataset].known_leaks) if clips.dataset in DATASETS else set()
    for split in several:
        parts = {name: {str(item) for item in recordings[getattr(split, name).clips]} for name in _PARTS}
        for one, other in (("test", "train"), ("validation", "train"), ("test", "validation")):
            shared = sorted(parts[one] & parts[other] - known)
            if shared:
                where = "; ".join(
                    f"{name} in folds {', '.join(map(str, np.unique(folds[recordings == name])))}"
                    for name in shared[:5]
                )
                raise LeakageError(
                    f"{clips.dataset}, official split of fold {split.fold}: {one} and {other} share "
                    f"{len(shared)} recordings ({where}). Official folds keep each recording together: put the "
                    "original metadata file back, or declare protocol.split = 'random-clip'"
                )
