"""Reading a data set's metadata file: a row is a pydantic model, and every fault one message with file, row, column,
value, what is expected and what to do.

Rows are counted as lines of the file, the header being row 1.

Examples
--------
>>> class ClipRow(Row):
...     filename: FileName
...     fold: Annotated[int, between(1, 5)]
...     label: Text = Field(alias="class")
>>> rows = read_rows(Path("meta.csv"), ClipRow)  # doctest: +SKIP
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
)

from harness.errors import DataError
from harness.tables import TableError, number, read_table, whole

_RESTORE = "put the original metadata file back, or correct this row"
_SAVE = "put the original metadata file back, or save the table as CSV in UTF-8"
_RESAVED = re.compile(r"([0-9]+)[.,]0+")
# Excel writes truth values in its own language: English, German, French, Spanish, Italian, Dutch.
_TRUE = ("true", "wahr", "vrai", "verdadero", "vero", "waar")
_FALSE = ("false", "falsch", "faux", "falso", "onwaar")


@dataclass(frozen=True)
class _Given:
    """A row as the file has it."""

    file: Path
    line: int
    values: Mapping[str, str]
    decimal_comma: bool

    @property
    def origin(self) -> str:
        return f"{self.file}, row {self.line}"

    def fail(self, column: str, expected: object) -> NoReturn:
        raise DataError(
            f"{self.origin}, column {column!r}: received {self.values[column]!r}, expected {expected}; {_RESTORE}"
        )


class Row(BaseModel):
    """One row of a metadata file; a subclass has a field for each column that it needs.

    Fields have the types of this module, such as :data:`Text` or ``Annotated[int, between(1, 5)]``; a column that is no
    Python name is the field's alias.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")
    _given: _Given = PrivateAttr()

    def model_post_init(self, context: Any) -> None:
        """Keep what the file has, for messages."""
        self._given = context

    @property
    def origin(self) -> str:
        """File and row, for messages."""
        return self._given.origin

    @classmethod
    def column(cls, field: str) -> str:
        """Return the column that ``field`` is read from."""
        return cls.model_fields[field].alias or field

    def fail(self, field: str, expected: str) -> NoReturn:
        """Raise the DataError for the value of ``field``."""
        self._given.fail(self.column(field), expected)


R = TypeVar("R", bound=Row)


def _text(value: str) -> str:
    # Names of classes and recordings are written into the tables of a report, which spreadsheets open.
    if value.strip().startswith(("=", "+", "-", "@")):
        raise ValueError("a value that does not begin like a formula (=, +, - or @)")
    if not value.strip():
        raise ValueError("a value")
    return value.strip()


def _identifier(text: str) -> str:
    resaved = _RESAVED.fullmatch(text)
    return resaved[1] if resaved else text


def _file_name(name: str) -> str:
    if name.startswith(".") or any(sign in "/\\:" or not sign.isprintable() for sign in name):
        raise ValueError("a plain file name, without folders, '..' or control characters")
    if not Path(name).suffix:
        raise ValueError("a file name with an extension, such as .wav")
    return name


def _decimal_comma(info: ValidationInfo) -> bool:
    return cast(_Given, info.context).decimal_comma


def _seconds(value: str, info: ValidationInfo) -> float:
    seconds = number(value, decimal_comma=_decimal_comma(info))
    if not (math.isfinite(seconds) and seconds >= 0):
        raise ValueError("a number of seconds")
    return seconds


def _flag(value: str) -> bool:
    if (word := value.strip().lower()) not in _TRUE + _FALSE:
        raise ValueError("True or False")
    return word in _TRUE


def between(low: int, high: int | None = None) -> BeforeValidator:
    """Return what makes an ``int`` field take whole numbers of at least ``low`` and at most ``high``, also as programs
    re-save them (``3.0``)."""

    def read(value: str, info: ValidationInfo) -> int:
        found = whole(value, decimal_comma=_decimal_comma(info))
        if found is None or found < low or (high is not None and found > high):
            raise ValueError(f"a whole number {f'from {low} to {high}' if high is not None else f'of at least {low}'}")
        return found

    return BeforeValidator(read)


Text = Annotated[str, AfterValidator(_text)]
"""Text that is not empty, nor what a spreadsheet would take for a formula."""
Identifier = Annotated[Text, AfterValidator(_identifier)]
"""Text; a whole number that a program re-saved as ``100032.0`` is 100032 again."""
FileName = Annotated[Text, AfterValidator(_file_name)]
"""A plain file name: no folder, no drive, no ``..``, so that it stays in its folder."""
Seconds = Annotated[float, BeforeValidator(_seconds)]
"""A finite number of at least 0."""
Flag = Annotated[bool, BeforeValidator(_flag)]
"""True or False, or as Excel writes them in some languages."""


def read_rows(file: Path, model: type[R]) -> tuple[R, ...]:
    """Return the rows of the table ``file``, which must have the columns of ``model`` (further ones are left alone).

    Raises
    ------
    DataError
        When the file is missing, not text, empty, lacks a column or has a row of another width; at the first value
        that does not fit.
    """
    try:
        table = read_table(file)
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror}); check the data root") from None
    except TableError as error:
        where = f"{file}, row {error.line}" if error.line else str(file)
        raise DataError(f"{where}: {error.fault}; {_SAVE}") from None
    _check_header(file, table.header, [model.column(field) for field in model.model_fields])
    if not table.lines:
        raise DataError(f"{file}: has a header but no clip; put the original metadata file back")
    return tuple(
        _read(model, _Given(file, line.number, dict(zip(table.header, line.cells, strict=True)), table.decimal_comma))
        for line in table.lines
    )


def _read(model: type[R], given: _Given) -> R:
    try:
        return model.model_validate(given.values, context=given)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        given.fail(str(fault["loc"][0]), fault["msg"].removeprefix("Value error, "))


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
