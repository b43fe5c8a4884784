"""Predictions and curves of thousands of trainings as one table each.

Files are read as columns and joined once: a pandas table for each file would take ten times as long as reading it.
Only what a report needs is kept of each training: its test part and its curves.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from harness.errors import TrackingError
from harness.tracking import names
from harness.tracking.files import CurveText, curve_table, curve_text, fetched, read_part
from harness.tracking.store import Store
from harness.tracking.stored_folds import predictions_of

if TYPE_CHECKING:
    from mlflow.entities import Run

_KEYS = ["arm", "fold", "seed"]
_IDENTITY = ["clip_id", "recording", "y_true"]
_COUNTS = ["n_segments", "n_segments_correct"]


def gather_tables(store: Store, runs: Sequence[Run], n_classes: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return ``StudyRecord.predictions`` and ``StudyRecord.history`` of finished final trainings, in the order of the
    runs.

    Raises
    ------
    TrackingError
        When a training has no test predictions, or a file is damaged.
    """
    columns = [*_IDENTITY, *(f"p_{label}" for label in range(n_classes)), *_COUNTS]
    tables: list[Any] = []
    curves: list[CurveText] = []
    for run in runs:
        with fetched(store, run) as file:
            tables.append(_tested(run, predictions_of(store, run, file), columns))
            history = file(names.HISTORY_FILE)
            curves.append(CurveText() if history is None else curve_text(history))
    return _predictions(runs, tables, columns), _history(runs, curves)


def _tested(run: Run, file: Path, columns: list[str]) -> Any:
    """Return the test part of a training's predictions as an Arrow table."""
    who = f"run {run.info.run_id} ({run.data.tags[names.TASK_KEY_TAG]})"
    table = read_part(file, "test")
    if not len(table):
        raise TrackingError(f"{who} is final but contains no test predictions")
    missing = [column for column in columns if column not in table.column_names]
    if missing:
        raise TrackingError(f"{who}: its predictions have no columns {', '.join(missing)}")
    return table.select(columns)


def _predictions(runs: Sequence[Run], tables: list[Any], columns: list[str]) -> pd.DataFrame:
    if not tables:
        return pd.DataFrame(columns=[*_KEYS, *columns])
    import pyarrow as pa

    try:
        joined = pa.concat_tables(tables, promote_options="permissive").to_pandas()
    except pa.ArrowException as error:
        raise TrackingError(f"the predictions of the trainings have columns of different types: {error}") from None
    return _labelled(runs, [len(table) for table in tables], joined)


def _history(runs: Sequence[Run], curves: list[CurveText]) -> pd.DataFrame:
    if not any(len(curve) for curve in curves):
        return pd.DataFrame(columns=[*_KEYS, "epoch"])
    return _labelled(runs, [len(curve) for curve in curves], curve_table(curves))


def _labelled(runs: Sequence[Run], lengths: list[int], table: pd.DataFrame) -> pd.DataFrame:
    """Return ``table``, the concatenated rows of ``runs``, with arm, fold and seed as first columns."""
    tags = [run.data.tags for run in runs]
    arms = np.repeat(np.array([each["arm"] for each in tags], dtype=object), lengths)
    folds, seeds = (
        np.repeat(np.array([int(each[key]) for each in tags], dtype=np.int64), lengths) for key in _KEYS[1:]
    )
    return table.assign(arm=pd.Series(arms, dtype="str"), fold=folds, seed=seeds)[[*_KEYS, *table.columns]]
