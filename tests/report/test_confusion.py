"""Confusion matrices: tidy at every size, and the percent that was asked for."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.collections import LineCollection

from harness.report.confusion import confusion_figure, row_percent
from harness.report.style import TEXT_WIDTH
from tests.report.tidy import assert_tidy, texts

pytestmark = pytest.mark.usefixtures("styled")


@pytest.mark.parametrize(
    ("n", "name"),
    [(1, "x"), (2, "yes"), (10, "children_playing"), (10, "A_b & 100 % #1 é $x$ 音"), (50, "a class with a long name")],
)
def test_confusion_is_tidy(n: int, name: str) -> None:
    counts = np.random.default_rng(0).integers(0, 9, (n, n))
    figure = confusion_figure(counts, [f"{name} {number}" for number in range(n)], "$Arm$ & Co", "n = 3 tests")
    assert_tidy(figure)
    assert figure.get_figwidth() <= TEXT_WIDTH + 0.06
    cells = figure.axes[0].texts
    assert len(cells) == 2 * n + (np.count_nonzero(counts) if n <= 16 else 0)


def test_confusion_prints_percent_of_the_true_class() -> None:
    counts = np.array([[3, 1, 0], [0, 299, 1], [0, 0, 0]])
    assert row_percent(counts)[0].tolist() == [75.0, 25.0, 0.0]
    assert np.isnan(row_percent(counts)[2]).all()
    shown = [text for text, _ in texts(confusion_figure(counts, ["a", "b", "c"], "t", "n"))]
    assert {"75", "25", "100", "<1"} <= set(shown)
    assert "nan" not in shown


def test_grid_of_the_confusion_lies_between_cells() -> None:
    axes = confusion_figure(np.eye(3, dtype=np.int64), ["a", "b", "c"], "t", "n").axes[0]
    lines = [each for each in axes.collections if isinstance(each, LineCollection)]
    assert sorted({round(float(segment[0][1]), 1) for segment in lines[0].get_segments()}) == [0.5, 1.5]
