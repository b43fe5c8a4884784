"""Tables on the terminal, as wide as it is."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import ConsoleOptions, RenderableType
from rich.table import Table

from harness.terminal.console import Screen, lines, words
from harness.text.printable import one_line

_TEXT = 14
"""Least width of a column of text."""
_WORD = 16
"""Longest word that such a column keeps whole where there is little room."""

_HEADER = 7
"""How long the lines of a header are at least, where they are several."""


def console() -> Screen:
    """Return the terminal; a log file or pipe has no width of its own and gets enough for every table."""
    terminal = Screen()
    return terminal if terminal.is_terminal else Screen(width=120)


@dataclass(frozen=True)
class ScreenTable:
    """A table for the terminal, of which nothing is cut off.

    Only text may be broken over lines, since a number over two lines reads as two. Where there is too little room,
    headers take several lines and columns stand closer, and if that is not enough, each row is a list.

    Attributes
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

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: int = 1
    wrap_first: bool = False

    def __rich_console__(self, _: object, options: ConsoleOptions) -> Iterable[RenderableType]:
        """Yield the widest form that fits."""
        for tight in (False, True):
            # A separator and a space on each side of a cell; in the tight form the separator and one space.
            room = options.max_width - len(self.columns) * (2 if tight else 3) - 1
            if sum(self._least(tight)) <= room:
                yield self._table(tight, room)
                return
        yield from self._lists()

    def _wraps(self, position: int) -> bool:
        return position < self.left and (position > 0 or self.wrap_first)

    def _cells(self, position: int) -> list[str]:
        return [row[position] for row in self.rows]

    def _header(self, position: int, tight: bool) -> list[str]:
        """Return the lines of a header: one, or in the tight form as short as the cells or its longest word."""
        header = self.columns[position]
        if not tight or not header:
            return [header]
        room = max(_HEADER, _longest(header.split()))
        if not self._wraps(position):
            room = max(room, _longest(self._cells(position)))
        return textwrap.wrap(header, room, break_long_words=False, break_on_hyphens=False)

    def _least(self, tight: bool) -> list[int]:
        """Return the least width of each column."""
        found = []
        for position in range(len(self.columns)):
            texts = [*self._header(position, tight), *self._cells(position)]
            if not self._wraps(position):
                found.append(_longest(texts))
            elif tight or position == 0:
                found.append(min(_WORD, _longest(word for text in texts for word in text.split())))
            else:
                found.append(min(_TEXT, _longest(texts)))
        return found

    def _widths(self, tight: bool, room: int) -> list[int]:
        """Return the width of each column: texts share what is left of ``room``, those that need little first."""
        found = self._least(tight)
        spare = room - sum(found)
        missing = [
            max(0, _longest([*self._header(position, tight), *self._cells(position)]) - own)
            for position, own in enumerate(found)
        ]
        order = sorted(range(len(found)), key=missing.__getitem__)
        for number, position in enumerate(order):
            given = min(missing[position], spare // (len(order) - number))
            found[position] += given
            spare -= given
        return found

    def _table(self, tight: bool, room: int) -> Table:
        made = Table(
            title=words(self.title),
            title_justify="left",
            title_style="bold",
            header_style="bold",
            box=SIMPLE_HEAD,
            padding=(0, 1, 0, 0) if tight else (0, 1),
        )
        for position, width in enumerate(self._widths(tight, room)):
            made.add_column(
                lines(self._header(position, tight)),
                justify="left" if position < self.left else "right",
                overflow="fold",
                no_wrap=not self._wraps(position),
                width=width,
            )
        for row in self.rows:
            made.add_row(*map(words, row))
        return made

    def _lists(self) -> Iterable[RenderableType]:
        if self.title:
            yield words(self.title, "bold")
        for row in self.rows:
            yield words("")
            for column, cell in zip(self.columns, row, strict=True):
                yield words(f"{column}: {cell}" if column else cell)
        yield words("")


def _longest(texts: Iterable[str]) -> int:
    return max(map(cell_len, texts), default=0)


def table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    left: int = 1,
    *,
    wrap_first: bool = False,
) -> ScreenTable:
    """Return a table for the terminal.

    Parameters
    ----------
    title, columns, left, wrap_first
        As in :class:`ScreenTable`.
    rows
        Cells of each row, one for each column, as they are printed on one line.
    """
    cells = tuple(tuple(one_line(cell) for cell in row) for row in rows)
    return ScreenTable(title, tuple(map(one_line, columns)), cells, left, wrap_first)
