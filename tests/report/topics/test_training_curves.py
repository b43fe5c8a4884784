"""Training curves: folds, their mean, and histories with gaps."""

from __future__ import annotations

import numpy as np
import pytest

from harness.record import StudyRecord
from harness.report.topics.training_curves import curves_figure
from tests.report.tidy import assert_tidy, texts

pytestmark = pytest.mark.usefixtures("styled")


class TestCurves:
    def test_tidy_with_folds_thin_and_their_mean(self, record: StudyRecord) -> None:
        history = record.history[record.history["arm"] == "LMCNet"]
        figure = curves_figure(history, "LMCNet")
        assert figure is not None
        assert_tidy(figure)
        loss = figure.axes[0]
        assert len(loss.lines) == 2 * (5 + 1)
        mean = next(line for line in loss.lines if line.get_label() == "training")
        expected = history.groupby(["epoch", "fold"])["train_loss"].mean().groupby("epoch").mean()
        assert np.asarray(mean.get_ydata(), float) == pytest.approx(expected.to_numpy())

    def test_the_mean_ends_where_the_first_fold_stops(self, record: StudyRecord) -> None:
        history = record.history[record.history["arm"] == "LMCNet"]
        stopped = history[(history["fold"] != 2) | (history["epoch"] <= 12)]
        figure = curves_figure(stopped, "LMCNet")
        assert figure is not None
        mean = next(line for line in figure.axes[0].lines if line.get_label() == "training")
        assert np.max(np.asarray(mean.get_xdata())) == 12

    def test_no_validation_one_epoch_and_a_diverged_loss(self, record: StudyRecord) -> None:
        history = record.history[record.history["arm"] == "LMCNet"].assign(
            validation_loss=np.nan, validation_macro_accuracy=np.nan
        )
        one = history[history["epoch"] == 1].assign(train_loss=np.inf)
        figure = curves_figure(one, "LMCNet")
        assert figure is not None
        assert_tidy(figure)
        assert len(figure.axes[0].lines) == 0
        assert curves_figure(history.iloc[:0], "LMCNet") is None

    def test_best_on_test_shows_the_test_curve(self, record: StudyRecord) -> None:
        history = record.history[record.history["arm"] == "LMCNet"].assign(test_macro_accuracy=0.5)
        figure = curves_figure(history, "LMCNet")
        assert figure is not None
        assert "test (macro; chose the epoch)" in [text for text, _ in texts(figure)]
