"""Reading a data set's metadata file: a row is a pydantic model, and every fault is one message with file, row, column,
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
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo

from harness.errors import DataError
from harness.text.delimited import TableError, number, read_table, whole

_RESTORE = "restore the original metadata file, or correct this row"
_SAVE = "restore the original metadata file, or save the table as CSV in UTF-8"
_RESAVED = re.compile(r"^([0-9]+)[.,]0+\Z")
# Excel writes truth values in its own language: English, German, French, Spanish, Italian, Dutch.
_FLAGS = dict.fromkeys(("true", "wahr", "vrai", "verdadero", "vero", "waar"), True) | dict.fromkeys(
    ("false", "falsch", "faux", "falso", "onwaar"), False
)


class Row(BaseModel):
    """One row of a metadata file; a subclass has a field for each column that it needs.

    Fields have the types of this module, such as :data:`Text` or ``Annotated[int, between(1, 5)]``; a column that is
    not a Python name is the field's alias. ``origin`` is the file and row, for messages.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")
    origin: str = Field(alias="(origin)")

    @classmethod
    def column(cls, field: str) -> str:
        """Return the column that ``field`` is read from."""
        return cls.model_fields[field].alias or field

    @classmethod
    def columns(cls) -> list[str]:
        """Return the required columns."""
        return [cls.column(field) for field in cls.model_fields if field != "origin"]

    def fail(self, field: str, expected: str) -> NoReturn:
        """Raise the DataError for the value of ``field``."""
        _refuse(self.origin, self.column(field), str(getattr(self, field)), expected)


R = TypeVar("R", bound=Row)


def reads(expected: str, read: Callable[[str, bool], Any]) -> BeforeValidator:
    """Return a validator that sets a field to what ``read(text, decimal_comma)`` returns.

    Where that is None, the message says that ``expected`` was expected. ``decimal_comma`` is whether numbers may be
    written with one.
    """

    def validate(text: str, info: ValidationInfo) -> Any:
        if (found := read(text, bool(info.context))) is None:
            raise ValueError(expected)
        return found

    return BeforeValidator(validate)


def between(low: int, high: int | None = None) -> BeforeValidator:
    """Return a validator for an ``int`` field from ``low`` to ``high``, which also accepts re-saved integers
    (``3.0``)."""

    def read(text: str, decimal_comma: bool) -> int | None:
        found = whole(text, decimal_comma=decimal_comma)
        return found if found is not None and low <= found <= (found if high is None else high) else None

    return reads(f"an integer from {low} to {high}" if high is not None else f"an integer of at least {low}", read)


def _file_name(name: str, _: bool) -> str | None:
    plain = not name.startswith(".") and all(sign not in "/\\:" and sign.isprintable() for sign in name)
    return name if plain and Path(name).suffix else None


def _seconds(text: str, decimal_comma: bool) -> float | None:
    value = number(text, decimal_comma=decimal_comma)
    return value if math.isfinite(value) and value >= 0 else None


# Names of classes and recordings are written to tables of a report, which may be opened in a spreadsheet.
Text = Annotated[
    str,
    reads(
        "a value that does not start like a formula (=, +, - or @)",
        lambda text, _: None if text.startswith(("=", "+", "-", "@")) else text or None,
    ),
]
"""Text that is neither empty nor a formula to a spreadsheet."""
Identifier = Annotated[Text, AfterValidator(lambda text: _RESAVED.sub(r"\1", text))]
"""Text; an integer that a program re-saved as ``100032.0`` becomes 100032 again."""
FileName = Annotated[
    Text, reads("a plain file name with an extension, without folders, '..' or control characters", _file_name)
]
"""A plain file name: no folder, no drive, no ``..``, so that it stays in its folder."""
Seconds = Annotated[float, reads("a number of seconds", _seconds)]
"""A finite number of at least 0."""
Flag = Annotated[bool, reads("True or False", lambda text, _: _FLAGS.get(text.lower()))]
"""True or False, or as Excel writes them in some languages."""


def read_rows(file: Path, model: type[R]) -> tuple[R, ...]:
    """Return the rows of the table ``file``, which must have the columns of ``model`` (others are ignored).

    Raises
    ------
    DataError
        When the file is missing, not text, empty, lacks a column or has a row of another width; at the first invalid
        value.
    """
    try:
        table = read_table(file)
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror}); check the data root") from None
    except TableError as error:
        where = f"{file}, row {error.line}" if error.line else str(file)
        raise DataError(f"{where}: {error.fault}; {_SAVE}") from None
    _check_header(file, table.header, model.columns())
    if not table.lines:
        raise DataError(f"{file}: has a header but no clips; restore the original metadata file")
    rows = []
    for line in table.lines:
        origin, cells = f"{file}, row {line.number}", dict(zip(table.header, line.cells, strict=True))
        try:
            rows.append(model.model_validate({**cells, "(origin)": origin}, context=table.decimal_comma))
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            _refuse(origin, str(fault["loc"][0]), fault["input"], fault["msg"].removeprefix("Value error, "))
    return tuple(rows)


def read_lines(
    file: Path, pattern: re.Pattern[str], expected: str, remedy: str = _RESTORE
) -> tuple[tuple[re.Match[str], str], ...]:
    """Return the match of each line of the list ``file`` with ``pattern``, and where it is; empty lines are left out.

    Parameters
    ----------
    file : Path
        Text in UTF-8.
    pattern : re.Pattern
        What a line must match from start to end.
    expected : str
        What a line must be, for messages.
    remedy : str
        What to do about a fault, for messages.

    Raises
    ------
    DataError
        When the file is missing, not text or empty; at the first line that does not match.
    """
    try:
        lines = file.read_bytes().decode("utf-8-sig").splitlines()
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror}); {remedy}") from None
    except UnicodeDecodeError:
        raise DataError(f"{file}: is not text in UTF-8; {remedy}") from None
    found = []
    for position, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        if (match := pattern.fullmatch(line.strip())) is None:
            raise DataError(f"{file}, row {position}: received {line!r}, expected {expected}; {remedy}")
        found.append((match, f"{file}, row {position}"))
    if not found:
        raise DataError(f"{file}: is empty; {remedy}")
    return tuple(found)


def _refuse(origin: str, column: str, received: str, expected: str) -> NoReturn:
    raise DataError(f"{origin}, column {column!r}: received {received!r}, expected {expected}; {_RESTORE}")


def _check_header(file: Path, header: Sequence[str], columns: Sequence[str]) -> None:
    if not header:
        raise DataError(f"{file}: is empty; restore the original metadata file")
    for name in columns:
        if header.count(name) != 1:
            fault = "has no column" if name not in header else "has more than one column"
            raise DataError(
                f"{file}: {fault} {name!r}; received {', '.join(header)}; required: {', '.join(columns)}; restore the "
                "original metadata file"
            )
