"""UrbanSound8K in its own layout: ``UrbanSound8K/metadata/UrbanSound8K.csv`` and ``UrbanSound8K/audio/foldN/``.

Source: J. Salamon, C. Jacoby, J. P. Bello, A Dataset and Taxonomy for Urban Sound Research, ACM MM 2014.
"""

from __future__ import annotations

from pathlib import Path

from harness.data.clips import ClipEntry
from harness.data.inventory import Inventory, class_names
from harness.data.metadata import Row, read_rows
from harness.data.official import official_counts
from harness.errors import DataError
from harness.vocabulary import DATASETS

FOLDER = "UrbanSound8K"
COLUMNS = ("slice_file_name", "fsID", "start", "end", "fold", "classID", "class")
METADATA = Path("metadata", "UrbanSound8K.csv")


def read_urbansound8k(root: Path) -> Inventory:
    """Return the inventory of UrbanSound8K below ``root``.

    The recording of a clip is its freesound id, ``fsID``; the promised length is ``end - start``.

    Raises
    ------
    DataError
        When the folder or the metadata file is missing or faulty.
    """
    info = DATASETS["urbansound8k"]
    folder = root / FOLDER
    if not folder.is_dir():
        raise DataError(
            f"{root}: has no folder {FOLDER}; run `harness data fetch urbansound8k`, or name the folder that holds it "
            "with --data-root or HARNESS_DATA"
        )
    rows = read_rows(folder / METADATA, COLUMNS)
    names = class_names(rows, "classID", "class", info.n_classes)
    classes = tuple(names.get(label, f"classID {label}") for label in range(info.n_classes))
    absent = tuple(f"classID {label}" for label in range(info.n_classes) if label not in names)
    entries = tuple(_entry(row, folder, info.folds[-1], info.n_classes) for row in rows)
    return Inventory(
        info.name, folder, folder / METADATA, classes, entries, info.folds, official_counts(info.name), absent
    )


def _entry(row: Row, folder: Path, last_fold: int, n_classes: int) -> ClipEntry:
    name = row.file_name("slice_file_name")
    fold = row.integer("fold", 1, last_fold)
    start, end = row.seconds("start"), row.seconds("end")
    if end < start:
        row.fail("end", f"at least the start, {start}")
    return ClipEntry(
        clip_id=Path(name).stem,
        path=folder / "audio" / f"fold{fold}" / name,
        label=row.integer("classID", 0, n_classes - 1),
        fold=fold,
        # Written as a plain number, so that it compares with the recordings known to cross folds.
        recording=str(row.integer("fsID", 0)),
        origin=row.origin,
        promised=end - start,
    )
