r"""One table as LaTeX: booktabs rules, fitted to the line, ready for \input.

Widths are in mm, compared with a line of 160 mm (A4 with 25 mm margins); they are estimated from the number of letters,
which pandas' Styler, which writes the rows, does not take into account.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from harness.report.report_section import Table
from harness.report.typeset.latex import breakable, escape, printed_length
from harness.text.spreadsheet import csv_text

PACKAGES = ("textcomp", "booktabs", "array", "longtable", "graphicx")
"""Packages that a document needs to input a table, besides T1 fonts (fontenc) and UTF-8 input (inputenc)."""

LINE_WIDTH = 160.0
LONGEST_FLOAT = 46
"""The most lines of a floating table; a longer one breaks over pages."""

# The widths are estimates: tables that turn out wider than the line are scaled down, all others are unchanged.
_SHRUNK = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%" + "\n"
_UPRIGHT_MIN = 5
_HEADER_LETTER = 1.1
# A header is rotated if it is longer than its numbers by more than this.
_WIDER = 1.25
_UPRIGHT_LINE = 26
_POINT = 0.3515


def table_files(table: Table, label: str, marks: Sequence[str] = ()) -> dict[str, bytes]:
    """Return the files of ``table``, LaTeX and CSV, by path in the report's folder; see :func:`table_tex`."""
    return {
        f"tables/{table.name}.tex": table_tex(table, label, marks).encode(),
        f"tables/{table.name}.csv": csv_text(table.data).encode(),
    }


def table_tex(table: Table, label: str, marks: Sequence[str] = ()) -> str:
    r"""Return ``table`` as self-contained LaTeX for \input: caption, label and booktabs rules included.

    ``marks`` are sentences for the end of the caption.
    """
    fit = _fitted(table)
    frame = table.printed.astype(object)
    for column in range(frame.shape[1]):
        as_tex = breakable if column < table.text_columns else escape
        frame.isetitem(column, [as_tex(cell) for cell in frame.iloc[:, column]])
    firsts = [rf"\midrule {cell}" if row in table.rules else cell for row, cell in enumerate(frame.iloc[:, 0])]
    frame.isetitem(0, firsts)
    frame.columns = _headers(table, fit)
    long = fit.lines(table) > LONGEST_FLOAT
    caption, title = escape(" ".join([table.caption, *marks])), escape(table.title)
    body = frame.style.hide(axis="index").to_latex(
        hrules=True,
        column_format=_column_format(table, fit),
        multicol_align="c",
        environment="longtable" if long else None,
        caption=(caption, title) if long else None,
        label=label if long else None,
    )
    size = rf"\{fit.size}\setlength{{\tabcolsep}}{{{fit.gap}pt}}"
    head = (
        "% Generated: edits are lost when the report is written again.\n"
        f"% Needs \\usepackage{{{','.join(PACKAGES)}}}, T1 fonts and UTF-8 input.\n"
    )
    if long:
        body = body.replace(rf"\caption[]{{{caption}}} \\", rf"\caption[]{{{title} (continued).}} \\")
        body = body.replace("Continued on next page} \\\\\n\\midrule", "Continued on next page} \\\\")
        return f"{head}{{{size}\\setlength{{\\LTcapwidth}}{{\\linewidth}}\n{body}}}\n"
    return (
        f"{head}\\begin{{table}}\n\\centering\n\\caption[{title}]{{{caption}}}\n\\label{{{label}}}\n"
        f"{size}\n{_SHRUNK}{body.rstrip()}}}\n\\end{{table}}\n"
    )


@dataclass(frozen=True)
class _Fit:
    """One way to typeset a table.

    ``letter`` is the width of a letter in mm, ``gap`` half the space between columns in pt, ``widest`` the width in mm
    at which a column of words wraps, ``upright`` whether long headers over numbers are rotated.
    """

    size: str
    letter: float
    gap: float
    widest: float
    upright: bool

    def natural(self, table: Table, column: int) -> float:
        """Return the natural width of a column."""
        lowest = printed_length(_lowest_header(table, column))
        if self.turns(table, column):
            lowest = 1 if lowest <= _UPRIGHT_LINE else 3
        # Headers contain capitals and wide lower-case letters, cells mostly digits.
        return self.letter * max(_HEADER_LETTER * lowest, _widest_cell(table, column), 1)

    def turns(self, table: Table, column: int) -> bool:
        """Return whether a column's header is rotated: a long one over narrower numbers.

        If most headers over numbers are rotated, so is every one that is longer than its numbers.
        """
        if not self.upright or column < table.text_columns:
            return False
        numbers = range(table.text_columns, table.printed.shape[1])
        most = 2 * sum(_longer(table, other, _WIDER) for other in numbers) > len(numbers)
        return _longer(table, column, 1.0 if most else _WIDER)

    def widths(self, table: Table) -> list[float]:
        """Return every column's width, with words wrapped where necessary."""
        return [
            min(self.natural(table, column), self.widest if column < table.text_columns else LINE_WIDTH)
            for column in range(table.printed.shape[1])
        ]

    def lines(self, table: Table) -> int:
        """Return the lines of all rows, of which words may wrap into several."""
        wrapped = [
            table.printed.iloc[:, column].map(
                lambda cell, width=width: math.ceil(self.letter * printed_length(cell) / width)
            )
            for column, width in enumerate(self.widths(table)[: table.text_columns])
        ]
        return sum(max(1, *row) for row in zip(*wrapped, strict=True))

    def total(self, table: Table) -> float:
        """Return the width of the complete table; a group's header widens the columns below it if they are narrower."""
        widths = self.widths(table)
        between = 2 * _POINT * self.gap
        for group, first, last in _groups(table):
            below = sum(widths[first : last + 1]) + between * (last - first)
            widths[last] += max(0.0, self.letter * len(group) - below)
        return sum(widths) + between * len(widths)


def _lowest_header(table: Table, column: int) -> Any:
    header: Any = table.printed.columns[column]
    return header[-1] if isinstance(header, tuple) else header


def _longer(table: Table, column: int, times: float) -> bool:
    length = printed_length(_lowest_header(table, column))
    return length >= _UPRIGHT_MIN and length > times * _widest_cell(table, column)


def _widest_cell(table: Table, column: int) -> int:
    return max((printed_length(cell) for cell in table.printed.iloc[:, column]), default=0)


# From roomy to tight.
_FITS = (
    _Fit("footnotesize", 1.5, 4.0, 60.0, upright=False),
    _Fit("footnotesize", 1.5, 4.0, 36.0, upright=False),
    _Fit("footnotesize", 1.5, 4.0, 38.0, upright=True),
    _Fit("scriptsize", 1.33, 3.0, 32.0, upright=True),
    _Fit("scriptsize", 1.33, 1.8, 22.0, upright=True),
)


def _fitted(table: Table) -> _Fit:
    return next((fit for fit in _FITS if fit.total(table) <= LINE_WIDTH), _FITS[-1])


def _column_format(table: Table, fit: _Fit) -> str:
    widths = fit.widths(table)
    wraps = [fit.natural(table, column) > widths[column] for column in range(table.text_columns)]
    # The remaining width of the line is given to the columns that wrap.
    spare = max(0.0, LINE_WIDTH - fit.total(table)) / max(1, sum(wraps))
    words = (
        rf">{{\raggedright\arraybackslash}}p{{{width + spare:.1f}mm}}" if wrapped else "l"
        for width, wrapped in zip(widths, wraps, strict=False)
    )
    return "".join(words) + "r" * (table.printed.shape[1] - table.text_columns)


def _headers(table: Table, fit: _Fit) -> pd.Index:
    """Return the headers as LaTeX; a group has a rule below it."""
    columns: list[Any] = list(table.printed.columns)
    cells = [_header(_lowest_header(table, column), fit.turns(table, column)) for column in range(len(columns))]
    if not isinstance(table.printed.columns, pd.MultiIndex):
        return pd.Index(cells)
    groups = [str(header[0]) for header in columns]
    rules = "".join(rf"\cmidrule(lr){{{first + 1}-{last + 1}}}" for _, first, last in _groups(table))
    cells[0] = f"{rules} {cells[0]}"
    return pd.MultiIndex.from_tuples(list(zip(map(escape, groups), cells, strict=True)))


def _header(name: object, turned: bool) -> str:
    if not turned:
        return escape(name)
    if len(str(name)) <= _UPRIGHT_LINE:
        return rf"\rotatebox{{90}}{{{escape(name)}}}"
    return rf"\rotatebox{{90}}{{\parbox{{40mm}}{{\raggedright {breakable(name)}}}}}"


def _groups(table: Table) -> list[tuple[str, int, int]]:
    """Return the headers over several columns: name, first and last column of each."""
    if not isinstance(table.printed.columns, pd.MultiIndex):
        return []
    groups: list[tuple[str, int, int]] = []
    for position, name in enumerate(map(str, table.printed.columns.get_level_values(0))):
        if name and groups and groups[-1][0] == name and groups[-1][2] == position - 1:
            groups[-1] = (name, groups[-1][1], position)
        elif name:
            groups.append((name, position, position))
    return groups
