"""Reading a data set's metadata file: every fault is one message with file, row, column, value and remedy.

Rows are counted as lines of the file, the header being row 1.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from harness.errors import DataError

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_RESTORE = "put the original metadata file back, or correct this row"


@dataclass(frozen=True)
class Row:
    """One row of a metadata file; its methods read a column as a type and say where a value does not fit."""

    file: Path
    line: int
    values: Mapping[str, str]

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
        value = self.values[column].strip()
        if not _WHOLE.fullmatch(value):
            self.fail(column, expected)
        number = int(value)
        return number if number >= low and (high is None or number <= high) else self.fail(column, expected)

    def seconds(self, column: str) -> float:
        """Return the finite number of seconds in ``column``, at least 0."""
        try:
            number = float(self.values[column])
        except ValueError:
            number = math.nan
        return number if math.isfinite(number) and number >= 0 else self.fail(column, "a number of seconds")

    def flag(self, column: str) -> bool:
        """Return the truth value in ``column``, written True or False."""
        value = self.values[column].strip().lower()
        return value == "true" if value in ("true", "false") else self.fail(column, "True or False")

    def file_name(self, column: str) -> str:
        """Return the plain file name in ``column``: no folder, no drive, no ``..``, so it stays where it belongs."""
        name = self.text(column)
        if name.startswith(".") or any(sign in "/\\:" or not sign.isprintable() for sign in name):
            self.fail(column, "a plain file name, without folders, '..' or control characters")
        if not Path(name).suffix:
            self.fail(column, "a file name with an extension, such as .wav")
        return name


def read_rows(file: Path, columns: Sequence[str]) -> tuple[Row, ...]:
    """Return the rows of the CSV ``file``, which must have at least ``columns`` (further ones are left alone).

    Raises
    ------
    DataError
        When the file is missing, not UTF-8, empty, lacks a column or has a row of another width.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror}); check the data root") from None
    lines = csv.reader(io.StringIO(_decode(file, content), newline=""))
    try:
        header = [name.strip() for name in next(lines, [])]
        _check_header(file, header, columns)
        rows = []
        for cells in lines:
            if not cells:
                continue
            if len(cells) != len(header):
                raise DataError(
                    f"{file}, row {lines.line_num}: received {len(cells)} values, expected {len(header)}, one for each "
                    f"column of the header; {_RESTORE}"
                )
            rows.append(Row(file, lines.line_num, dict(zip(header, cells, strict=True))))
    except csv.Error as error:
        raise DataError(f"{file}, row {lines.line_num}: not valid CSV ({error}); {_RESTORE}") from None
    if not rows:
        raise DataError(f"{file}: has a header but no clip; put the original metadata file back")
    return tuple(rows)


def _decode(file: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{file}, row {line}: byte 0x{content[error.start]:02x} is not UTF-8; save the file as UTF-8, or put the "
            "original back"
        ) from None


def _check_header(file: Path, header: list[str], columns: Sequence[str]) -> None:
    if not header:
        raise DataError(f"{file}: is empty; put the original metadata file back")
    for name in columns:
        if header.count(name) != 1:
            fault = "has no column" if name not in header else "has more than one column"
            raise DataError(
                f"{file}: {fault} {name!r}; received {', '.join(header)}; needed are {', '.join(columns)}; put the "
                "original metadata file back"
            )
