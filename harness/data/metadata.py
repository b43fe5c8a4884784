"""Reading a data set's metadata file: every fault is one message with file, row, column, value and remedy.

Rows are counted as lines of the file, the header being row 1.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from harness.errors import DataError
from harness.tables import TableError, number, read_table, whole

_RESTORE = "put the original metadata file back, or correct this row"
_SAVE = "put the original metadata file back, or save the table as CSV in UTF-8"
_RESAVED = re.compile(r"([0-9]+)[.,]0+")
# Excel writes truth values in its own language: English, German, French, Spanish, Italian, Dutch.
_TRUE = ("true", "wahr", "vrai", "verdadero", "vero", "waar")
_FALSE = ("false", "falsch", "faux", "falso", "onwaar")


@dataclass(frozen=True)
class Row:
    """One row of a metadata file; its methods read a column as a type and say where a value does not fit."""

    file: Path
    line: int
    values: Mapping[str, str]
    decimal_comma: bool = False

    @property
    def origin(self) -> str:
        """Where the row stands, for messages."""
        return f"{self.file}, row {self.line}"

    def fail(self, column: str, expected: str) -> NoReturn:
        """Raise the DataError for the value in ``column``."""
        raise DataError(
            f"{self.origin}, column {column!r}: received {self.values[column]!r}, expected {expected}; {_RESTORE}"
        )

    def text(self, column: str) -> str:
        """Return the value of ``column``, which must not be empty nor what a spreadsheet would take for a formula.

        Names of classes and recordings come out again in the tables of a report.
        """
        value = self.values[column].strip()
        if value.startswith(("=", "+", "-", "@")):
            self.fail(column, "a value that does not begin like a formula (=, +, - or @)")
        return value if value else self.fail(column, "a value")

    def integer(self, column: str, low: int, high: int | None = None) -> int:
        """Return the whole number in ``column``, at least ``low`` and at most ``high``."""
        expected = f"a whole number from {low} to {high}" if high is not None else f"a whole number of at least {low}"
        value = whole(self.values[column], decimal_comma=self.decimal_comma)
        if value is None or value < low or (high is not None and value > high):
            self.fail(column, expected)
        return value

    def identifier(self, column: str) -> str:
        """Return the text in ``column``; a whole number that a program re-saved as ``100032.0`` is 100032 again."""
        resaved = _RESAVED.fullmatch(text := self.text(column))
        return resaved[1] if resaved else text

    def seconds(self, column: str) -> float:
        """Return the finite number of seconds in ``column``, at least 0."""
        value = number(self.values[column], decimal_comma=self.decimal_comma)
        return value if math.isfinite(value) and value >= 0 else self.fail(column, "a number of seconds")

    def flag(self, column: str) -> bool:
        """Return the truth value in ``column``, written True or False (or as Excel writes them in some languages)."""
        value = self.values[column].strip().lower()
        return value in _TRUE if value in _TRUE + _FALSE else self.fail(column, "True or False")

    def file_name(self, column: str) -> str:
        """Return the plain file name in ``column``: no folder, no drive, no ``..``, so it stays where it belongs."""
        name = self.text(column)
        if name.startswith(".") or any(sign in "/\\:" or not sign.isprintable() for sign in name):
            self.fail(column, "a plain file name, without folders, '..' or control characters")
        if not Path(name).suffix:
            self.fail(column, "a file name with an extension, such as .wav")
        return name


def read_rows(file: Path, columns: Sequence[str]) -> tuple[Row, ...]:
    """Return the rows of the table ``file``, which must have at least ``columns`` (further ones are left alone).

    Raises
    ------
    DataError
        When the file is missing, not text, empty, lacks a column or has a row of another width.
    """
    try:
        table = read_table(file)
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror}); check the data root") from None
    except TableError as error:
        where = f"{file}, row {error.line}" if error.line else str(file)
        raise DataError(f"{where}: {error.fault}; {_SAVE}") from None
    _check_header(file, table.header, columns)
    if not table.lines:
        raise DataError(f"{file}: has a header but no clip; put the original metadata file back")
    return tuple(
        Row(file, line.number, dict(zip(table.header, line.cells, strict=True)), table.decimal_comma)
        for line in table.lines
    )


def _check_header(file: Path, header: Sequence[str], columns: Sequence[str]) -> None:
    if not header:
        raise DataError(f"{file}: is empty; put the original metadata file back")
    for name in columns:
        if header.count(name) != 1:
            fault = "has no column" if name not in header else "has more than one column"
            raise DataError(
                f"{file}: {fault} {name!r}; received {', '.join(header)}; needed are {', '.join(columns)}; put the "
                "original metadata file back"
            )
