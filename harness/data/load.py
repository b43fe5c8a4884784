"""From the data section of a study to its clips: find the data set, see that it is whole, read it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from harness.data.clips import ClipTable, build_clip_table
from harness.data.esc import read_esc
from harness.data.inventory import Inventory
from harness.data.synthetic import read_synthetic, write_synthetic
from harness.data.urbansound8k import read_urbansound8k
from harness.errors import DataError
from harness.study import DataSection, SyntheticSection
from harness.vocabulary import DATASETS

_MIN_FOLDS = 3


def load_clips(data: DataSection, root: Path, *, workers: int = 4) -> ClipTable:
    """Return the clips of a study below the data root, with every audio file hashed by ``workers`` threads.

    The synthetic data set is generated below ``root`` when it is not there. Without ``data.folds`` the data set must
    be the whole official one; with it, only these folds are read and a difference from the official number of clips
    becomes a note of the table.

    Raises
    ------
    DataError
        When the data set is missing, partial (and no folds are named), or its metadata or a file is faulty.
    """
    if data.dataset == "synthetic":
        write_synthetic(root, data.synthetic)
    inventory = read_inventory(data.dataset, root, data.synthetic)
    _require_classes(inventory)
    if data.folds is None:
        require_whole(inventory)
    return _table(inventory, data.used_folds, workers)


def read_inventory(dataset: str, root: Path, synthetic: SyntheticSection | None = None) -> Inventory:
    """Return what the metadata of ``dataset`` below ``root`` names, without looking at the audio.

    Raises
    ------
    DataError
        When the data set is unknown or not below ``root``, or its metadata is faulty.
    """
    root = root.resolve()
    if dataset not in DATASETS:
        raise DataError(f"unknown data set {dataset!r}; allowed: {', '.join(DATASETS)}")
    if dataset == "synthetic":
        return read_synthetic(root, synthetic or SyntheticSection())
    if dataset == "urbansound8k":
        return read_urbansound8k(root)
    return read_esc(root, dataset)


def require_whole(inventory: Inventory) -> None:
    """Check that every official clip is named and its file is there.

    Raises
    ------
    DataError
        With the folds that are whole, those that are not, and what to do.
    """
    _require_classes(inventory)
    counts, expected = inventory.counts(inventory.present()), inventory.expected
    if np.array_equal(counts, expected):
        return
    whole = [fold for row, fold in enumerate(inventory.folds) if np.array_equal(counts[row], expected[row])]
    faulty = [
        f"fold {fold} has {counts[row].sum()} of {expected[row].sum()}"
        for row, fold in enumerate(inventory.folds)
        if fold not in whole
    ]
    usable = [fold for row, fold in enumerate(inventory.folds) if counts[row].sum()]
    named = whole if len(whole) >= _MIN_FOLDS else usable
    command = f"`harness data fetch {inventory.dataset}`"
    remedy = (
        f"To use what is here, name its folds in the study (data.folds = {named}); for the whole set, run {command}"
        if len(named) >= _MIN_FOLDS
        else f"A study needs at least {_MIN_FOLDS} folds: run {command}"
    )
    raise DataError(
        f"{inventory.dataset} in {inventory.folder} is only partly here: {counts.sum()} of {expected.sum()} clips. "
        f"Whole folds: {', '.join(map(str, whole)) or 'none'}; not whole: {', '.join(faulty)}. {remedy}"
    )


def _require_classes(inventory: Inventory) -> None:
    if not inventory.absent:
        return
    here, promised = len(inventory.entries), DATASETS[inventory.dataset].n_clips
    subset = "; if this is the ESC-10 subset, use data.dataset = 'esc10'" if "esc50" in inventory.dataset else ""
    shown = ", ".join(inventory.absent[:5]) + (" ..." if len(inventory.absent) > 5 else "")
    raise DataError(
        f"{inventory.source}: {inventory.dataset} has {promised} clips, {here} are named here, so {promised - here} "
        f"are missing, and {len(inventory.absent)} original classes have no clip at all ({shown}); put the whole "
        f"data set here{subset}"
    )


def _table(inventory: Inventory, folds: tuple[int, ...], workers: int) -> ClipTable:
    chosen = [entry for entry in inventory.entries if entry.fold in folds]
    here = sorted({entry.fold for entry in inventory.entries})
    lacking = [fold for fold in folds if fold not in here]
    if lacking:
        raise DataError(
            f"{inventory.source}: has no clip of fold {', '.join(map(str, lacking))}, which data.folds names; folds "
            f"here: {', '.join(map(str, here))}"
        )
    present = {entry.path for entry in inventory.present()}
    missing = [entry for entry in chosen if entry.path not in present]
    if missing:
        raise DataError(
            f"{inventory.dataset}: {len(missing)} of {len(chosen)} audio files are missing, the first is "
            f"{missing[0].path} (named in {missing[0].origin}); put them back, or run `harness data check "
            f"{inventory.dataset}` for the whole list"
        )
    counts = inventory.counts(chosen)
    empty = [name for label, name in enumerate(inventory.classes) if not counts[:, label].sum()]
    if empty:
        raise DataError(
            f"{inventory.source}: no clip of class {empty[0]!r} in folds {', '.join(map(str, folds))}; put the whole "
            "data set here, or use other folds"
        )
    notes = tuple(
        f"fold {fold} has {counts[row].sum()} clips here and {inventory.expected[row].sum()} in the official release"
        for row, fold in enumerate(inventory.folds)
        if fold in folds and not np.array_equal(counts[row], inventory.expected[row])
    )
    return build_clip_table(inventory.dataset, chosen, inventory.classes, notes=notes, workers=workers)
