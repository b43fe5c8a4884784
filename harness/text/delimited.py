"""Tables in text files as programs write them, with any delimiter, including the dialects of Excel and pandas.

Rows are counted as lines of the file. Unreadable input raises a :class:`TableError`, to which the caller adds the file
and what to do.
"""

from __future__ import annotations

import codecs
import csv
import io
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.text.messages import shortened
from harness.text.spreadsheet import from_text

_DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab"}
_EXCEL_DELIMITER = re.compile(r"\s*\"?sep=([,;\t])\"?[,;]*\s*", re.IGNORECASE)
_COMMENT = re.compile(r"^[ \t]*#.*$", re.MULTILINE)
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")
_WHOLE = re.compile(r"([+-]?[0-9]{1,18})(?:\.0*)?")


class TableError(Exception):
    """An invalid table: what is wrong, and the line it is in (None for the entire file)."""

    def __init__(self, fault: str, line: int | None = None) -> None:
        super().__init__(fault)
        self.fault, self.line = fault, line


@dataclass(frozen=True)
class Line:
    """The cells of a row, stripped, with the number of its last line in the file."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table as it was read.

    Attributes
    ----------
    header
        The cells of the first row. An unnamed column, as pandas writes its index, is named by the empty string.
    lines
        The rows below it, each as wide as the header. Rows without any text are left out.
    delimiter
        The delimiter between the cells.
    notes
        How ambiguous content was interpreted, in words.
    """

    header: tuple[str, ...]
    lines: tuple[Line, ...]
    delimiter: str
    notes: tuple[str, ...]

    @property
    def decimal_comma(self) -> bool:
        """Whether numbers may be written with a decimal comma: only if the comma is not the delimiter."""
        return self.delimiter != ","


def read_table(file: Path, *, comments: bool = False) -> Table:
    """Read the table in ``file``; with ``comments``, lines that begin with ``#`` are left out.

    UTF-8, or UTF-16 with a byte order mark. The delimiter is the one in Excel's line ``sep=;``, else the one that
    occurs most often in the first row. Empty cells after the last column are left out.

    Raises
    ------
    OSError
        When the file cannot be read.
    TableError
        When it is not text or not CSV, or a row is not as wide as the first.
    """
    text = _text(file.read_bytes())
    notes: list[str] = []
    first, _, rest = text.partition("\n")
    if stated := _EXCEL_DELIMITER.fullmatch(first):
        text = f"\n{rest}"
        notes.append(f"the first line sets the delimiter to {_DELIMITERS[stated[1]]}")
    if comments:
        text, left_out = _COMMENT.subn("", text)
        if left_out:
            notes.append(f"skipped {left_out} {'line' if left_out == 1 else 'lines'} starting with #")
    delimiter = stated[1] if stated else _delimiter(text)
    rows = _parse(text, delimiter)
    header = _without_empty_end(next(rows, Line(0, ())).cells, 0)
    lines = []
    for row in rows:
        cells = _without_empty_end(row.cells, len(header))
        if len(cells) != len(header):
            raise TableError(_width(cells, header), row.number)
        lines.append(Line(row.number, cells))
    return Table(header, tuple(lines), delimiter, tuple(notes))


def number(text: str, *, decimal_comma: bool = False) -> float:
    """Return the number that ``text`` is, NaN where it is none; a decimal comma is read where it is allowed."""
    text = text.strip()
    if decimal_comma and _DECIMAL_COMMA.fullmatch(text):
        text = text.replace(",", ".")
    try:
        # Python's float also accepts 1_000 and digits of other scripts, which no program writes into a table.
        return float(text) if text.isascii() and "_" not in text else math.nan
    except ValueError:
        return math.nan


def whole(text: str, *, decimal_comma: bool = False) -> int | None:
    """Return the integer in ``text``, also in the form of pandas (``3.0``); None if there is none."""
    text = text.strip()
    found = _WHOLE.fullmatch(text.replace(",", ".") if decimal_comma else text)
    return int(found[1]) if found else None


def _text(content: bytes) -> str:
    if content.startswith(b"PK\x03\x04"):
        kind = "an Excel workbook (.xlsx)" if b"xl/" in content else "an OpenDocument or other ZIP file"
        raise TableError(f"is {kind}, not text")
    if content.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        raise TableError("is an Excel 97-2003 workbook (.xls), not text")
    encoding = "utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        name = encoding.upper().removesuffix("-SIG")
        line = content.count(b"\n", 0, error.start) + 1
        wrong = f"not a {name} text file (byte {error.start}): received 0x{content[error.start]:02x}"
        raise TableError(wrong, line) from None


def _delimiter(text: str) -> str:
    """Return the delimiter of the first row that has any text."""
    try:
        cells = {
            delimiter: next(filter(_any, csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)), [])
            for delimiter in _DELIMITERS
        }
    except csv.Error:
        return ","  # parsing then reports what is wrong, and where
    for delimiter in ";\t":
        # "81,2;79,5" has as many commas as cells.
        if len(cells[delimiter]) > 1 and any(_DECIMAL_COMMA.fullmatch(cell.strip()) for cell in cells[delimiter]):
            return delimiter
    return max(_DELIMITERS, key=lambda delimiter: len(cells[delimiter]))


def _parse(text: str, delimiter: str) -> Iterator[Line]:
    """Yield the rows that have any text."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            if _any(cells):
                yield Line(reader.line_num, tuple(from_text(cell.strip()) for cell in cells))
    except csv.Error as error:
        raise TableError(f"not valid CSV: {error}", reader.line_num) from None


def _any(cells: Sequence[str]) -> bool:
    """Return whether a row has any text."""
    return any(map(str.strip, cells))


def _without_empty_end(cells: tuple[str, ...], width: int) -> tuple[str, ...]:
    """Return ``cells`` without the empty ones after the first ``width``."""
    while len(cells) > width and not cells[-1]:
        cells = cells[:-1]
    return cells


def _width(cells: tuple[str, ...], header: tuple[str, ...]) -> str:
    return f"{len(cells)} cells, but the header has {len(header)}: {shortened(' | '.join(cells), 100)}"
