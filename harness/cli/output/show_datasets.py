"""Data sets and their checks on the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.output.screen_table import console, table
from harness.terminal.progress import duration

if TYPE_CHECKING:
    from harness.data.dataset_check import CheckReport
    from harness.registry import Dataset


_SHOWN_CLASSES = 40


def show_datasets(root: Path) -> None:
    """Print the data sets that the harness knows, and how much of each is below ``root``."""
    from harness.data.load_clips import read_inventory
    from harness.errors import DataError
    from harness.registry import DATASETS

    rows = []
    for dataset in DATASETS:
        if dataset.own:
            rows.append((dataset.name, "your own: harness data check FILE.csv", "-", "-", "-", "-"))
            continue
        try:
            inventory = read_inventory(dataset.name, root)
            present = inventory.present()
            complete = inventory.counts(present) == inventory.expected
            here, folds = len(present), sorted({entry.fold for entry in present})
            state = "generated" if dataset.prepare else "complete" if complete else "partial"
        except DataError:
            here, folds, state = 0, [], _how_to_get(dataset)
        official = f"{dataset.n_clips:,}" if dataset.n_clips else "as configured"
        which = ", ".join(_folds(dataset, folds)) or "-"
        rows.append((dataset.name, state, which, f"{here:,}", official, str(dataset.n_classes)))
    columns = ("data set", "state", "folds present", "clips present", "official", "classes")
    console().print(table(f"data root {root}", columns, rows, left=3))


def _folds(dataset: Dataset, folds: Iterable[int]) -> list[str]:
    return [dataset.fold_name(fold).removeprefix("fold ") for fold in folds]


def _how_to_get(dataset: Dataset) -> str:
    if dataset.prepare:
        return "generated on demand"
    return f"harness data fetch {dataset.name}" if dataset.source else "missing"


def show_check(report: CheckReport) -> None:
    """Print a data check: clips per fold, of the user's own data also per class, then the findings."""
    terminal = console()
    title, dataset = f"{report.dataset} in {report.folder}", report.description
    if dataset.own and not report.counts.empty:
        terminal.print(table(title, *_own_counts(report)))
    elif not report.counts.empty:
        differ = (report.counts != report.expected).sum(axis=1)
        rows = list(
            zip(
                _folds(dataset, report.counts.index),
                report.counts.sum(axis=1),
                report.expected.sum(axis=1),
                differ,
                strict=True,
            )
        )
        columns = ("fold", "clips", "official", "classes that differ")
        terminal.print(table(title, columns, rows))
    for finding in report.findings:
        terminal.print(str(finding), soft_wrap=True)
    warnings = len(report.findings) - len(report.errors)
    terminal.print(
        f"{report.dataset}: {report.checked:,} files decoded, {duration(report.seconds)} of audio, "
        f"{len(report.errors)} errors, {warnings} warnings",
    )


def _own_counts(report: CheckReport) -> tuple[list[str], list[list[object]]]:
    """Return columns and rows of a table of clips by class and fold."""
    counts = report.counts
    columns = ["class", *map(report.description.fold_name, counts.index), "all"]
    rows: list[list[object]] = [
        [name, *map(str, counts[name]), str(counts[name].sum())] for name in counts.columns[:_SHOWN_CLASSES]
    ]
    if (more := len(counts.columns) - _SHOWN_CLASSES) > 0:
        rows.append([f"{more} more", *map(str, counts.iloc[:, _SHOWN_CLASSES:].sum(axis=1)), ""])
    rows.append(["all", *map(str, counts.sum(axis=1)), str(counts.to_numpy().sum())])
    return columns, rows
