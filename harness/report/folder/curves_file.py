"""curves.parquet: the learning curves of final trainings, from which a report draws them again."""

from __future__ import annotations

import io
from collections.abc import Collection
from functools import partial
from pathlib import Path
from typing import NoReturn

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from harness.errors import ReportError
from harness.report.folder.parquet_table import read_table

CURVES = "curves.parquet"
MOST_BYTES, MOST_ROWS = 2**28, 2**22
"""Limits on bytes of the file and on rows: 200 arms with 20 trainings of 1,000 epochs."""

_KEYS = ("arm", "fold", "seed", "epoch")
_VALUES = (
    "train_loss", "validation_loss", "train_segment_accuracy", "validation_macro_accuracy", "test_macro_accuracy",
)  # fmt: skip
_DECIMALS = 4
_LARGEST = 2**31 - 1


def published_curves(history: pd.DataFrame) -> pd.DataFrame:
    """Return the part of ``StudyRecord.history`` that a report publishes: its losses and accuracies with four
    decimals, in order of arm, fold, seed and epoch."""
    if history.empty:
        return pd.DataFrame(columns=[*_KEYS])
    columns = [name for name in _VALUES if name in history]
    kept = history[[*_KEYS, *columns]].sort_values(list(_KEYS), ignore_index=True)
    rounded = {name: np.round(kept[name].to_numpy(np.float64), _DECIMALS).astype(np.float32) for name in columns}
    keys = {name: kept[name].astype(str if name == "arm" else np.int64) for name in _KEYS}
    return pd.DataFrame({**keys, **rounded})


def curves_bytes(curves: pd.DataFrame) -> bytes:
    """Return :func:`published_curves` as a file."""
    buffer = io.BytesIO()
    curves.to_parquet(buffer, index=False, engine="pyarrow", compression="zstd", compression_level=12)
    return buffer.getvalue()


def read_curves(folder: Path, arms: Collection[str]) -> pd.DataFrame:
    """Return the curves of the report in ``folder``, as :func:`published_curves` returned them; an empty table if an
    earlier version wrote the report.

    Raises
    ------
    ReportError
        When the file cannot be read, a column is unknown, missing or of another type, something is larger than any
        report, or a row is of an arm that is not among ``arms``.
    """
    path = folder / CURVES
    if not path.is_file():
        return published_curves(pd.DataFrame())
    schema_of, refuse = partial(_checked_schema, path), partial(_refuse, path)
    frame = read_table(path, ["arm"], schema_of, refuse, most_bytes=MOST_BYTES)
    for name in frame["arm"].unique():
        if name not in arms:
            _refuse(path, f"arm {str(name)[:80]!r} is not among the arms of results.json")
    numbers = frame[list(_KEYS[1:])]
    if len(frame) and not ((numbers >= 0) & (numbers <= _LARGEST)).all(axis=None):
        _refuse(path, "a fold, seed or epoch is negative or too large")
    if frame.duplicated(list(_KEYS)).any():
        _refuse(path, "an epoch of a training is given twice")
    return frame


def _checked_schema(path: Path, found: pa.Schema, size: pq.FileMetaData) -> pa.Schema:
    names = list(found.names)
    if unknown := [name for name in names if name not in (*_KEYS, *_VALUES) or names.count(name) > 1]:
        _refuse(path, f"column {unknown[0][:80]!r}: expected {', '.join((*_KEYS, *_VALUES))}, each once")
    if missing := [name for name in _KEYS if name not in names]:
        _refuse(path, f"column {missing[0]!r} is missing")
    if not 0 <= size.num_rows <= MOST_ROWS:
        _refuse(path, f"claims {size.num_rows:,} rows, more than the {MOST_ROWS:,} of a report")
    sizes = [size.row_group(number).total_byte_size for number in range(size.num_row_groups)]
    if any(size < 0 for size in sizes) or sum(sizes) > 8 * MOST_BYTES:
        _refuse(path, "claims more bytes than any report has")
    fields = []
    for name in names:
        kind = found.field(name).type
        plain = kind.value_type if pa.types.is_dictionary(kind) else kind
        if name == "arm":
            fits, read = pa.types.is_string(plain) or pa.types.is_large_string(plain), pa.large_string()
        elif name in _KEYS:
            fits, read = pa.types.is_integer(kind), pa.int64()
        else:
            fits, read = pa.types.is_float32(kind) or pa.types.is_float64(kind), pa.float32()
        if not fits:
            _refuse(path, f"column {name!r}: received {str(kind)[:80]}")
        fields.append(pa.field(name, read))
    return pa.schema(fields)


def _refuse(path: Path, fault: str) -> NoReturn:
    raise ReportError(
        f"{path}: not the learning curves of a report: {fault}; delete the file to read the report without curves, or "
        "take the folder from where it was published again"
    ) from None
