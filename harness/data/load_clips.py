"""Loading the clips of a study: find the data set, check that it is complete, read it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.data.clips import ClipTable, build_clip_table
from harness.data.inventory import Counts, Inventory
from harness.errors import DataError
from harness.registry import DATASETS, code, options_of
from harness.section import Section

if TYPE_CHECKING:
    from harness.study import DataSection

_MIN_FOLDS = 3
"""Folds of which a data set that is present in part is worth naming: one to test, one to validate, one to train."""


def load_clips(data: DataSection, root: Path, *, folder: Path = Path()) -> ClipTable:
    """Return the clips of a study below the data root, with every audio file hashed.

    A generated data set, such as the synthetic one, is generated below ``root`` when it is missing. Without
    ``data.folds`` the data set must be complete; with it, only these folds are read and a difference from
    the official number of clips becomes a note of the table.

    Parameters
    ----------
    data : DataSection
        The study's data.
    root : Path
        The data root.
    folder : Path
        Folder of the study file, to which the files of a user's own data are relative.
    workers : int
        Number of threads that hash.

    Raises
    ------
    DataError
        When the data set is missing, partial (and no folds are named), or its metadata or a file is faulty.
    """
    dataset = DATASETS.get(data.dataset)
    if dataset.prepare:
        code(dataset.prepare)(root, data.options)
    inventory = read_inventory(data.dataset, root, data.options, folder)
    _require_classes(inventory)
    if data.folds is None and not inventory.dataset.own:
        require_whole(inventory)
    return _table(inventory, data.used_folds)


def read_inventory(dataset: str, root: Path, options: Section | None = None, folder: Path = Path()) -> Inventory:
    """Return what the metadata of ``dataset`` below ``root`` names, without reading the audio.

    ``options`` are the data set's own; by default their defaults. ``folder`` is that of the study file.

    Raises
    ------
    UnknownNameError
        When there is no such data set.
    DataError
        When it is not below ``root``, or its metadata is faulty.
    """
    known = DATASETS.get(dataset)
    own = (folder.resolve(),) if known.own else ()
    found: Inventory = code(known.read)(known, root.resolve(), options or options_of(known)(), *own)
    return found


def require_whole(inventory: Inventory) -> None:
    """Check that every official clip is named and its file exists.

    Raises
    ------
    DataError
        With the complete and the incomplete folds, and what to do.
    """
    _require_classes(inventory)
    dataset, counts, expected = inventory.dataset, inventory.counts(inventory.present()), inventory.expected
    if counts == expected:
        return
    by_fold = list(zip(dataset.folds, counts, expected, strict=True))
    complete = [fold for fold, here, official in by_fold if here == official]
    faulty = [
        f"{dataset.fold_name(fold)} has {sum(here)} of {sum(official)}"
        for fold, here, official in by_fold
        if here != official
    ]
    named = complete if len(complete) >= _MIN_FOLDS else [fold for fold, here, _ in by_fold if sum(here)]
    rest = f"run `harness data fetch {dataset.name}`" if dataset.source else "add the missing clips"
    if dataset.holdout:
        remedy = f"A study needs all parts, so none can be left out: {rest}"
    elif len(named) >= _MIN_FOLDS:
        remedy = (
            f"To use what is present, set its folds in the study (data.folds = {named}); for the complete set, {rest}"
        )
    else:
        remedy = f"A study needs at least {_MIN_FOLDS} folds: {rest}"
    kind = "parts" if dataset.holdout else "folds"
    intact = ", ".join(dataset.fold_name(fold).removeprefix("fold ") for fold in complete) or "none"
    raise DataError(
        f"{dataset.name} in {inventory.folder} is incomplete: {_total(counts)} of {_total(expected)} clips. "
        f"Complete {kind}: {intact}; incomplete: {', '.join(faulty)}. {remedy}"
    )


def _total(counts: Counts) -> int:
    return sum(map(sum, counts))


def _require_classes(inventory: Inventory) -> None:
    if not inventory.absent:
        return
    dataset, here, promised = inventory.dataset, len(inventory.entries), _total(inventory.expected)
    parts = [one for one in DATASETS if one.part_of and one.source == dataset.source and one != dataset]
    subset = "".join(f"; if this is the {one.title} subset, use data.dataset = {one.name!r}" for one in parts)
    shown = ", ".join(inventory.absent[:5]) + (" ..." if len(inventory.absent) > 5 else "")
    raise DataError(
        f"{inventory.source}: {dataset.name} has {promised} clips, but only {here} are listed, so {promised - here} "
        f"are missing, and {len(inventory.absent)} original classes have no clips ({shown}); install the complete data "
        f"set{subset}"
    )


def _table(inventory: Inventory, folds: tuple[int, ...]) -> ClipTable:
    dataset = inventory.dataset
    rows = [row for row, entry in enumerate(inventory.entries) if entry.fold in folds]
    chosen = [inventory.entries[row] for row in rows]
    named = sorted({entry.fold for entry in inventory.entries})
    lacking = [fold for fold in folds if fold not in named]
    if lacking:
        raise DataError(
            f"{inventory.source}: has no clips of fold {', '.join(map(str, lacking))}, which data.folds selects; "
            f"available folds: {', '.join(map(str, named))}"
        )
    present = {entry.path for entry in inventory.present()}
    missing = [entry for entry in chosen if entry.path not in present]
    if missing:
        raise DataError(
            f"{dataset.name}: {len(missing)} of {len(chosen)} audio files are missing, the first is "
            f"{missing[0].path} (named in {missing[0].origin}); put them back, or run `harness data check "
            f"{inventory.source if dataset.own else dataset.name}` for the full list"
        )
    used = {entry.label for entry in chosen}
    empty = [name for label, name in enumerate(inventory.classes) if label not in used]
    if empty:
        raise DataError(
            f"{inventory.source}: no clips of class {empty[0]!r} in folds {', '.join(map(str, folds))}; install the "
            "complete data set, or use other folds"
        )
    notes = tuple(
        f"fold {fold} has {sum(here)} clips, the official release has {sum(official)}"
        for fold, here, official in zip(dataset.folds, inventory.counts(chosen), inventory.expected, strict=True)
        if fold in folds and here != official
    )
    return build_clip_table(dataset.name, chosen, inventory.classes, notes=notes, own=dataset.own, rows=rows)
