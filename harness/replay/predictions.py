"""How far two results of one training differ: predictions, history and weights, compared bit by bit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.training.metrics import (
    PUBLISHED_PRECISION,
    PUBLISHED_STEP,
    SINGLE_PRECISION,
    probability_columns,
    published,
    rounded,
    table_scores,
)

_SEGMENT = ["part", "clip", "segment"]
# How reports publish probabilities, this version's and two earlier ones: the one with the fewest digits first.
_ROUNDINGS = (published, partial(rounded, bits=PUBLISHED_PRECISION), partial(rounded, bits=SINGLE_PRECISION))


@dataclass(frozen=True)
class RowChange:
    """Two tables of probabilities, compared row by row.

    Attributes
    ----------
    rows
        Rows that both hold.
    changed
        Those with a probability or label that is not bit-identical.
    largest
        Largest difference of a probability.
    alone
        Rows that only one of them holds.
    """

    rows: int
    changed: int
    largest: float
    alone: int

    @property
    def equal(self) -> bool:
        """Whether nothing differs."""
        return not (self.changed or self.alone)


@dataclass(frozen=True)
class ClipChange:
    """Two tables of clip predictions.

    ``classes`` counts the clips (of those that both hold) whose predicted class differs; ``accuracy`` holds both macro
    accuracies by part, as fractions, NaN if one lacks the part.
    """

    probabilities: RowChange
    classes: int
    accuracy: Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class WeightChange:
    """Two state dicts: the number of arrays in all, and of those that are not bit-identical."""

    arrays: int
    changed: int


def compare_segments(before: pd.DataFrame, after: pd.DataFrame) -> RowChange:
    """Compare two tables like ``FoldResult.predictions``; the order of rows does not matter."""
    return _rows(before, after, _SEGMENT)


def compare_clips(before: Mapping[str, pd.DataFrame], after: Mapping[str, pd.DataFrame]) -> ClipChange:
    """Compare clip predictions by part, as :func:`harness.training.metrics.clip_predictions` returns them."""
    accuracy = {part: (_accuracy(before.get(part)), _accuracy(after.get(part))) for part in sorted({*before, *after})}
    first, second = _stacked(before), _stacked(after)
    key = ["part", "clip_id"]
    both = first[key].merge(second[key], on=key)
    classes = [_predicted(table, both, key) for table in (first, second)]
    return ClipChange(_rows(first, second, key), int((classes[0] != classes[1]).sum()), accuracy)


def rounded_like(parts: Mapping[str, pd.DataFrame], published: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return clip predictions in the precision of ``published`` ones.

    Reports have probabilities in float32, rounded by :func:`harness.training.metrics.published` to even fewer digits.
    """
    found = dict(parts)
    for part, table in published.items():
        columns = probability_columns(table)
        if (
            part not in found
            or not {*columns} <= {*found[part]}
            or set(table.dtypes[columns]) != {np.dtype(np.float32)}
        ):
            continue
        printed = table[columns].to_numpy(np.float64)
        # The majority decides, in case numbers were edited. Only small numbers have digits below the step.
        small = (printed > 0) & (printed < 2.0**PUBLISHED_PRECISION * PUBLISHED_STEP / 2)
        telling = small if small.any() else np.ones_like(small)
        rounding = next(each for each in _ROUNDINGS if (each(printed) == printed)[telling].mean() > 0.5)
        values = rounding(found[part][columns].to_numpy(np.float64))
        found[part] = found[part].assign(**{name: values[:, label] for label, name in enumerate(columns)})
    return found


def compare_histories(before: pd.DataFrame, after: pd.DataFrame) -> int | None:
    """Return the first epoch at which two histories differ in any value or length; None if they are equal."""
    if set(before.columns) != set(after.columns):
        return 1
    shorter = min(len(before), len(after))
    columns = list(before.columns)
    first, second = (table[columns].to_numpy(np.float64)[:shorter] for table in (before, after))
    same = (first == second) | (np.isnan(first) & np.isnan(second))
    rows = np.flatnonzero(~same.all(axis=1))
    if len(rows):
        return int(rows[0]) + 1
    return None if len(before) == len(after) else shorter + 1


def compare_weights(before: Mapping[str, NDArray[Any]], after: Mapping[str, NDArray[Any]]) -> WeightChange:
    """Compare two state dicts."""
    names = {*before, *after}
    equal = sum(name in before and name in after and _same_array(before[name], after[name]) for name in names)
    return WeightChange(len(names), len(names) - equal)


def _same_array(first: NDArray[Any], second: NDArray[Any]) -> bool:
    # Scalars are read back from a file as arrays of one element.
    shapes = [np.atleast_1d(array).shape for array in (first, second)]
    return shapes[0] == shapes[1] and first.dtype == second.dtype and first.tobytes() == second.tobytes()


def _rows(before: pd.DataFrame, after: pd.DataFrame, key: list[str]) -> RowChange:
    columns = probability_columns(before)
    if probability_columns(after) != columns:
        # With another number of classes, no row matches.
        return RowChange(0, 0, 0.0, len(before) + len(after))
    keys = [pd.MultiIndex.from_frame(table[key]) for table in (before, after)]
    both = keys[0].intersection(keys[1])
    first, second = (table.iloc[index.get_indexer(both)] for table, index in zip((before, after), keys, strict=True))
    values = [table[columns].to_numpy() for table in (first, second)]
    if values[0].dtype != values[1].dtype:
        values = [each.astype(np.float64) for each in values]
    changed = (_bits(values[0]) != _bits(values[1])).any(axis=1)
    changed |= first["y_true"].to_numpy() != second["y_true"].to_numpy()
    apart = np.abs(values[0].astype(np.float64) - values[1].astype(np.float64))
    alone = len(before) + len(after) - 2 * len(both)
    return RowChange(len(both), int(changed.sum()), float(np.fmax.reduce(apart, axis=None, initial=0.0)), alone)


def _bits(values: NDArray[Any]) -> NDArray[Any]:
    """Return the numbers' bit patterns: NaN equals itself, 0 does not equal -0."""
    return np.ascontiguousarray(values).view(f"u{values.dtype.itemsize}")


def _stacked(parts: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    return pd.concat([table.assign(part=part) for part, table in parts.items()], ignore_index=True)


def _predicted(table: pd.DataFrame, rows: pd.DataFrame, key: list[str]) -> NDArray[np.int64]:
    index = pd.MultiIndex.from_frame(table[key]).get_indexer(pd.MultiIndex.from_frame(rows))
    classes: NDArray[np.int64] = table[probability_columns(table)].to_numpy()[index].argmax(axis=1)
    return classes


def _accuracy(table: pd.DataFrame | None) -> float:
    if table is None or table.empty:
        return float("nan")
    return table_scores(table, len(probability_columns(table))).macro_accuracy
