"""ESC-50, its subset ESC-10 and its five major categories, in the layout of the ESC-50 repository.

Source: K. J. Piczak, ESC: Dataset for Environmental Sound Classification, ACM MM 2015. Layout below the data root:
``ESC-50/meta/esc50.csv`` and ``ESC-50/audio/``; the folder name of GitHub's archive, ``ESC-50-master``, is also
accepted, and so is Kaggle's copy, with ``esc50.csv`` at the top and the clips in ``audio/audio/44100/`` or
``audio/audio/`` (its clips resampled to 16 kHz are not read). The recording of a clip is its ``src_file``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from harness.data.dataset_layouts import Arrangement, Place, find_place
from harness.data.inventory import ClipEntry, Counts, Inventory, class_names
from harness.data.metadata import FileName, Flag, Identifier, Row, Text, between, read_rows
from harness.errors import DataError
from harness.registry import Dataset, Source, register
from harness.section import Section

METADATA = Path("meta", "esc50.csv")
AUTHORS = Arrangement(METADATA.as_posix(), "audio")
_ARRANGEMENTS = (
    AUTHORS,
    Arrangement("esc50.csv", "audio/audio/44100", "as on Kaggle, with esc50.csv at the top"),
    Arrangement("esc50.csv", "audio/audio", "as on Kaggle, with esc50.csv at the top"),
)
FOLDS = (1, 2, 3, 4, 5)
# The targets of ESC-10 within ESC-50; their order gives the labels 0 to 9.
ESC10_TARGETS = (0, 1, 10, 11, 12, 20, 21, 38, 40, 41)
CATEGORIES = (
    "animals",
    "natural soundscapes & water",
    "human non-speech",
    "interior/domestic",
    "exterior/urban",
)
# Sources whose clips the authors put into folds 2 and 3 (the first two), 4 and 5. ESC-10 contains one clip of each.
_LEAKS = ("131943", "134049", "209698", "234879")
# GitHub creates the archive on demand and guarantees no checksum: loaders publish the MD5
# 7771e4b9d86d0945acce719c7a59305a of one archive of the master branch; another archive of the same files would differ.
_SOURCE = Source(
    url="https://github.com/karolpiczak/ESC-50/archive/master.zip",
    checksum=None,
    archive="ESC-50-master.zip",
    folder="ESC-50",
    metadata=METADATA.as_posix(),
    max_bytes=2_000_000_000,
    also=("ESC-50-master",),
)


_COLUMNS = (("file", "filename"), ("label", "category"), ("fold", "fold"), ("recording", "src_file"))


class EscRow(Row):
    """A row of ``esc50.csv``."""

    filename: FileName
    fold: Annotated[int, between(FOLDS[0], FOLDS[-1])]
    target: Annotated[int, between(0, 49)]
    category: Text
    esc10: Flag
    src_file: Identifier
    take: str


def read_esc50(dataset: Dataset, root: Path, _options: Section) -> Inventory:
    """Return the inventory of ESC-50 below ``root``; labels are the targets.

    Raises
    ------
    DataError
        When the folder or the metadata file is missing or faulty.
    """
    place, rows, names = _read(dataset, root)
    return _of_targets(dataset, place, rows, names, range(50))


def read_esc10(dataset: Dataset, root: Path, _options: Section) -> Inventory:
    """Return the inventory of ESC-10 below ``root``; labels are the ranks of the targets among ESC-10's.

    Raises
    ------
    DataError
        When the folder or the metadata file is missing or faulty, or no row is of ESC-10.
    """
    place, rows, names = _read(dataset, root)
    rows = tuple(row for row in rows if row.esc10)
    if not rows:
        raise DataError(f"{place.metadata}: no row has esc10 = True; restore the original metadata file")
    return _of_targets(dataset, place, rows, names, ESC10_TARGETS)


def read_categories(dataset: Dataset, root: Path, _options: Section) -> Inventory:
    """Return the inventory of ESC-50 below ``root`` with its five major categories as classes, ten targets each.

    Raises
    ------
    DataError
        When the folder or the metadata file is missing or faulty.
    """
    place, rows, _ = _read(dataset, root)
    labels = {target: target // 10 for target in range(50)}
    return place.checked(inventory_of(dataset, place, rows, CATEGORIES, labels))


def _read(dataset: Dataset, root: Path) -> tuple[Place, tuple[EscRow, ...], dict[int, str]]:
    place = find_place(dataset, root, _ARRANGEMENTS)
    rows = read_rows(place.metadata, EscRow)
    return place, rows, class_names(rows, "target", "category")


def _of_targets(
    dataset: Dataset, place: Place, rows: Sequence[EscRow], names: Mapping[int, str], targets: Sequence[int]
) -> Inventory:
    classes = tuple(names.get(target, f"target {target}") for target in targets)
    labels = {target: label for label, target in enumerate(targets)}
    return place.checked(inventory_of(dataset, place, rows, classes, labels))


def inventory_of(
    dataset: Dataset,
    place: Place,
    rows: Sequence[EscRow],
    classes: tuple[str, ...],
    labels: Mapping[int, int],
    expected: Counts = (),
) -> Inventory:
    """Return the inventory of rows of the metadata of ESC-50.

    Parameters
    ----------
    dataset : Dataset
        The registered description.
    place : Place
        Where the data set is.
    rows : sequence of EscRow
        The rows of the metadata that belong to the data set.
    classes : tuple of str
        Class names; the position is the label.
    labels : mapping of int to int
        Label of each target in the metadata.
    expected : Counts
        Official number of clips by fold and class; empty where none is known.

    Raises
    ------
    DataError
        When a row's target is not in ``labels``.
    """
    entries = []
    for row in rows:
        if row.target not in labels:
            row.fail("target", f"a target of {dataset.title} ({', '.join(map(str, labels))})")
        entries.append(
            ClipEntry(
                clip_id=Path(row.filename).stem,
                path=place.audio(row.filename),
                label=labels[row.target],
                fold=row.fold,
                recording=row.src_file,
                origin=row.origin,
            )
        )
    used = {row.target for row in rows}
    absent = tuple(f"target {target}" for target in labels if target not in used)
    return Inventory(dataset, place.folder, place.metadata, classes, tuple(entries), absent, expected)


register(
    Dataset("esc10", "ESC-10", 10, FOLDS, 400, 5.0, read=f"{__name__}:read_esc10", source=_SOURCE, part_of="esc50"),
    Dataset(
        "esc50", "ESC-50", 50, FOLDS, 2000, 5.0, f"{__name__}:read_esc50", _LEAKS, source=_SOURCE, columns=_COLUMNS
    ),
    Dataset(
        "esc50-categories",
        "ESC-50 categories",
        5,
        FOLDS,
        2000,
        5.0,
        read=f"{__name__}:read_categories",
        known_leaks=_LEAKS,
        source=_SOURCE,
    ),
)
