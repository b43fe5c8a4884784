"""Hard clips by class."""

from __future__ import annotations

import pandas as pd
import pytest

from harness.comparisons.missed_clips import HardClips
from harness.report.clip_figures import hard_clip_figure
from tests.report.tidy import assert_tidy, texts

pytestmark = pytest.mark.usefixtures("styled")
CLASSES = ["dog", "rain", "A_b & $x$", "siren"]


def clips(missed: list[str], only: list[tuple[str, str]]) -> HardClips:
    """Return clips of the given classes; ``only`` holds pairs of a clip and its class."""
    fusion = pd.DataFrame([(1, clip, name) for clip, name in only], columns=["fold", "clip_id", "class"])
    return HardClips(pd.DataFrame({"class": missed}, dtype=object), fusion, 99)


def test_counts_by_class_without_empty_ones() -> None:
    figure = hard_clip_figure(clips(["dog", "dog", "A_b & $x$"], [("a", "siren")]), CLASSES, fusion=True)
    assert figure is not None
    assert_tidy(figure)
    missed, rescued = ([bar.get_width() for bar in axes.patches] for axes in figure.axes)
    assert (missed, rescued) == ([2, 1, 0], [0, 0, 1])
    assert "rain" not in [text for text, _ in texts(figure)]


def test_a_clip_that_two_fusions_get_right_counts_once() -> None:
    figure = hard_clip_figure(clips([], [("a", "dog"), ("a", "dog"), ("b", "dog")]), CLASSES, fusion=True)
    assert figure is not None
    assert [bar.get_width() for bar in figure.axes[1].patches] == [2]


def test_without_fusion_one_panel_and_without_clips_none() -> None:
    figure = hard_clip_figure(clips(["dog"], []), CLASSES, fusion=False)
    assert figure is not None
    assert len(figure.axes) == 1
    assert hard_clip_figure(clips([], []), CLASSES, fusion=True) is None


def test_fifty_classes_fit_a_page() -> None:
    names = [f"a class with a rather long name {number}" for number in range(40)]
    figure = hard_clip_figure(clips(names, []), names, fusion=True)
    assert figure is not None
    assert_tidy(figure)
    assert figure.get_figheight() < 9.3
