"""Dempster's rule against its definition over sets, and its algebra."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from harness.models.fusion import dempster_shafer, mean_fusion, total_conflict

Masses = dict[frozenset[int], float]


def combine_by_sets(first: Masses, second: Masses) -> Masses:
    """Dempster's rule as written: m(A) = sum over intersecting pairs, divided by 1 - K."""
    joint: Masses = {}
    conflict = 0.0
    for b, mass_b in first.items():
        for c, mass_c in second.items():
            if b & c:
                joint[b & c] = joint.get(b & c, 0.0) + mass_b * mass_c
            else:
                conflict += mass_b * mass_c
    return {focal: mass / (1 - conflict) for focal, mass in joint.items()}


def as_masses(row: NDArray[np.float64]) -> Masses:
    return {frozenset([index]): float(mass) for index, mass in enumerate(row)}


@st.composite
def distributions(draw: st.DrawFn, streams: int = 2, smallest: float = 1e-3) -> list[NDArray[np.float64]]:
    """Draw ``streams`` arrays of shape (n, C) whose rows are distributions without zeros."""
    n, classes = draw(st.integers(1, 4)), draw(st.integers(2, 6))
    values = st.floats(smallest, 1.0)
    arrays = [
        np.array(draw(st.lists(values, min_size=n * classes, max_size=n * classes))).reshape(n, classes)
        for _ in range(streams)
    ]
    return [array / array.sum(axis=1, keepdims=True) for array in arrays]


def test_worked_example() -> None:
    # Products .6 * .2, .3 * .5, .1 * .3 = .12, .15, .03; 1 - K = .30.
    fused = dempster_shafer([[[0.6, 0.3, 0.1]], [[0.2, 0.5, 0.3]]])
    assert fused == pytest.approx(np.array([[0.4, 0.5, 0.1]]), abs=1e-12)


@given(distributions())
def test_equals_the_definition_over_sets(streams: list[NDArray[np.float64]]) -> None:
    fused = dempster_shafer(streams)
    for row, first, second in zip(fused, *streams, strict=True):
        oracle = combine_by_sets(as_masses(first), as_masses(second))
        assert row == pytest.approx([oracle[frozenset([index])] for index in range(len(row))], abs=1e-9)


@given(distributions())
def test_commutative(streams: list[NDArray[np.float64]]) -> None:
    assert np.array_equal(dempster_shafer(streams), dempster_shafer(streams[::-1]))


@given(distributions(streams=3))
def test_associative(streams: list[NDArray[np.float64]]) -> None:
    a, b, c = streams
    left = dempster_shafer([dempster_shafer([a, b]), c])
    right = dempster_shafer([a, dempster_shafer([b, c])])
    assert left == pytest.approx(right, abs=1e-9)
    assert dempster_shafer([a, b, c]) == pytest.approx(left, abs=1e-9)


@given(distributions(streams=1))
def test_uniform_mass_is_neutral(streams: list[NDArray[np.float64]]) -> None:
    uniform = np.full_like(streams[0], 1 / streams[0].shape[1])
    assert dempster_shafer([streams[0], uniform]) == pytest.approx(streams[0], abs=1e-12)


@given(distributions(streams=4, smallest=1e-300))
def test_rows_sum_to_one(streams: list[NDArray[np.float64]]) -> None:
    for fused in (dempster_shafer(streams), mean_fusion(streams)):
        assert np.isfinite(fused).all()
        assert fused.sum(axis=1) == pytest.approx(np.ones(len(fused)), abs=1e-12)


def test_no_underflow_where_a_plain_product_is_zero() -> None:
    confident = np.array([[1e-200, 1 - 1e-200]])
    opposite = confident[:, ::-1]
    assert (confident * opposite * confident * opposite == 0).all()
    assert dempster_shafer([confident, opposite, confident, opposite]) == pytest.approx(np.array([[0.5, 0.5]]))


def test_impossible_classes_stay_impossible() -> None:
    fused = dempster_shafer([[[0.5, 0.5, 0.0]], [[0.0, 0.25, 0.75]]])
    assert np.array_equal(fused, [[0.0, 1.0, 0.0]])


def test_total_conflict_falls_back_to_the_mean_and_is_told() -> None:
    streams = [[[1.0, 0.0], [0.5, 0.5]], [[0.0, 1.0], [0.2, 0.8]]]
    assert total_conflict(streams).tolist() == [True, False]
    assert dempster_shafer(streams) == pytest.approx(np.array([[0.5, 0.5], [0.2, 0.8]]))


def test_mean() -> None:
    assert mean_fusion([[[0.6, 0.4]], [[0.2, 0.8]]]) == pytest.approx(np.array([[0.4, 0.6]]))


def test_inputs_are_left_alone() -> None:
    stream = np.array([[0.25, 0.75]])
    dempster_shafer([stream, stream])
    assert np.array_equal(stream, [[0.25, 0.75]])


@pytest.mark.parametrize(
    ("streams", "message"),
    [
        ([], "at least one"),
        ([[[0.5, 0.5]], [[0.2, 0.3, 0.5]]], r"the same shape.*\(1, 2\), \(1, 3\)"),
        ([[0.5, 0.5]], "the same shape"),
        ([[[0.5, 0.6]]], "sums to 1.1"),
        ([[[1.5, -0.5]]], "non-negative"),
        ([[[float("nan"), 0.5]]], "finite"),
    ],
)
def test_what_is_not_a_distribution_is_refused(streams: list[object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dempster_shafer(streams)  # type: ignore[arg-type]
