"""Dumbbells: both ends where the numbers are, tidy for few and many classes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from matplotlib.colors import same_color

from harness.report.claim_figures import dumbbell_figure
from harness.report.evidence import Evidence
from harness.report.style import BLUE, TEXT_WIDTH
from tests.report.tidy import assert_tidy, texts

pytestmark = pytest.mark.usefixtures("styled")


@pytest.mark.parametrize("abreast", [1, 2])
def test_tidy_within_the_line(us8k: Evidence, abreast: int) -> None:
    figure = dumbbell_figure(us8k.claims[:abreast], us8k.record.classes)
    assert_tidy(figure)
    assert len(figure.axes) == abreast
    assert figure.get_figwidth() <= TEXT_WIDTH


def test_ends_lie_at_the_claimed_and_the_measured_accuracy(us8k: Evidence) -> None:
    each = us8k.claims[3]
    axes = dumbbell_figure([each], us8k.record.classes).axes[0]
    claimed, measured = (next(line for line in axes.lines if line.get_marker() == sign) for sign in "Do")
    assert same_color(measured.get_color(), BLUE)
    # Table 2 of the paper, and its average.
    np.testing.assert_allclose(claimed.get_xdata(), [99.9, 94.2, 97.5, 95.3, 97.2, 99.6, 95.4, 97.1, 98.9, 96.9, 97.2])
    own = [each.classes[name][1] for name in us8k.record.classes]
    np.testing.assert_allclose(measured.get_xdata(), [*own, np.mean(own)])
    np.testing.assert_allclose(claimed.get_ydata(), measured.get_ydata())


def test_fifty_classes_with_long_names_fit_a_page(us8k: Evidence) -> None:
    names = [f"A_b & 100 % of $x$ in class {number}" for number in range(50)]
    many = dataclasses.replace(us8k.claims[0], classes={name: (90.0, 40.0 + place) for place, name in enumerate(names)})
    figure = dumbbell_figure([many, many], names)
    assert_tidy(figure)
    assert figure.get_figheight() < 9.3
    assert "Average" in [text for text, _ in texts(figure)]
