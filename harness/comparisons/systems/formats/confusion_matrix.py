"""A confusion matrix alone: CSV, JSON, or text as numpy prints it; rows are true classes, columns predicted ones.

- CSV: a row per class. With a header its cells name the classes, and the first column may name the rows.
- JSON: a list of rows, or an object with ``classes`` and ``matrix`` (or ``counts``, ``confusion_matrix``).
- Text: ``[[85  1 ...] [ 2 67 ...]]``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from harness.comparisons.systems.formats.content import Content, Format, shown
from harness.comparisons.systems.system import ConfusionCounts
from harness.text.delimited import TableError, whole

_NAMES = ("matrix", "counts", "confusion_matrix")
_PRINTED = re.compile(r"[\s\[\],0-9.]+")
_ROW = re.compile(r"\[([^\[\]]*)\]")
_MOST_CLASSES = 2_000


def recognises(content: Content) -> bool:
    """Return whether it is a confusion matrix."""
    if content.is_json:
        found = content.document
        as_list = isinstance(found, list) and not any(isinstance(row, Mapping) for row in found)
        return as_list or (isinstance(found, Mapping) and any(name in found for name in _NAMES))
    if content.path.suffix.lower() == ".parquet":
        return False
    if content.text.lstrip().startswith("[") and _PRINTED.fullmatch(content.text):
        return True
    table = content.table
    if isinstance(table, TableError):
        return False
    header, rows = table.header, len(table.lines)
    labelled = rows == len(header) - 1 and tuple(line.cells[0] for line in table.lines) == header[1:]
    # Columns of other tables have known names.
    others = {"clip", "clip_id", "y_true", "fold", "accuracy"} & {*header}
    return len(header) > 1 and (labelled or (rows in (len(header) - 1, len(header)) and not others))


def read(content: Content, task: str) -> tuple[ConfusionCounts, ...]:
    """Return the matrix.

    Raises
    ------
    ComparisonError
        When it is not square, a count is no whole number of 0 or more, or no clip was tested.
    """
    del task
    if content.is_json:
        names, rows = _from_json(content)
    elif content.text.lstrip().startswith("["):
        names, rows = [], [row.replace(",", " ").split() for row in _ROW.findall(content.text)]
    else:
        names, rows = _from_table(content)
    if len(rows) < 2 or any(not isinstance(row, list) or len(row) != len(rows) for row in rows):
        raise content.refuse(f"is no square matrix of two or more classes: {_form(rows)}")
    if len(rows) > _MOST_CLASSES:
        raise content.refuse(f"has {len(rows):,} classes, {_MOST_CLASSES:,} at most")
    names = names or [str(number) for number in range(len(rows))]
    if len(names) != len(rows) or len(set(names)) < len(names):
        raise content.refuse(f"names {len(names)} classes, {len(set(names))} of them different, for {len(rows)} rows")
    counts = np.array(
        [[_count(content, cell, names[i], names[j]) for j, cell in enumerate(row)] for i, row in enumerate(rows)],
        dtype=np.int64,
    )
    if not counts.sum():
        raise content.refuse("has no clips")
    return (ConfusionCounts(name=content.path.stem, source="confusion matrix", classes=tuple(names), counts=counts),)


def _from_json(content: Content) -> tuple[list[str], list[Any]]:
    found = content.document
    if isinstance(found, list):
        return [], found
    rows = next(found[name] for name in _NAMES if name in found)
    classes = found.get("classes", [])
    if not isinstance(rows, list) or not isinstance(classes, list):
        raise content.refuse(f"expected lists of classes and rows, received {shown(found)}")
    return [str(name) for name in classes], rows


def _from_table(content: Content) -> tuple[list[str], list[Any]]:
    table = content.table
    if isinstance(table, TableError):
        raise content.refuse(f"line {table.line}: {table.fault}" if table.line else table.fault)
    header, body = list(table.header), [list(line.cells) for line in table.lines]
    if len(body) == len(header) - 1 and all(whole(cell) is not None for cell in header):
        return [], [header, *body]  # no header: the first row is a row of the matrix
    if len(body) == len(header) - 1:
        names, rows = header[1:], body
        labels = [row[0] for row in rows]
        if labels != names:
            raise content.refuse(f"rows are named {shown(labels)} and columns {shown(names)}; give both in one order")
        return names, [row[1:] for row in rows]
    return header, body


def _form(rows: Sequence[Any]) -> str:
    lengths = sorted({len(row) if isinstance(row, list) else 0 for row in rows})
    return f"{len(rows)} rows of {' or '.join(map(str, lengths[:3])) or 'no'} cells"


def _count(content: Content, cell: object, true: str, predicted: str) -> int:
    value = whole(str(cell)) if not isinstance(cell, bool) else None
    if value is None or not 0 <= value <= 10**9:
        raise content.refuse(
            f"row {true!r}, column {predicted!r}: received {shown(cell)}, expected a number of clips; a matrix of "
            "percentages does not say how many there are"
        )
    return value


FORMAT = Format("confusion matrices (CSV, JSON, text)", recognises, read)
