"""Checking a data set: comparing clips with the official numbers, and decoding every file to its last sample."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from harness.data.examine import examine
from harness.data.findings import Finding, Kind, Severity, restore
from harness.data.inventory import Inventory
from harness.data.inventory_check import crossing_recordings, differing_counts, doubles, other_layout, unlisted
from harness.data.load_clips import read_inventory
from harness.errors import DataError
from harness.registry import DATASETS, Dataset
from harness.section import Section

if TYPE_CHECKING:
    from harness.data.datasets.csv_file import Columns


@dataclass(frozen=True)
class CheckReport:
    """The result of checking a data set.

    ``counts`` and ``expected`` are numbers of clips, one row per fold and one column per class; ``counts`` is of
    existing files. ``checked`` is the number of files decoded, ``seconds`` the length of audio in them, and
    ``description`` that of the data set.
    """

    dataset: str
    description: Dataset
    folder: Path
    counts: pd.DataFrame
    expected: pd.DataFrame
    checked: int
    seconds: float
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Findings of severity error."""
        return tuple(finding for finding in self.findings if finding.severity is Severity.ERROR)

    @property
    def ok(self) -> bool:
        """Whether there is no error."""
        return not self.errors


def check_dataset(
    name: str,
    root: Path,
    folds: Sequence[int] | None = None,
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
    *,
    options: Section | None = None,
) -> CheckReport:
    """Check a data set against its description, and decode its files.

    Parameters
    ----------
    name : str
        Name of the data set in the registry.
    root : Path
        The data root.
    folds : sequence of int, optional
        Official folds to check; all by default.
    workers : int
        Number of threads that decode.
    progress : callable, optional
        Called in the caller's thread with the number of files done and of all files.
    options : Section, optional
        Options of the data set; its defaults by default. A generated data set must have been generated before.

    Raises
    ------
    UnknownNameError
        When there is no such data set.
    DataError
        When a fold is not one of its folds.
    """
    dataset = DATASETS.get(name)
    _require_folds(dataset, folds)
    try:
        inventory = read_inventory(name, root, options)
    except DataError as error:
        return _unread(name, dataset, root, error)
    return _check(inventory, folds, workers, progress)


def check_table(
    file: Path,
    root: Path,
    folds: Sequence[int] | None = None,
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
    *,
    columns: Columns | None = None,
) -> CheckReport:
    """Check data of one's own that the CSV file ``file`` names, and decode its files.

    Parameters
    ----------
    file : Path
        The CSV file.
    root : Path
        The data root, where audio is searched that is not relative to ``file``.
    folds : sequence of int, optional
        Folds to check; all by default.
    workers : int
        Number of threads that decode.
    progress : callable, optional
        As of :func:`check_dataset`.
    columns : Columns, optional
        Names of the columns; their defaults by default.

    Raises
    ------
    DataError
        When a fold is not one of the file's.
    """
    try:
        inventory = read_own_table(file, root, columns)
    except DataError as error:
        return _unread(file.name, DATASETS.get("csv"), file, error)
    _require_folds(inventory.dataset, folds)
    return _check(inventory, folds, workers, progress)


def read_own_table(file: Path, root: Path, columns: Columns | None = None) -> Inventory:
    """Return what the CSV file of data of one's own names, without reading the audio.

    Parameters
    ----------
    file : Path
        The CSV file.
    root : Path
        The data root, where audio is searched that is not relative to ``file``.
    columns : Columns, optional
        Names of the columns; their defaults by default.

    Raises
    ------
    DataError
        When it is missing or faulty.
    """
    from harness.data.datasets.csv_file import Columns, CsvSection, resolve

    if not file.is_file():
        raise DataError(f"{file}: there is no such file; name the CSV file of your data")
    stated = {"metadata": file.name, "columns": (columns or Columns()).model_dump()}
    found = CsvSection.model_validate_json(json.dumps(resolve(stated, file.parent)))
    return read_inventory("csv", root, found, file.parent)


def _require_folds(dataset: Dataset, folds: Sequence[int] | None) -> None:
    for fold in folds or ():
        if fold not in dataset.folds:
            raise DataError(f"{dataset.name} has no fold {fold}; it has {', '.join(map(str, dataset.folds))}")


def _unread(name: str, dataset: Dataset, place: Path, error: DataError) -> CheckReport:
    """Return the report of a data set whose metadata cannot be used."""
    finding = Finding(Severity.ERROR, Kind.METADATA, place, str(error), "correct this and check again")
    return CheckReport(name, dataset, place, pd.DataFrame(), pd.DataFrame(), 0, 0.0, (finding,))


def _check(
    inventory: Inventory,
    folds: Sequence[int] | None,
    workers: int,
    progress: Callable[[int, int], None] | None,
) -> CheckReport:
    dataset = inventory.dataset
    used = tuple(sorted(folds or dataset.folds))
    chosen = [entry for entry in inventory.entries if entry.fold in used]
    present = {entry.path for entry in inventory.present()}
    here = [entry for entry in chosen if entry.path in present]
    missing = [
        Finding(Severity.ERROR, Kind.MISSING, entry.path, f"listed in {entry.origin}, but missing", restore(dataset))
        for entry in chosen
        if entry.path not in present
    ]
    counts, expected = (
        pd.DataFrame(table, index=pd.Index(dataset.folds, name="fold"), columns=list(inventory.classes)).loc[[*used]]
        for table in (inventory.counts(here), inventory.expected)
    )
    examined = examine(dataset, here, workers, progress)
    findings = (
        *other_layout(inventory),
        *differing_counts(inventory, used, counts, expected),
        *crossing_recordings(inventory, chosen),
        *missing,
        *(finding for one in examined for finding in one.findings),
        *(doubles(inventory, here, examined) if dataset.own else ()),
        *unlisted(inventory),
    )
    seconds = sum(one.seconds for one in examined)
    name = inventory.source.name if dataset.own else dataset.name
    return CheckReport(name, dataset, inventory.folder, counts, expected, len(here), seconds, findings)
