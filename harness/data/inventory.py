"""Inventory: the clips a data set's metadata names, beside what the official release promises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.data.clips import ClipEntry, validate_entries
from harness.data.metadata import Row


@dataclass(frozen=True)
class Inventory:
    """What the metadata of one data set names.

    Attributes
    ----------
    dataset
        Name of the data set.
    folder, source
        Its folder, and the metadata file within.
    classes
        Class names; the position is the label.
    entries
        The clips, in the file's order.
    folds, expected
        Official folds, and clips of each fold and class in the official release, int64, shape (n_folds, n_classes).
    absent
        Names of original classes of which not one clip is named.
    """

    dataset: str
    folder: Path
    source: Path
    classes: tuple[str, ...]
    entries: tuple[ClipEntry, ...]
    folds: tuple[int, ...]
    expected: NDArray[np.int64]
    absent: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        validate_entries(self.entries, len(self.classes))

    def counts(self, entries: Sequence[ClipEntry] | None = None) -> NDArray[np.int64]:
        """Return the clips of each official fold and class, shape (n_folds, n_classes); of ``entries`` if given."""
        counts = np.zeros_like(self.expected)
        for entry in self.entries if entries is None else entries:
            counts[self.folds.index(entry.fold), entry.label] += 1
        return counts

    def present(self) -> tuple[ClipEntry, ...]:
        """Return the entries whose file exists."""
        listed = {folder: _names(folder) for folder in {entry.path.parent for entry in self.entries}}
        return tuple(entry for entry in self.entries if entry.path.name in listed[entry.path.parent])


def class_names(rows: Sequence[Row], number: str, name: str, n_classes: int) -> dict[int, str]:
    """Return the class name of every class number that ``rows`` use; one number has one name and the reverse.

    Raises
    ------
    DataError
        At the first row whose number and name contradict an earlier row.
    """
    names: dict[int, str] = {}
    numbers: dict[str, int] = {}
    for row in rows:
        value, label = row.text(name), row.integer(number, 0, n_classes - 1)
        if names.setdefault(label, value) != value:
            row.fail(name, f"{names[label]!r}, as in the rows before with {number} = {label}")
        if numbers.setdefault(value, label) != label:
            row.fail(number, f"{numbers[value]}, as in the rows before with {name} = {value!r}")
    return names


def _names(folder: Path) -> frozenset[str]:
    # One listing of a folder costs less than asking the file system for each of thousands of files.
    return frozenset(file.name for file in folder.iterdir()) if folder.is_dir() else frozenset()
