"""The terminal, and the style of every table on it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from harness.terminal.console import Screen, words


def console() -> Screen:
    """Return the terminal; a log file or pipe has no width of its own and gets enough for every table."""
    terminal = Screen()
    return terminal if terminal.is_terminal else Screen(width=120)


def table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    left: int = 1,
    *,
    wrap_first: bool = False,
) -> Table:
    """Return a table for the terminal.

    Only text may be broken over lines, since a number over two lines reads as two.

    Parameters
    ----------
    title
        Printed above the table.
    columns
        Headers of the columns.
    rows
        Cells of each row, one for each column.
    left
        How many columns from the left are text; the others are numbers, aligned right.
    wrap_first
        Whether the first column may be broken over lines: it often holds text that will be typed again.
    """
    made = Table(title=words(title), title_justify="left", title_style="bold", header_style="bold", box=SIMPLE_HEAD)
    for position, column in enumerate(columns):
        # Only text may wrap: a number broken over two lines reads as two numbers.
        wraps = position < left and (position > 0 or wrap_first)
        made.add_column(
            words(column),
            justify="left" if position < left else "right",
            overflow="fold",
            no_wrap=not wraps,
            min_width=14 if wraps and position else None,
        )
    for row in rows:
        made.add_row(*[words(cell) for cell in row])
    return made
