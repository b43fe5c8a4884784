"""CSV that a spreadsheet displays without executing it.

Excel, LibreOffice and Google Sheets interpret a cell that begins with = + - or @ as a formula (CWE-1236), even in
quotes, and some locales split cells at semicolons or tabs. An apostrophe before the first character makes it text;
reading removes the apostrophe. Numbers are written as they are.
"""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

# The start of a cell, also for programs that use other delimiters; then blanks, and apostrophes that are part of the
# text. Full-width characters are equivalent in some locales. A single character is not a formula.
_BEFORE = r"(\A|[;\t\r\n])([^\S\t\r\n]*'*)"
_FORMULA = r"(?=[=+\-@＝＋－＠].)"
_MEANT = re.compile(_BEFORE + _FORMULA, re.DOTALL)
_WRITTEN = re.compile(_BEFORE + "'" + _FORMULA, re.DOTALL)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def as_text(cell: str) -> str:
    """Return ``cell`` in a form that no spreadsheet interprets as a formula, even in part; numbers are unchanged."""
    return cell if _NUMBER.fullmatch(cell) else _MEANT.sub(r"\1\2'", cell)


def from_text(cell: str) -> str:
    """Return the text that :func:`as_text` was given."""
    return cell if _NUMBER.fullmatch(cell) else _WRITTEN.sub(r"\1\2", cell)


def csv_text(frame: pd.DataFrame) -> str:
    """Return ``frame`` as CSV without its index; names and other text as converted by :func:`as_text`."""
    safe = frame.rename(columns=_safe)
    for position, kind in enumerate(frame.dtypes):
        if kind.kind not in "biufc":
            safe.isetitem(position, [_safe(cell) for cell in frame.iloc[:, position]])
    text = str(safe.to_csv(index=False, lineterminator="\n"))
    if "\r" not in text:
        return text
    # Python's writer does not quote carriage returns, at which readers end the row.
    return str(safe.to_csv(index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC))


def _safe(cell: Any) -> Any:
    return as_text(cell) if isinstance(cell, str) else cell
