"""The bootstrap of many systems at once: the draws of the one for a single system, and of a plain one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import StatisticsError
from harness.statistics.bootstrap import accuracy_difference_bootstrap, clustered_bootstrap, macro_accuracy_bootstrap
from harness.statistics.joint_bootstrap import macro_accuracy_draws


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(4, 40),
    systems=st.integers(1, 4),
    classes=st.integers(1, 5),
    folds=st.integers(1, 4),
    recordings=st.integers(2, 12),
    seed=st.integers(0, 10_000),
)
def test_it_has_the_numbers_of_the_bootstrap_of_one_system(
    n: int, systems: int, classes: int, folds: int, recordings: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    correct = rng.integers(0, 3, size=(n, systems)) / 2  # fractions of two seeds
    labels, fold = rng.integers(classes, size=n), rng.integers(folds, size=n)
    group = rng.integers(recordings, size=n)
    group[:2] = [0, 1]
    found = macro_accuracy_draws(correct, labels, group, folds=fold, resamples=60, seed=seed)
    assert found.shape == (60, systems)
    for system in range(systems):
        alone = macro_accuracy_bootstrap(correct[:, system], labels, group, folds=fold, resamples=60, seed=seed)
        assert np.quantile(found[:, system], [0.025, 0.975]) == pytest.approx([alone.low, alone.high], abs=1e-12)
    if systems > 1:
        pair = accuracy_difference_bootstrap(
            correct[:, 0], correct[:, 1], labels, group, folds=fold, resamples=60, seed=seed
        )
        difference = found[:, 0] - found[:, 1]
        assert np.quantile(difference, [0.025, 0.975]) == pytest.approx([pair.low, pair.high], abs=1e-12)


def test_it_has_the_numbers_of_a_plain_bootstrap() -> None:
    rng = np.random.default_rng(5)
    labels, group = rng.integers(3, size=50), rng.integers(9, size=50)
    correct = rng.random((50, 2)) < 0.7

    def macro(rows: np.ndarray) -> float:
        return float(np.mean([correct[rows][labels[rows] == one, 1].mean() for one in np.unique(labels[rows])]))

    plain = clustered_bootstrap(group, macro, resamples=100, seed=3)
    found = macro_accuracy_draws(correct, labels, group, resamples=100, seed=3)[:, 1]
    assert np.quantile(found, [0.025, 0.975]) == pytest.approx([plain.low, plain.high], abs=1e-12)


@pytest.mark.parametrize(
    ("correct", "labels", "groups", "message"),
    [
        ([0.5, 1], [0, 1], [0, 1], "received the shape \\(2,\\)"),
        ([[0.5], [2]], [0, 1], [0, 1], "in 0..1"),
        ([[1], [0]], [0], [0, 1], "labels has the shape \\(1,\\)"),
        ([[1], [0]], [0, 1], [0, 0], "at least 2 groups"),
    ],
)
def test_faulty_input_is_refused(correct: object, labels: object, groups: object, message: str) -> None:
    with pytest.raises(StatisticsError, match=message):
        macro_accuracy_draws(correct, labels, groups, seed=0)  # type: ignore[arg-type]
