"""What the description of a data set promises is what its whole metadata says."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.data.clips import ClipTable
from harness.data.inventory import Inventory, official_counts
from harness.data.leakage import leakage_report
from harness.data.load_clips import read_inventory
from harness.data.splits import make_splits

NAMES = ("esc10", "esc50", "esc50-categories", "urbansound8k")


@pytest.fixture(params=NAMES)
def inventory(request: pytest.FixtureRequest, tmp_path: Path) -> Inventory:
    """Return the inventory of each data set's whole release; of UrbanSound8K there is no audio."""
    if request.param != "urbansound8k":
        return read_inventory(request.param, request.getfixturevalue("esc50_root"))
    metadata = tmp_path / "UrbanSound8K" / "metadata" / "UrbanSound8K.csv"
    metadata.parent.mkdir(parents=True)
    shutil.copyfile(request.getfixturevalue("urbansound_metadata"), metadata)
    return read_inventory(request.param, tmp_path)


def _table(inventory: Inventory, make_table: Callable[..., ClipTable]) -> ClipTable:
    labels, folds, recordings = zip(
        *((entry.label, entry.fold, entry.recording) for entry in inventory.entries), strict=True
    )
    return make_table(list(labels), list(folds), list(recordings), inventory.dataset.name)


def test_the_recordings_that_cross_folds_are_the_known_ones(inventory: Inventory) -> None:
    folds: dict[str, set[int]] = {}
    for entry in inventory.entries:
        folds.setdefault(entry.recording, set()).add(entry.fold)
    crossing = {recording for recording, where in folds.items() if len(where) > 1}
    assert crossing == set(inventory.dataset.known_leaks)


def test_clips_classes_and_folds_are_those_promised(inventory: Inventory) -> None:
    info = inventory.dataset
    assert len(inventory.entries) == info.n_clips
    assert len(inventory.classes) == info.n_classes
    counts = inventory.counts(inventory.entries)
    assert counts == official_counts(info)
    by_class = dict(zip(inventory.classes, map(sum, zip(*counts, strict=True)), strict=True))
    assert {name: info.clips_of(name) for name in inventory.classes} == by_class


# Clips of the test parts, all folds together, that share a recording with what final trainings learn from.
SHARED = {
    "esc10": {"train": 0, "train+validation": 0},
    "esc50": {"train": 5, "train+validation": 9},
    "esc50-categories": {"train": 5, "train+validation": 9},
    "urbansound8k": {"train": 152, "train+validation": 152},
}


def test_every_official_split_is_accepted_and_its_leaks_are_counted(
    inventory: Inventory, make_table: Callable[..., ClipTable]
) -> None:
    table = _table(inventory, make_table)
    splits = make_splits(table, "official", table.folds, 0)
    assert len(splits) == len(inventory.dataset.folds)
    found = {
        learned: sum(leakage_report(table, split, learned).n_test_sharing_recording for split in splits)
        for learned in ("train", "train+validation")
    }
    assert found == SHARED[inventory.dataset.name]
