"""Output of the check of a report against its own predictions, on the terminal and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.cli.output.screen_table import console, table

if TYPE_CHECKING:
    from harness.report.folder.check import ReportCheck

_MOST_SHOWN = 10
_RECORDED = (
    "taken from the record, not checked: study file, environment and command; run id, status and time; searches and "
    "chosen values; training accuracies and learning curves, leakage counts, failed trainings and devices; of "
    "report.html also its drawings, audio, style and script"
)
_CONSISTENT = (
    "predictions that were changed consistently with all numbers are not detected here; harness replay trains them "
    "again"
)


def show_check(found: ReportCheck, *, trained: bool = False) -> None:
    """Print the first mismatches, what was compared and what was not, and the verdict.

    ``trained`` says that the predictions themselves are compared too.
    """
    terminal = console()
    if found.mismatches:
        shown = found.mismatches[:_MOST_SHOWN]
        rows = [(each.file, each.place, each.published, each.computed) for each in shown]
        columns = ("file", "place", "published", "from the predictions")
        terminal.print(table(f"mismatches in {found.folder}", columns, rows, left=4))
        if len(found.mismatches) > len(shown):
            terminal.print(f"and {len(found.mismatches) - len(shown):,} more")
    terminal.print(f"compared with the predictions: {covered(found)}")
    terminal.print(_RECORDED)
    if found.uncovered:
        terminal.print(f"not covered: {_uncovered(found)}")
    if not trained:
        terminal.print(_CONSISTENT)
    if found.note:
        terminal.print(found.note)
    if not (trained and found.equal):
        terminal.print(verdict(found))


def verdict(found: ReportCheck) -> str:
    """Return the verdict in one sentence."""
    if found.equal:
        return "EQUAL: the report matches its predictions"
    first = found.mismatches[0]
    files = len({each.file for each in found.mismatches})
    return (
        f"NOT EQUAL: {len(found.mismatches):,} values or lines in {files} files do not match the predictions; first: "
        f"{first.file}, {first.place}: published {first.published}, computed {first.computed}"
    )


def covered(found: ReportCheck) -> str:
    """Return what was compared, in words."""
    tables = sum(name.startswith("tables/") for name in found.files)
    pages = [name for name in found.files if not name.startswith("tables/")][1:]
    parts = [f"{found.numbers:,} values of {found.files[0]}", f"{tables} table files", *pages]
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def _uncovered(found: ReportCheck) -> str:
    pictures = [name for name in found.uncovered if name.startswith("figures/")]
    others = [name for name in found.uncovered if name not in pictures]
    named = others[:_MOST_SHOWN] + ([f"{len(others) - _MOST_SHOWN} more"] if len(others) > _MOST_SHOWN else [])
    return ", ".join([*named, *([f"{len(pictures)} figures"] if pictures else [])])


def check_json(found: ReportCheck) -> Mapping[str, Any]:
    """Return the check as JSON data."""
    return {
        "equal": found.equal,
        "values": found.numbers,
        "files": list(found.files),
        "not_covered": list(found.uncovered),
        "mismatches": [vars(each) for each in found.mismatches],
        "note": found.note,
    }
