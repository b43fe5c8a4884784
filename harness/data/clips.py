"""ClipTable: one row per clip, the only view of a data set that the rest of the harness has."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

COLUMNS = ("clip_id", "path", "label", "fold", "recording", "duration")


@dataclass(frozen=True)
class ClipTable:
    """The clips of a study.

    Attributes
    ----------
    dataset
        Name of the data set.
    frame
        One row per clip, index 0..n-1 in a fixed order (by fold, then clip_id). Columns: ``clip_id`` (str, unique;
        the file name without its extension), ``path`` (str, absolute), ``label`` (int64, index into ``classes``),
        ``fold`` (int64), ``recording`` (str, the source recording: clips of one recording belong together),
        ``duration`` (float64, seconds, read from the file's header).
    classes
        Class names; the position is the label.
    digest
        SHA-256, hex, over every clip's id, label, fold, recording and audio bytes, in order.
    """

    dataset: str
    frame: pd.DataFrame
    classes: tuple[str, ...]
    digest: str

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def folds(self) -> tuple[int, ...]:
        """Folds present, ascending."""
        return tuple(sorted(int(fold) for fold in self.frame["fold"].unique()))
