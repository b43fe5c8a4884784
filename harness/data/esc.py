"""ESC-50, its subset ESC-10 and its five major categories, in the layout of the ESC-50 repository.

Source: K. J. Piczak, ESC: Dataset for Environmental Sound Classification, ACM MM 2015. Layout below the data root:
``ESC-50/meta/esc50.csv`` and ``ESC-50/audio/``; the folder name of GitHub's archive, ``ESC-50-master``, is taken too.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.data.clips import ClipEntry
from harness.data.inventory import Inventory, class_names
from harness.data.metadata import Row, read_rows
from harness.data.official import ESC50_CLASSES, ESC50_PER_CATEGORY, official_counts
from harness.errors import DataError
from harness.vocabulary import DATASETS

FOLDERS = ("ESC-50", "ESC-50-master")
COLUMNS = ("filename", "fold", "target", "category", "esc10", "src_file", "take")
METADATA = Path("meta", "esc50.csv")
# The targets of ESC-10 within ESC-50; their order gives the labels 0 to 9.
ESC10_TARGETS = (0, 1, 10, 11, 12, 20, 21, 38, 40, 41)
CATEGORIES = (
    "animals",
    "natural soundscapes & water",
    "human non-speech",
    "interior/domestic",
    "exterior/urban",
)


def esc_folder(root: Path) -> Path:
    """Return the folder of ESC-50 below ``root``.

    Raises
    ------
    DataError
        When neither folder name is there.
    """
    for name in FOLDERS:
        if (root / name).is_dir():
            return root / name
    raise DataError(
        f"{root}: has no folder {' or '.join(FOLDERS)}; run `harness data fetch esc50`, or name the folder that holds "
        "it with --data-root or HARNESS_DATA"
    )


def read_esc(root: Path, dataset: str) -> Inventory:
    """Return the inventory of ``esc10``, ``esc50`` or ``esc50-categories`` below ``root``.

    Labels: of ``esc50`` the target; of ``esc10`` the rank of the target among ESC-10's; of ``esc50-categories``
    target // 10. The recording of a clip is its ``src_file``.

    Raises
    ------
    DataError
        When the folder or the metadata file is missing or faulty.
    """
    folder = esc_folder(root)
    rows = read_rows(folder / METADATA, COLUMNS)
    names = class_names(rows, "target", "category", ESC50_CLASSES)
    targets: tuple[int, ...] = tuple(range(ESC50_CLASSES))
    if dataset == "esc10":
        rows, targets = tuple(row for row in rows if row.flag("esc10")), ESC10_TARGETS
        if not rows:
            raise DataError(f"{folder / METADATA}: no row has esc10 = True; put the original metadata file back")
        for row in rows:
            if row.integer("target", 0) not in ESC10_TARGETS:
                row.fail("target", f"a target of ESC-10 ({', '.join(map(str, ESC10_TARGETS))}), as esc10 is True")
    used = {row.integer("target", 0) for row in rows}
    classes: tuple[str, ...] = CATEGORIES
    if dataset == "esc50-categories":
        labels = {target: target // ESC50_PER_CATEGORY for target in targets}
    else:
        classes = tuple(names.get(target, f"target {target}") for target in targets)
        labels = {target: label for label, target in enumerate(targets)}
    return inventory_of(
        dataset,
        folder,
        rows,
        classes,
        labels,
        official_counts(dataset),
        absent=tuple(f"target {target}" for target in targets if target not in used),
    )


def inventory_of(
    dataset: str,
    folder: Path,
    rows: Sequence[Row],
    classes: tuple[str, ...],
    labels: dict[int, int],
    expected: NDArray[np.int64],
    absent: tuple[str, ...] = (),
) -> Inventory:
    """Return the inventory of ``rows`` of an ESC-50 layout in ``folder``; ``labels`` maps targets to labels."""
    folds = DATASETS[dataset].folds
    entries = []
    for row in rows:
        name = row.file_name("filename")
        entries.append(
            ClipEntry(
                clip_id=Path(name).stem,
                path=folder / "audio" / name,
                label=labels[row.integer("target", 0, max(labels))],
                fold=row.integer("fold", folds[0], folds[-1]),
                recording=row.identifier("src_file"),
                origin=row.origin,
            )
        )
    return Inventory(dataset, folder, folder / METADATA, classes, tuple(entries), folds, expected, absent)
