"""CSV that a spreadsheet shows and does not run.

Excel, LibreOffice and Google Sheets take a cell that begins with = + - or @ for a formula (CWE-1236), whatever quotes
stand around it, and a locale may part cells at semicolons or tabs. An apostrophe before the sign makes it text there;
reading takes it off again. Numbers are written as they are.
"""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

# Where a cell begins, also for a program that parts cells elsewhere; then blanks, and apostrophes that are part of the
# text. The full-width signs count as the others in some locales. One sign alone is no formula.
_BEFORE = r"(\A|[;\t\r\n])([^\S\t\r\n]*'*)"
_FORMULA = r"(?=[=+\-@＝＋－＠].)"
_MEANT = re.compile(_BEFORE + _FORMULA, re.DOTALL)
_WRITTEN = re.compile(_BEFORE + "'" + _FORMULA, re.DOTALL)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def as_text(cell: str) -> str:
    """Return ``cell`` such that no spreadsheet takes it, or a part of it, for a formula; a number stays one."""
    return cell if _NUMBER.fullmatch(cell) else _MEANT.sub(r"\1\2'", cell)


def from_text(cell: str) -> str:
    """Return what :func:`as_text` was given."""
    return cell if _NUMBER.fullmatch(cell) else _WRITTEN.sub(r"\1\2", cell)


def csv_text(frame: pd.DataFrame) -> str:
    """Return ``frame`` as CSV without its index; names and other text as :func:`as_text` has them."""
    safe = frame.rename(columns=_safe)
    for position, kind in enumerate(frame.dtypes):
        if kind.kind not in "biufc":
            safe.isetitem(position, [_safe(cell) for cell in frame.iloc[:, position]])
    text = str(safe.to_csv(index=False, lineterminator="\n"))
    if "\r" not in text:
        return text
    # Python's writer quotes no carriage return, at which readers end the row.
    return str(safe.to_csv(index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC))


def _safe(cell: Any) -> Any:
    return as_text(cell) if isinstance(cell, str) else cell
