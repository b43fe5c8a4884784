"""Differences between arms: dots, interval and margin where the numbers are; as many pairs as a page holds."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from harness.report.contrast_figures import contrast_figure, drawn_pairs
from harness.report.evidence import Evidence
from tests.report.tidy import assert_tidy, texts

pytestmark = pytest.mark.usefixtures("styled")


def test_folds_mean_and_interval_lie_at_their_values(evidence: Evidence) -> None:
    contrasts = evidence.arms.contrasts
    figure = contrast_figure(contrasts, 2.0)
    assert figure is not None
    assert_tidy(figure)
    values = np.concatenate([np.asarray(line.get_xdata(), float) for line in figure.axes[0].lines])
    for each in contrasts:
        assert each.test is not None
        for value in (*each.folds.values(), each.mean, each.test.low, each.test.high):
            assert np.isclose(values, value).any()
    (band,) = figure.axes[0].patches
    assert (band.get_x(), band.get_x() + band.get_width()) == (-2.0, 2.0)
    assert any("±2 points" in text for text, _ in texts(figure))


def test_pairs_on_different_folds_are_left_out(evidence: Evidence) -> None:
    refused = dataclasses.replace(evidence.arms.contrasts[0], folds={}, mean=float("nan"), test=None)
    assert contrast_figure([refused], 2.0) is None
    assert drawn_pairs([refused, evidence.arms.contrasts[1]]) == [evidence.arms.contrasts[1]]


def test_one_fold_has_no_interval(evidence: Evidence) -> None:
    one = dataclasses.replace(evidence.arms.contrasts[0], folds={2: 1.5}, mean=1.5, test=None)
    figure = contrast_figure([one], 2.0)
    assert figure is not None
    assert not any(len(line.get_xdata()) == 2 and line.get_marker() == "|" for line in figure.axes[0].lines)


def test_many_pairs_with_long_names_fit_a_page(evidence: Evidence) -> None:
    long = [
        dataclasses.replace(evidence.arms.contrasts[0], first=f"A_b & $x$ image:mel+mfcc+spectrogram {number}")
        for number in range(66)
    ]
    figure = contrast_figure(long, 2.0)
    assert figure is not None
    assert_tidy(figure)
    assert figure.get_figheight() < 8.5
    assert 10 < len(drawn_pairs(long)) < 66
    assert drawn_pairs(long) == long[: len(drawn_pairs(long))]
