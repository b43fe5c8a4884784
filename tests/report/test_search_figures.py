"""The search drawn: every state apart, the running best over complete trials, importances beside."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harness.report.search_figures import search_figure
from tests.report.tidy import assert_tidy, texts

pytestmark = pytest.mark.usefixtures("styled")


def search(states: list[tuple[str, float | None]], importance: dict[str, float] | None = None) -> dict[str, Any]:
    trials = [
        {"trial": number, "state": state, "validation_macro_accuracy": {} if mean is None else {"1": mean}}
        for number, (state, mean) in enumerate(states)
    ]
    return {"trials": trials, "importance": importance or {}}


MIXED = [("complete", 0.6), ("pruned", 0.9), ("failed", None), ("complete", 0.5), ("complete", 0.7)]


def test_states_are_apart_and_the_best_runs_over_complete_trials() -> None:
    figure = search_figure(search(MIXED, {"train.lr": 0.7, "model.dropout": 0.3}), "$A_b$ & Co")
    assert figure is not None
    assert_tidy(figure)
    history, shares = figure.axes
    by_label = {line.get_label(): line for line in history.lines}
    np.testing.assert_allclose(by_label["best so far"].get_ydata(), [60, 60, 70, 70])
    np.testing.assert_array_equal(by_label["complete"].get_xdata(), [0, 3, 4])
    np.testing.assert_array_equal(by_label["pruned"].get_xdata(), [1])
    np.testing.assert_array_equal(by_label["failed"].get_xdata(), [2])
    assert len({line.get_marker() for line in history.lines if line.get_marker() != "None"}) == 3
    assert [bar.get_width() for bar in shares.patches] == pytest.approx([70, 30])


def test_importances_come_largest_first_and_not_too_many() -> None:
    importance = {f"train.some_long_hyperparameter_{number}": number / 120 for number in range(16)}
    figure = search_figure(search(MIXED, importance), "arm")
    assert figure is not None
    assert_tidy(figure)
    widths = [bar.get_width() for bar in figure.axes[1].patches]
    assert len(widths) == 12
    assert widths == sorted(widths, reverse=True)


@pytest.mark.parametrize("states", [[("complete", 0.5)], [("failed", None)], [("pruned", 0.5)], MIXED * 40])
def test_few_and_many_trials_are_tidy(states: list[tuple[str, float | None]]) -> None:
    figure = search_figure(search(states), "arm")
    assert figure is not None
    assert_tidy(figure)
    assert len(figure.axes) == 1


def test_no_trial_no_figure() -> None:
    assert search_figure(search([]), "arm") is None


def test_only_states_that_occur_are_named() -> None:
    figure = search_figure(search([("complete", 0.5), ("complete", 0.6)]), "arm")
    assert figure is not None
    assert not {"pruned", "failed"} & {text for text, _ in texts(figure)}
