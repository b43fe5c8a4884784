"""What a split's test part shares with the clips that a network learns from, and what an official split must not share.

A recording is the source that clips were cut from: to a network, two clips of one recording are near duplicates.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.choices import FinalTrain
from harness.data.clips import ClipTable
from harness.errors import LeakageError
from harness.registry import DATASETS, Unit

if TYPE_CHECKING:
    from harness.data.splits import Split

LISTED = 20
_PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class LeakageReport:
    """Counts of items of one fold that share their source with what a network learns from.

    Attributes
    ----------
    protocol, fold
        Name of the split, and the tested fold.
    final_train
        What final trainings learn from, ``train`` or ``train+validation``: the test part is compared with that.
    unit
        What an item is.
    n_test, n_test_sharing_recording, n_test_sharing_clip
        Items of the test part, and those that share with what final trainings learn from.
    n_validation, n_validation_sharing_recording, n_validation_sharing_clip
        Items of the validation part, and those that share with the training part, which is all that a search learns
        from.
    recordings
        Recordings shared by the test part and what final trainings learn from, sorted, at most 20 of them.
    """

    protocol: str
    fold: int
    final_train: str
    unit: Unit
    n_test: int
    n_test_sharing_recording: int
    n_test_sharing_clip: int
    n_validation: int
    n_validation_sharing_recording: int
    n_validation_sharing_clip: int
    recordings: tuple[str, ...]


def leakage_report(clips: ClipTable, split: Split, final_train: str) -> LeakageReport:
    """Count the test items that share a recording, or a clip, with what final trainings learn from, and the validation
    items that share one with the training part."""
    train, validation, test = split.train, split.validation, split.test
    recordings = clips.frame["recording"].to_numpy(dtype=str)
    both = final_train == FinalTrain.TRAIN_AND_VALIDATION
    learned = np.concatenate([train.clips, validation.clips]) if both else train.clips
    shared = np.isin(recordings[test.clips], recordings[learned])
    return LeakageReport(
        protocol=split.protocol,
        fold=split.fold,
        final_train=final_train,
        unit=test.unit,
        n_test=len(test),
        n_test_sharing_recording=int(shared.sum()),
        n_test_sharing_clip=int(np.isin(test.clips, learned).sum()),
        n_validation=len(validation),
        n_validation_sharing_recording=int(np.isin(recordings[validation.clips], recordings[train.clips]).sum()),
        n_validation_sharing_clip=int(np.isin(validation.clips, train.clips).sum()),
        recordings=tuple(sorted({str(name) for name in recordings[test.clips][shared]})[:LISTED]),
    )


def check_official(splits: Split | Iterable[Split], clips: ClipTable) -> None:
    """Check that official splits share no recording between their parts, except those known to cross folds.

    All three pairs of parts are compared: final trainings may learn from the validation part as well, and it chooses
    hyperparameters, so the test part must be free of it too.

    Raises
    ------
    LeakageError
        With the recordings that are shared and the folds that hold them.
    """
    # A caller may have a single split.
    several = splits if isinstance(splits, Iterable) else (splits,)
    recordings = clips.frame["recording"].to_numpy(dtype=str)
    folds = clips.frame["fold"].to_numpy()
    known = set(DATASETS.get(clips.dataset).known_leaks) if clips.dataset in DATASETS else set()
    for split in several:
        parts = {name: {str(item) for item in recordings[getattr(split, name).clips]} for name in _PARTS}
        # A protocol may declare that the test part also validates.
        pairs = [("test", "train"), ("validation", "train")]
        pairs += [("test", "validation")] if split.validation is not split.test else []
        for one, other in pairs:
            shared = sorted(parts[one] & parts[other] - known)
            if shared:
                where = "; ".join(
                    f"{name} in folds {', '.join(map(str, np.unique(folds[recordings == name])))}"
                    for name in shared[:5]
                )
                raise LeakageError(
                    f"{clips.dataset}, official split of fold {split.fold}: {one} and {other} share {len(shared)} "
                    f"recordings ({where}). Official folds keep each recording in one fold: restore the original "
                    "metadata file, or declare protocol.split = 'random-clip'"
                )
