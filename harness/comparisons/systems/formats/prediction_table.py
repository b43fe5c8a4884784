"""Tables of predictions, CSV, Parquet or JSON (a list of rows, or lists of columns): a row for each tested clip.

Columns are ``clip`` (or ``clip_id``), ``y_true`` and either ``y_pred`` or one column of scores per class, named
``p_CLASS``; and optionally ``fold``, ``seed`` and ``recording``. Classes are words or numbers, the same in all files.
With a column ``arm`` (or ``system``), as in ``predictions.parquet`` of a report, a file has a system for each of its
values.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from harness.comparisons.systems.formats.content import Content, Format, shown
from harness.comparisons.systems.system import ClipPredictions
from harness.errors import ComparisonError
from harness.statistics.fold_values import Floats
from harness.text.delimited import TableError, number, whole
from harness.text.parquet import parquet_table

_SCORE = "p_"
_NEEDED = ("clip", "y_true")
_ARMS = ("arm", "system")
_MOST_ARMS = 1_000
_OPTIONAL = ("y_pred", "fold", "seed", "recording")


def recognises(content: Content) -> bool:
    """Return whether it may be a table: everything that is not JSON, and JSON with a list of rows or columns."""
    return not content.is_json or _is_rows(content.document) or _is_columns(content.document)


def _is_rows(document: object) -> bool:
    return isinstance(document, list) and bool(document) and all(isinstance(row, Mapping) for row in document)


def _is_columns(document: object) -> bool:
    return isinstance(document, Mapping) and isinstance(document.get("y_true"), list)


def read(content: Content, task: str) -> tuple[ClipPredictions, ...]:
    """Return the predictions in a table: one system, or one for each arm.

    Raises
    ------
    ComparisonError
        When the file cannot be read, lacks a column, holds an invalid value, or names a clip twice in a fold and seed.
    """
    del task
    frame, stem, where = _read(content), content.path.stem, str(content.path)
    arms = next((frame[name] for name in _ARMS if [*frame.columns].count(name) == 1), None)
    if arms is None:
        return (predictions_of(frame, stem, where),)
    names = _texts(arms)
    empty = np.flatnonzero(arms.isna() | (names == ""))
    if names.nunique() < 2:
        return (predictions_of(frame, stem, where),)
    if empty.size:
        raise content.refuse(f"column {arms.name!r} is empty in row {int(empty[0]) + 1}; fill it")
    if names.nunique() > _MOST_ARMS:
        raise content.refuse(f"column {arms.name!r} has {names.nunique():,} values, {_MOST_ARMS:,} systems at most")
    return tuple(
        predictions_of(frame[names == name], str(name), f"{where}, {arms.name} {name!r}") for name in names.unique()
    )


def predictions_of(frame: pd.DataFrame, name: str, where: str) -> ClipPredictions:
    """Return the predictions in ``frame``, as a system called ``name``; messages call the table ``where``.

    Raises
    ------
    ComparisonError
        As :func:`read`.
    """
    if "clip" not in frame:
        frame = frame.rename(columns={"clip_id": "clip"})  # as the harness's own predictions
    if missing := [column for column in _NEEDED if column not in frame]:
        scores = {"fold", "accuracy"} <= {*frame.columns}
        raise ComparisonError(
            f"{where}: has no column {missing[0]!r}; received {', '.join(map(str, frame.columns[:10]))}; required: "
            "clip, y_true, and y_pred or a column p_CLASS for each class"
            + ("; accuracies of folds are compared by harness compare --scores" if scores else "")
        )
    if frame.empty:
        raise ComparisonError(f"{where}: has no predictions")
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise ComparisonError(f"{where}: has more than one column {twice!r}")
    for column in (known for known in (*_NEEDED, *_OPTIONAL) if known in frame):
        empty = np.flatnonzero(frame[column].isna() | (_texts(frame[column]) == ""))
        if empty.size:
            raise ComparisonError(
                f"{where}: column {column!r} is empty for clip {shown(frame['clip'].iloc[empty[0]])}; fill it"
            )
    true = _classes(frame["y_true"])
    predicted = _classes(frame["y_pred"]) if "y_pred" in frame else _largest(where, frame, true)
    rows = pd.DataFrame(
        {
            "clip": frame["clip"].map(str),
            "fold": _numbers(where, frame, "fold"),
            "seed": _numbers(where, frame, "seed"),
            "recording": frame["recording" if "recording" in frame else "clip"].map(str),
            "y_true": true,
            "y_pred": predicted,
            "correct": (true == predicted).astype(float),
        }
    ).sort_values(["fold", "seed", "clip"], ignore_index=True)
    twice_given = rows[rows.duplicated(["fold", "seed", "clip"])]
    if len(twice_given):
        raise ComparisonError(
            f"{where}: clip {twice_given['clip'].iloc[0]!r} has more than one prediction; give a column fold or seed, "
            "or one prediction for each clip"
        )
    return ClipPredictions(name=name, rows=rows, folds="fold" in frame, recordings="recording" in frame)


def _texts(column: pd.Series) -> pd.Series:
    """Return cells as text without spaces around it; a cell of a Parquet file may be anything."""
    return column.map(str).str.strip()


def _classes(column: pd.Series) -> pd.Series:
    """Return names of classes; 3, 3.0 and "3" are one."""
    texts = _texts(column)
    return texts.map({text: _class(text) for text in texts.unique()})


def _class(text: str) -> str:
    found = whole(text)
    return text if found is None else str(found)


def _largest(where: str, frame: pd.DataFrame, true: pd.Series) -> pd.Series:
    columns = [name for name in frame if str(name).startswith(_SCORE)]
    if len(columns) < 2:
        raise ComparisonError(f"{where}: has neither a column y_pred nor a column {_SCORE}CLASS for each class")
    scores = np.column_stack([_scores(frame[name]) for name in columns])
    bad = np.argwhere(~np.isfinite(scores))
    if len(bad):
        row, column = bad[0]
        raise ComparisonError(
            f"{where}: column {columns[column]!r}, clip {frame['clip'].iloc[row]!r}: received "
            f"{shown(frame[columns[column]].iloc[row])}, expected a number"
        )
    classes = [_class(str(name).removeprefix(_SCORE).strip()) for name in columns]
    lacking = sorted({*true} - {*classes})
    if lacking:
        raise ComparisonError(
            f"{where}: y_true has the class {lacking[0]!r}, but there is no column {_SCORE}{lacking[0]}"
        )
    return pd.Series([classes[k] for k in scores.argmax(axis=1)], index=frame.index)


def _scores(column: pd.Series) -> Floats:
    if column.dtype.kind in "fiu":
        return column.to_numpy(np.float64)
    return np.array([number(text) for text in _texts(column)], dtype=np.float64)


def _numbers(where: str, frame: pd.DataFrame, name: str) -> pd.Series:
    if name not in frame:
        return pd.Series(0, index=frame.index, dtype="int64")
    texts = _texts(frame[name])
    known = {text: whole(text) for text in texts.unique()}
    if bad := [text for text, found in known.items() if found is None]:
        raise ComparisonError(f"{where}: column {name!r}: received {shown(bad[0])}, expected an integer")
    return texts.map(known).astype("int64")


def _read(content: Content) -> pd.DataFrame:
    path = content.path
    if content.is_json:
        try:
            return pd.DataFrame(content.document)
        except (ValueError, TypeError) as error:
            raise ComparisonError(f"{path}: is no table: {error}") from None
    if path.suffix.lower() == ".parquet":
        try:
            return parquet_table(path)
        except OSError as error:
            raise ComparisonError(f"{path}: cannot be read ({error.strerror or error})") from None
        except TableError as error:
            raise ComparisonError(f"{path}: {error.fault}; save the table as CSV in UTF-8, or as Parquet") from None
    table = content.table
    if isinstance(table, TableError):
        where = f"{path}, row {table.line}" if table.line else str(path)
        raise ComparisonError(f"{where}: {table.fault}; save the table as CSV in UTF-8, or as Parquet")
    return pd.DataFrame([line.cells for line in table.lines], columns=list(table.header))


FORMAT = Format("tables of predictions (CSV, Parquet, JSON)", recognises, read)
