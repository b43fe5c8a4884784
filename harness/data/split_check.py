"""What the parts of somebody's splits share, and how their classes are distributed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from harness.choices import FinalTrain
from harness.data.clips import ClipTable
from harness.data.leakage import LeakageReport, leakage_report
from harness.data.splits import Split
from harness.errors import DataError

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class SharedItems:
    """What one split's test part shares with everything else, and its validation part with the training part.

    Attributes
    ----------
    counted
        The split's leakage by recording and by clip; the test part is compared with training and validation part.
    recordings_known
        Whether recordings are known; otherwise every clip is taken as a recording of its own.
    n_test_sharing_audio, n_validation_sharing_audio
        Items that have audio in common, or are connected by clips that do; None where audio was not compared.
    """

    counted: LeakageReport
    recordings_known: bool
    n_test_sharing_audio: int | None
    n_validation_sharing_audio: int | None

    @property
    def leaks(self) -> bool:
        """Whether anything is shared."""
        counted = self.counted
        return any(
            (
                counted.n_test_sharing_recording,
                counted.n_test_sharing_clip,
                counted.n_validation_sharing_recording,
                counted.n_validation_sharing_clip,
                self.n_test_sharing_audio,
                self.n_validation_sharing_audio,
            )
        )


@dataclass(frozen=True)
class SplitCheck:
    """The result of checking splits.

    Attributes
    ----------
    shared
        One entry per split, in the order of the splits.
    balance
        Number of items: columns ``fold`` (the tested one), ``part``, then one column per class.
    unused
        Clips of the metadata that no split has.
    lacking
        Fold, part (test or train) and class of which that part has no item.
    """

    shared: tuple[SharedItems, ...]
    balance: pd.DataFrame
    unused: tuple[str, ...]
    lacking: tuple[tuple[int, str, str], ...]

    @property
    def leaks(self) -> bool:
        """Whether any split leaks."""
        return any(each.leaks for each in self.shared)


def check_splits(
    clips: ClipTable, splits: Sequence[Split], *, recordings_known: bool = True, groups: Sequence[int] | None = None
) -> SplitCheck:
    """Count what the parts of ``splits`` share.

    Parameters
    ----------
    clips : ClipTable
        The clips.
    splits : sequence of Split
        The splits.
    recordings_known : bool
        Whether the recordings of ``clips`` are known.
    groups : sequence of int, optional
        For each clip a number that it shares with those that have audio in common, as
        :meth:`harness.duplicates.find.Duplicates.groups` returns them.
    """
    # Near-identical audio is counted as recordings are: by what the items of a group have in common.
    by_audio = None
    if groups is not None:
        by_audio = replace(clips, frame=clips.frame.assign(recording=[str(group) for group in groups]))
    shared = []
    for split in splits:
        audio = leakage_report(by_audio, split, FinalTrain.TRAIN_AND_VALIDATION) if by_audio is not None else None
        shared.append(
            SharedItems(
                leakage_report(clips, split, FinalTrain.TRAIN_AND_VALIDATION),
                recordings_known,
                audio.n_test_sharing_recording if audio else None,
                audio.n_validation_sharing_recording if audio else None,
            )
        )
    labels = clips.frame["label"].to_numpy(dtype=np.int64)
    rows = [
        (split.fold, part, np.bincount(labels[getattr(split, part).clips], minlength=len(clips.classes)))
        for split in splits
        for part in PARTS
    ]
    balance = pd.DataFrame([counts for *_, counts in rows], columns=list(clips.classes))
    balance.insert(0, "fold", [fold for fold, *_ in rows])
    balance.insert(1, "part", [part for _, part, _ in rows])
    used = {int(clip) for split in splits for part in PARTS for clip in getattr(split, part).clips}
    return SplitCheck(
        shared=tuple(shared),
        balance=balance,
        unused=tuple(clip for position, clip in enumerate(clips.frame["clip_id"]) if position not in used),
        lacking=tuple(
            (fold, part, clips.classes[label])
            for fold, part, counts in rows
            if part != "validation"
            for label in np.flatnonzero(counts == 0)
        ),
    )


def audio_of(clips: ClipTable, folder: Path) -> list[Path]:
    """Return the audio file of each clip below ``folder``: at its path, or else anywhere under its name.

    Raises
    ------
    DataError
        When a file is missing, or its name occurs in several folders.
    """
    names: dict[str, list[Path]] | None = None
    found = []
    for path in clips.frame["path"]:
        if (folder / path).is_file():
            found.append(folder / path)
            continue
        if names is None:
            names = {}
            for file in sorted(folder.rglob("*")):
                names.setdefault(file.name, []).append(file)
        places = names.get(PurePosixPath(path).name, [])
        if len(places) != 1:
            fault = f"there are several, {places[0]} and {places[1]}" if places else "there is no such file"
            raise DataError(f"--audio {folder}: {path}: {fault}; name the folder that the metadata's files are in")
        found.extend(places)
    return found
