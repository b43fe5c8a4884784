"""Results are compared to the bit, and what differs is counted."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.replay.predictions import (
    compare_clips,
    compare_histories,
    compare_segments,
    compare_weights,
    rounded_like,
)
from harness.training.metrics import PUBLISHED_PRECISION, SINGLE_PRECISION, published, rounded

COLUMNS = ["p_0", "p_1", "p_2"]


def segments(n_clips: int = 4, seed: int = 0, dtype: type = np.float32) -> pd.DataFrame:
    """Return predictions of clips of three segments, validation and test."""
    random = np.random.default_rng(seed)
    values = random.dirichlet([1, 1, 1], n_clips * 3).astype(dtype)
    table = pd.DataFrame(
        {
            "part": np.repeat(["validation", "test"], [3 * (n_clips // 2), 3 * (n_clips - n_clips // 2)]),
            "clip": np.repeat(np.arange(n_clips), 3),
            "segment": np.tile(np.arange(3), n_clips),
            "y_true": np.repeat(np.arange(n_clips) % 3, 3),
        }
    )
    return table.assign(**{name: values[:, index] for index, name in enumerate(COLUMNS)})


def clips(rows: list[tuple[str, int, float, float]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["clip_id", "y_true", "p_0", "p_1"])


@given(st.integers(2, 8), st.integers(0, 100), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(n_clips: int, seed: int, random: object) -> None:
    table = segments(n_clips, seed)
    order = list(range(len(table)))
    random.shuffle(order)  # type: ignore[attr-defined]
    change = compare_segments(table, table.iloc[order])
    assert change.equal
    assert (change.rows, change.changed, change.largest, change.alone) == (3 * n_clips, 0, 0.0, 0)


@given(st.integers(0, 11), st.sampled_from(COLUMNS))
def test_one_bit_is_found(row: int, column: str) -> None:
    before, after = segments(), segments()
    value = before.loc[row, column]
    after.loc[row, column] = np.nextafter(value, np.float32(2), dtype=np.float32)
    change = compare_segments(before, after)
    assert not change.equal
    assert (change.rows, change.changed, change.alone) == (12, 1, 0)
    assert 0 < change.largest == float(after.loc[row, column]) - float(value)


def test_minus_zero_is_not_zero_and_nan_is_itself() -> None:
    before, after = segments(), segments()
    before.loc[1, "p_0"] = after.loc[1, "p_0"] = np.float32(np.nan)
    assert compare_segments(before, after).equal
    before.loc[0, "p_0"], after.loc[0, "p_0"] = np.float32(0.0), np.float32(-0.0)
    change = compare_segments(before, after)
    assert (change.changed, change.largest) == (1, 0.0)


def test_float32_and_float64_are_compared_by_value() -> None:
    before = segments()
    assert compare_segments(before, before.astype(dict.fromkeys(COLUMNS, np.float64))).equal
    assert compare_segments(before, segments(dtype=np.float64)).changed == 12


@pytest.mark.parametrize(
    ("rounding", "step"),
    [
        (partial(rounded, bits=SINGLE_PRECISION), 1e-6),
        (partial(rounded, bits=PUBLISHED_PRECISION), 1e-3),
        (published, 1e-3),
    ],
    ids=["single", "earlier reports", "reports"],
)
def test_published_predictions_are_compared_in_their_own_precision(
    rounding: Callable[[np.ndarray], np.ndarray], step: float
) -> None:
    def told(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
        values = rounding(table[COLUMNS].to_numpy())
        return {"test": table.assign(**{name: values[:, label] for label, name in enumerate(COLUMNS)})}

    exact = segments(dtype=np.float64).rename(columns={"segment": "clip_id"}).drop(columns="part")
    exact = exact.assign(clip_id=np.arange(len(exact)).astype(str))
    published = told(exact)
    assert not compare_clips(published, {"test": exact}).probabilities.equal
    assert compare_clips(published, rounded_like({"test": exact}, published)).probabilities.equal
    moved = exact.assign(p_0=exact["p_0"] + step)
    assert compare_clips(published, rounded_like({"test": moved}, published)).probabilities.changed == len(exact)
    # A tie is told apart here as in a report.
    near = exact.assign(p_0=0.5, p_1=np.nextafter(0.5, 1))
    assert compare_clips(told(near), rounded_like({"test": near}, told(near))).probabilities.equal
    # A recorded run's are as they were computed.
    assert rounded_like({"test": exact}, {"test": exact})["test"].equals(exact)


def test_a_changed_label_and_missing_rows_are_found() -> None:
    before, after = segments(), segments().drop(index=[3, 7])
    after.loc[0, "y_true"] = 2
    change = compare_segments(before, after)
    assert (change.rows, change.changed, change.alone) == (10, 1, 2)
    assert not compare_segments(before, segments().drop(index=[3])).equal


def test_another_number_of_classes_shares_no_row() -> None:
    change = compare_segments(segments(), segments().drop(columns="p_2"))
    assert (change.rows, change.alone, change.equal) == (0, 24, False)


def test_classes_and_accuracies_of_clips() -> None:
    before = {"test": clips([("a", 0, 0.9, 0.1), ("b", 1, 0.2, 0.8), ("c", 1, 0.3, 0.7)])}
    after = {"test": clips([("c", 1, 0.6, 0.4), ("b", 1, 0.2, 0.8), ("a", 0, 0.8, 0.2)])}
    change = compare_clips(before, after)
    assert (change.probabilities.rows, change.probabilities.changed, change.classes) == (3, 2, 1)
    assert change.probabilities.largest == pytest.approx(0.3)
    assert change.accuracy == {"test": (1.0, 0.75)}


def test_clips_of_one_side_only_and_parts_of_one_side_only() -> None:
    before = {"test": clips([("a", 0, 0.9, 0.1), ("b", 1, 0.2, 0.8)]), "validation": clips([("v", 0, 0.4, 0.6)])}
    after = {"test": clips([("a", 0, 0.9, 0.1)])}
    change = compare_clips(before, after)
    assert (change.probabilities.rows, change.probabilities.alone, change.classes) == (1, 2, 0)
    assert change.accuracy["test"] == (1.0, 1.0)
    assert change.accuracy["validation"][0] == 0.0
    assert math.isnan(change.accuracy["validation"][1])


HISTORY = pd.DataFrame({"epoch": [1, 2, 3], "train_loss": [2.0, 1.0, 0.5], "validation_loss": [math.nan, 1.0, 0.9]})


@pytest.mark.parametrize(
    ("after", "epoch"),
    [
        (HISTORY, None),
        (HISTORY[["validation_loss", "epoch", "train_loss"]], None),
        (HISTORY.assign(train_loss=[2.0, 1.0, np.nextafter(0.5, 1)]), 3),
        (HISTORY.assign(validation_loss=[0.0, 1.0, 0.9]), 1),
        (HISTORY[:2], 3),
        (HISTORY.drop(columns="validation_loss"), 1),
        (pd.DataFrame(), 1),
    ],
)
def test_the_first_epoch_that_differs(after: pd.DataFrame, epoch: int | None) -> None:
    assert compare_histories(HISTORY, after) == epoch
    assert compare_histories(after, HISTORY) == epoch


def test_weights_are_counted_by_array() -> None:
    before = {"a": np.ones(3, np.float32), "b": np.zeros((2, 2), np.float32), "n": np.array(7)}
    # A file keeps a single number as an array of one.
    assert compare_weights(before, {**before, "n": np.array([7])}).changed == 0
    for other, changed in (
        ({**before, "a": np.array([1, 1, np.nextafter(np.float32(1), np.float32(2))], np.float32)}, 1),
        ({**before, "b": np.zeros(4, np.float32)}, 1),
        ({**before, "a": np.ones(3, np.float64)}, 1),
        ({"a": before["a"]}, 2),
        ({}, 3),
    ):
        change = compare_weights(before, other)
        assert (change.arrays, change.changed) == (3, changed)
