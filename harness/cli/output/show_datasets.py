"""Data sets and their checks on the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.output.screen_table import console, table
from harness.terminal.progress import duration

if TYPE_CHECKING:
    from harness.data.dataset_check import CheckReport
    from harness.registry import Dataset


def show_datasets(root: Path) -> None:
    """Print the data sets that the harness knows, and how much of each is below ``root``."""
    from harness.data.load_clips import read_inventory
    from harness.errors import DataError
    from harness.registry import DATASETS

    rows = []
    for dataset in DATASETS:
        try:
            inventory = read_inventory(dataset.name, root)
            present = inventory.present()
            complete = inventory.counts(present) == inventory.expected
            here, folds = len(present), sorted({entry.fold for entry in present})
            state = "generated" if dataset.prepare else "complete" if complete else "partial"
        except DataError:
            here, folds, state = 0, [], _how_to_get(dataset)
        official = f"{dataset.n_clips:,}" if dataset.n_clips else "as asked"
        which = ", ".join(map(str, folds)) or "-"
        rows.append((dataset.name, state, which, f"{here:,}", official, str(dataset.n_classes)))
    columns = ("data set", "state", "folds here", "clips here", "official", "classes")
    console().print(table(f"data root {root}", columns, rows, left=3))


def _how_to_get(dataset: Dataset) -> str:
    if dataset.prepare:
        return "made when a study needs it"
    return f"harness data fetch {dataset.name}" if dataset.source else "not here"


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
