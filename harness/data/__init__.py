"""Data sets, their splits and what these leak: from a data root to a ClipTable and Splits.

Importing this folder loads neither numpy nor pandas: names are imported where they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from harness.data.check import CheckReport, Finding, check_dataset
    from harness.data.clips import ClipTable, build_clip_table
    from harness.data.download import fetch
    from harness.data.inventory import ClipEntry, Inventory, official_counts
    from harness.data.leakage import LeakageReport, check_official, leakage_report
    from harness.data.load import load_clips, read_inventory, require_whole
    from harness.data.root import resolve_data_root
    from harness.data.splits import Part, Split, make_splits

__all__ = [
    "CheckReport",
    "ClipEntry",
    "ClipTable",
    "Finding",
    "Inventory",
    "LeakageReport",
    "Part",
    "Split",
    "build_clip_table",
    "check_dataset",
    "check_official",
    "fetch",
    "leakage_report",
    "load_clips",
    "make_splits",
    "official_counts",
    "read_inventory",
    "require_whole",
    "resolve_data_root",
]

__getattr__, __dir__, _ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "check": ["CheckReport", "Finding", "check_dataset"],
        "clips": ["ClipTable", "build_clip_table"],
        "download": ["fetch"],
        "inventory": ["ClipEntry", "Inventory", "official_counts"],
        "leakage": ["LeakageReport", "check_official", "leakage_report"],
        "load": ["load_clips", "read_inventory", "require_whole"],
        "root": ["resolve_data_root"],
        "splits": ["Part", "Split", "make_splits"],
    },
)
