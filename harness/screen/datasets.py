"""Data sets and their checks on the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.progress import duration
from harness.screen.table import console, table

if TYPE_CHECKING:
    from harness.data import CheckReport


def show_datasets(root: Path) -> None:
    """Print the data sets the harness knows, and how much of each lies below ``root``."""
    from harness.data import read_inventory
    from harness.errors import DataError
    from harness.vocabulary import DATASETS

    rows = []
    for info in DATASETS.values():
        official = f"{info.n_clips:,}" if info.n_clips else "as asked"
        try:
            inventory = read_inventory(info.name, root)
            present = inventory.present()
            folds = sorted({entry.fold for entry in present})
            here, which = f"{len(present):,}", ", ".join(map(str, folds)) or "-"
            note = "whole" if len(present) == info.n_clips else "generated" if not info.n_clips else "partial"
        except DataError:
            here, which = "0", "-"
            note = "made when a study needs it" if not info.n_clips else f"harness data fetch {info.name}"
        rows.append((info.name, note, which, here, official, str(info.n_classes)))
    columns = ("data set", "state", "folds here", "clips here", "official", "classes")
    console().print(table(f"data root {root}", columns, rows, left=3))


def show_check(report: CheckReport) -> None:
    """Print a data check: clips per fold and class where they differ from the official numbers, then the findings."""
    terminal = console()
    if not report.counts.empty:
        differ = (report.counts != report.expected).sum(axis=1)
        rows = list(
            zip(report.counts.index, report.counts.sum(axis=1), report.expected.sum(axis=1), differ, strict=True)
        )
        columns = ("fold", "clips", "official", "classes that differ")
        terminal.print(table(f"{report.dataset} in {report.folder}", columns, rows))
    for finding in report.findings:
        terminal.print(str(finding), soft_wrap=True)
    warnings = len(report.findings) - len(report.errors)
    terminal.print(
        f"{report.dataset}: {report.checked:,} files decoded, {duration(report.seconds)} of audio, "
        f"{len(report.errors)} errors, {warnings} warnings",
    )
