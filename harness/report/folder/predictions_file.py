"""Reading predictions.parquet: types, sizes and values are checked before anything is computed from them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import NoReturn

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from harness.errors import ReportError
from harness.report.folder.parquet_table import read_table
from harness.training.metrics import PUBLISHED_PRECISION, PUBLISHED_STEP

PREDICTIONS = "predictions.parquet"
KEYS = ["arm", "fold", "seed", "clip_id"]
MOST_BYTES, MOST_ROWS, MOST_CELLS = 2**30, 2**24, 2**28
"""Limits on bytes of the file, rows, and values (1 to 2 GiB): 200 arms with 8 trainings of all of UrbanSound8K."""
_LONGEST_TEXT = 1000
_LARGEST_NUMBER = 2**31 - 1
_TEXTS = ("arm", "clip_id", "recording")
_NUMBERS = ("fold", "seed", "y_true", "n_segments", "n_segments_correct")
_AGAIN = "take the folder from where it was published again, or write it from its record: harness report STUDY"


def read_predictions(folder: Path, n_classes: int) -> pd.DataFrame:
    """Return the predictions of the report in ``folder``: the columns of ``StudyRecord.predictions``.

    Integers are int64, probabilities are as published.

    Raises
    ------
    ReportError
        When the file cannot be read, a column is missing, unknown or of another type, something is larger than any
        report, or a row is not a valid prediction; names the column or the row.
    """
    path = folder / PREDICTIONS
    if not path.is_file():
        raise ReportError(f"{path}: no such file, but the report's numbers rest on it; {_AGAIN}")
    frame = read_table(
        path,
        _TEXTS,
        lambda found, size: _checked_schema(path, found, size, n_classes),
        partial(_refuse, path),
        most_bytes=MOST_BYTES,
        check=lambda table: _check_texts(path, table),
    )
    _check_rows(path, frame, n_classes)
    return frame


def _checked_schema(path: Path, found: pa.Schema, size: pq.FileMetaData, n_classes: int) -> pa.Schema:
    """Return the columns to read, in the file's order; refuse other columns and excessive sizes before reading any
    value."""
    probabilities = [f"p_{label}" for label in range(n_classes)]
    expected = {*_TEXTS, *_NUMBERS, *probabilities}
    fields = []
    for name in found.names:
        if name not in expected or found.names.count(name) > 1:
            _refuse(path, f"column {name[:80]!r}: expected the columns {_listed(n_classes)}, each once")
        kind = found.field(name).type
        text = kind.value_type if pa.types.is_dictionary(kind) else kind
        if name in _TEXTS:
            fits, read, what = pa.types.is_string(text) or pa.types.is_large_string(text), pa.large_string(), "text"
        elif name in _NUMBERS:
            fits, read, what = pa.types.is_integer(kind), pa.int64(), "whole numbers"
        else:
            fits, read, what = pa.types.is_float32(kind) or pa.types.is_float64(kind), kind, "float32 or float64"
        if not fits:
            _refuse(path, f"column {name!r}: expected {what}, received {str(kind)[:80]}")
        fields.append(pa.field(name, read))
    if missing := expected - set(found.names):
        _refuse(path, f"column {min(missing)!r} is missing; expected {_listed(n_classes)}")
    rows = size.num_rows
    groups = [size.row_group(number) for number in range(min(size.num_row_groups, MOST_ROWS))]
    claims = [rows, *(group.num_rows for group in groups), *(group.total_byte_size for group in groups)]
    if min(claims) < 0 or rows != sum(group.num_rows for group in groups):
        _refuse(path, f"its row groups do not add up to {rows} rows")
    if rows > MOST_ROWS or rows * len(expected) > MOST_CELLS or sum(g.total_byte_size for g in groups) > 8 * MOST_BYTES:
        _refuse(
            path, f"claims {rows:,} rows of {len(expected)} columns, more than the {MOST_CELLS:,} values of a report"
        )
    return pa.schema(fields)


def _listed(n_classes: int) -> str:
    return (
        f"{', '.join((*_TEXTS, *_NUMBERS))} and p_0 to p_{n_classes - 1} (a column for each of classes in results.json)"
    )


def _check_texts(path: Path, table: pa.Table) -> None:
    for name in table.column_names:
        if table[name].null_count:
            _refuse(path, f"column {name!r}: {table[name].null_count} values are missing (null)")
    for name in _TEXTS:
        for chunk in table[name].chunks:
            texts = chunk.dictionary if pa.types.is_dictionary(chunk.type) else chunk
            if texts.null_count or (pc.max(pc.binary_length(texts)).as_py() or 0) > _LONGEST_TEXT:
                _refuse(path, f"column {name!r}: a text is missing or longer than {_LONGEST_TEXT} bytes")


def _check_rows(path: Path, frame: pd.DataFrame, n_classes: int) -> None:
    if frame.empty:
        _refuse(path, "holds no row, so no fold was tested")
    least = {"fold": 1, "seed": 0, "y_true": 0, "n_segments": 0, "n_segments_correct": 0}
    most = dict.fromkeys(least, _LARGEST_NUMBER) | {"y_true": n_classes - 1}
    for name in least:
        outside = ~frame[name].between(least[name], most[name])
        _refuse_row(path, frame, outside, f"expected {name} in {least[name]}..{most[name]}, received", name)
    _refuse_row(
        path, frame, frame["n_segments_correct"] > frame["n_segments"], "more segments are correct than there are:",
        "n_segments_correct",
    )  # fmt: skip
    for name in _TEXTS:
        _refuse_row(path, frame, frame[name] == "", f"expected a {name}, received", name)
    values = frame[[f"p_{label}" for label in range(n_classes)]].to_numpy(np.float64)
    # NaN is not in any interval.
    for label in range(n_classes) if not ((values >= 0) & (values <= 1)).all() else ():
        name = f"p_{label}"
        _refuse_row(path, frame, ~frame[name].between(0, 1), f"expected {name} in 0..1, received", name)
    sums = pd.Series(values.sum(axis=1), index=frame.index)
    # Each is rounded to so many digits and then by half a step at most, and the largest may be raised by one unit.
    tolerance = 2.0 ** (1 - PUBLISHED_PRECISION) + PUBLISHED_STEP * (n_classes / 2 + 1)
    _refuse_row(
        path, frame.assign(sum=sums), (sums - 1).abs() > tolerance,
        f"the probabilities should sum to 1 (within {tolerance:.1g}), and sum to", "sum",
    )  # fmt: skip
    _refuse_row(path, frame, frame.duplicated(KEYS), "repeats an earlier row's arm, fold, seed and clip_id", "clip_id")
    for name in ("y_true", "recording"):
        first = frame.groupby("clip_id", sort=False)[name].transform("first")
        _refuse_row(path, frame, frame[name] != first, f"the clip has another {name} in an earlier row, here", name)


def _refuse_row(path: Path, frame: pd.DataFrame, bad: pd.Series[bool], fault: str, name: str) -> None:
    if bad.any():
        row = int(bad.to_numpy().argmax())
        values = frame.iloc[row]
        where = ", ".join(f"{key} {str(values[key])[:80]!r}" for key in KEYS)
        _refuse(path, f"row {row} ({where}): {fault} {str(values[name])[:80]!r}")


def _refuse(path: Path, fault: str) -> NoReturn:
    raise ReportError(f"{path}: not the predictions of a report: {fault}; {_AGAIN}") from None
