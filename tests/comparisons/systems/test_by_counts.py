"""Confusion matrices compared: bounds that hold for the predictions they were counted from, and their verdicts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.comparisons.systems.system import ConfusionCounts
from harness.comparisons.systems.system_comparison import compare_systems, systems_from
from harness.errors import ComparisonError
from harness.statistics.clip_tests import mcnemar
from harness.statistics.family import holm


def matrix(name: str, counts: list[list[int]], classes: tuple[str, ...] = ("cat", "dog")) -> ConfusionCounts:
    return ConfusionCounts(name=name, classes=classes, counts=np.array(counts))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0.2, 0.95), min_size=2, max_size=4), st.integers(0, 1000))
def test_the_bounds_hold_for_the_predictions(skills: list[float], seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels, hard = np.arange(200) % 4, rng.random(200)
    right = {f"s{number}": 0.5 * (hard + rng.random(200)) < skill for number, skill in enumerate(skills)}
    tables = {
        name: pd.DataFrame(
            {"clip": np.arange(200), "y_true": labels, "y_pred": np.where(own, labels, (labels + 1) % 4)}
        )
        for name, own in right.items()
    }
    found = compare_systems([system.as_counts() for system in systems_from(tables)])
    tested = [mcnemar(right[each.first], right[each.second]).p for each in found.counts]
    for each, p in zip(found.counts, holm(tested), strict=True):
        assert p is not None
        assert each.p_low is not None
        assert each.p_high is not None
        assert each.p_low - 1e-12 <= p <= each.p_high + 1e-12
        if each.differs:
            assert p < 0.05


def test_verdicts() -> None:
    base = matrix("base", [[90, 10], [40, 60]])
    for name, counts, verdict in (
        ("better", [[99, 1], [1, 99]], "differ"),
        ("between", [[90, 10], [30, 70]], "cannot be told"),
        ("fewer", [[40, 10], [40, 60]], "not shown to differ (other clips)"),
    ):
        (pair,) = compare_systems([base, matrix(name, counts)]).counts
        assert pair.verdict == verdict
    found = compare_systems([base, matrix("fewer", [[40, 10], [40, 60]])])
    assert any("other numbers of clips by class" in note for note in found.notes)
    nearly, perfect = matrix("nearly", [[99, 1], [1, 99]]), matrix("perfect", [[100, 0], [0, 100]])
    (last,) = compare_systems([nearly, perfect]).counts
    assert last.verdict == "not shown to differ"


def test_classes_are_matched_by_name() -> None:
    one, turned = matrix("one", [[9, 1], [4, 6]]), matrix("turned", [[6, 4], [1, 9]], ("dog", "cat"))
    (found,) = compare_systems([one, turned]).counts
    assert found.difference == 0
    with pytest.raises(ComparisonError, match="have clips of other classes: cow, dog"):
        compare_systems([one, matrix("other", [[1, 2], [3, 4]], ("cat", "cow"))])


def test_a_class_that_is_only_predicted_has_no_clips() -> None:
    one = matrix("one", [[9, 1, 0], [4, 5, 1], [0, 0, 0]], ("cat", "dog", "cow"))
    (found,) = compare_systems([one, matrix("other", [[9, 1], [4, 6]])]).counts
    assert abs(found.difference) == pytest.approx(5)
    assert found.bounds is not None


def test_one_matrix_alone_has_intervals() -> None:
    found = compare_systems([matrix("alone", [[9, 1], [4, 6]])])
    assert found.standings[0].over_clips is not None
    low, high = found.standings[0].over_clips
    assert low < 75.0 < high
    assert found.counts == found.groups == ()
