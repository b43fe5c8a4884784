"""What a data set's inventory shows before a file is decoded: clips that lack, recordings that cross folds, doubles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from harness.data.examine import Examined
from harness.data.findings import Finding, Kind, Severity, restore
from harness.data.inventory import ClipEntry, Inventory
from harness.registry import Dataset

_SHOWN = 3


def other_layout(inventory: Inventory) -> Iterator[Finding]:
    """Yield a finding when the files are not arranged as the authors did."""
    if inventory.layout:
        what = f"the data set is in another layout: {inventory.layout}"
        yield Finding(Severity.WARNING, Kind.LAYOUT, inventory.folder, what, "it is read as it is")


def crossing_recordings(inventory: Inventory, entries: Sequence[ClipEntry]) -> Iterator[Finding]:
    """Yield a finding when recordings cross folds that are not known to, or when recordings are not known."""
    dataset = inventory.dataset
    if dataset.own and not dataset.recordings:
        what, remedy = "has no column of recordings", "clips of one recording in two folds cannot be counted; add it"
        yield Finding(Severity.WARNING, Kind.LEAK, inventory.source, what, remedy)
    folds: dict[str, set[int]] = defaultdict(set)
    for entry in entries:
        folds[entry.recording].add(entry.fold)
    crossing = [name for name, found in folds.items() if len(found) > 1 and name not in dataset.known_leaks]
    if crossing:
        shown = "; ".join(f"{name} in {_named(dataset, folds[name])}" for name in crossing[:_SHOWN])
        what = f"{len(crossing)} recordings have clips in more than one {_part(dataset)} ({shown}{_more(crossing)})"
        remedy = "put each recording into one, or results are too good" if dataset.own else restore(dataset)
        severity = Severity.WARNING if dataset.own else Severity.ERROR
        yield Finding(severity, Kind.LEAK, inventory.source, what, remedy)


def doubles(inventory: Inventory, entries: Sequence[ClipEntry], examined: Sequence[Examined]) -> Iterator[Finding]:
    """Yield a finding for each group of files with the same bytes."""
    groups: dict[str, list[ClipEntry]] = defaultdict(list)
    for entry, one in zip(entries, examined, strict=True):
        if one.digest:
            groups[one.digest].append(entry)
    for first, *others in groups.values():
        if not others:
            continue
        what = f"has the bytes of {', '.join(str(entry.path) for entry in others[:_SHOWN])}{_more(others)}"
        folds, labels = ({getattr(entry, field) for entry in (first, *others)} for field in ("fold", "label"))
        if len(folds) > 1:
            what += f", in {_named(inventory.dataset, folds)}"
        if len(labels) > 1:
            what += f", with the labels {', '.join(sorted(inventory.classes[label] for label in labels))}"
        yield Finding(Severity.WARNING, Kind.DOUBLE, first.path, what, "keep one of them")


def differing_counts(
    inventory: Inventory, folds: Sequence[int], counts: pd.DataFrame, expected: pd.DataFrame
) -> list[Finding]:
    """Return one finding for each fold whose clips differ from the official numbers, and for classes without clips.

    Parameters
    ----------
    inventory : Inventory
        What the metadata names.
    folds : sequence of int
        The folds to compare.
    counts, expected : DataFrame
        Clips that exist, and clips of the official release; a row per fold, a column per class.
    """
    findings = []
    if inventory.dataset.own:
        return _empty_classes(inventory, folds)
    for fold in folds:
        here, promised = counts.loc[fold].to_numpy(), expected.loc[fold].to_numpy()
        if np.array_equal(here, promised):
            continue
        wrong = [
            f"{label} {int(one)} of {int(other)}"
            for label, one, other in zip(inventory.classes, here, promised, strict=True)
            if one != other
        ]
        name = inventory.dataset.fold_name(fold)
        what = f"{name} has {int(here.sum())} clips, the official release has {int(promised.sum())}"
        if here.sum():
            what += f" ({', '.join(wrong[:5])}{' ...' if len(wrong) > 5 else ''})"
        remedy = "get the complete data set"
        if not inventory.dataset.holdout:
            remedy = "select the folds that are present (data.folds in a study), or fetch the complete data set"
        findings.append(Finding(Severity.ERROR, Kind.COUNT, inventory.source, what, remedy))
    if inventory.absent:
        what = f"{len(inventory.absent)} original classes have no clips ({', '.join(inventory.absent[:5])} ...)"
        findings.append(Finding(Severity.ERROR, Kind.COUNT, inventory.source, what, "fetch the complete data set"))
    return findings


def _empty_classes(inventory: Inventory, folds: Sequence[int]) -> list[Finding]:
    """Return one finding for each fold that lacks classes which the user's own data have."""
    findings = []
    for fold, row in zip(inventory.dataset.folds, inventory.counts(), strict=True):
        empty = [name for name, clips in zip(inventory.classes, row, strict=True) if not clips]
        if fold in folds and empty:
            shown = f"{', '.join(empty[:_SHOWN])}{_more(empty)}"
            what = f"{inventory.dataset.fold_name(fold)} has no clip of {len(empty)} classes ({shown})"
            remedy = "where it is tested, macro accuracy leaves these classes out"
            findings.append(Finding(Severity.WARNING, Kind.COUNT, inventory.source, what, remedy))
    return findings


def unlisted(inventory: Inventory) -> list[Finding]:
    """Return one finding for each audio folder with files of the clips' type that no row names."""
    if inventory.dataset.part_of:
        return []  # its folder holds the other clips of the larger data set too
    named: dict[Path, set[str]] = {}
    for entry in inventory.entries:
        named.setdefault(entry.path.parent, set()).add(entry.path.name)
    findings = []
    for folder, names in sorted(named.items()):
        suffixes = {Path(name).suffix for name in names}
        files = {file.name for file in folder.iterdir()} if folder.is_dir() else set()
        extra = sorted(name for name in files - names if Path(name).suffix in suffixes and not name.startswith("."))
        if extra:
            what = f"{len(extra)} audio files are not listed in the metadata, the first is {extra[0]}"
            findings.append(Finding(Severity.WARNING, Kind.UNLISTED, folder, what, "they are ignored"))
    return findings


def _named(dataset: Dataset, folds: Collection[int]) -> str:
    return ", ".join(dataset.fold_name(fold) for fold in sorted(folds))


def _part(dataset: Dataset) -> str:
    return "part" if dataset.holdout else "fold"


def _more(items: Sequence[object]) -> str:
    return ", ..." if len(items) > _SHOWN else ""
