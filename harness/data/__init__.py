"""Data sets, their splits and what these leak: from a data root to a ClipTable and Splits."""

from harness.data.check import CheckReport, Finding, check_dataset
from harness.data.clips import ClipEntry, ClipTable, build_clip_table
from harness.data.download import SOURCES, Source, fetch
from harness.data.inventory import Inventory
from harness.data.leakage import LeakageReport, check_official, leakage_report
from harness.data.load import load_clips, read_inventory, require_whole
from harness.data.official import official_counts
from harness.data.root import resolve_data_root
from harness.data.splits import Part, Split, make_splits
from harness.data.synthetic import synthetic_folder, write_synthetic

__all__ = [
    "SOURCES",
    "CheckReport",
    "ClipEntry",
    "ClipTable",
    "Finding",
    "Inventory",
    "LeakageReport",
    "Part",
    "Source",
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
    "synthetic_folder",
    "write_synthetic",
]
