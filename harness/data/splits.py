"""Splits as declared protocols: which items train, validate and test, for each fold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.data.leakage import LeakageReport


@dataclass(frozen=True)
class Part:
    """The items on one side of a split.

    ``clips`` holds rows of the ClipTable, int64, shape (n,). ``segments`` is None when whole clips are meant (every
    segment of each clip), else the segment of the clip, int64, shape (n,), beside ``clips``.
    """

    clips: NDArray[np.int64]
    segments: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.clips)


@dataclass(frozen=True)
class Split:
    """Training, validation and test part of one fold, and how much they share."""

    protocol: str
    fold: int
    train: Part
    validation: Part
    test: Part
    leakage: LeakageReport
