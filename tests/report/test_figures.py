"""Figures: everything inside the page, nothing on top of each other, and the numbers that were asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from harness.comparisons.scores import score_study
from harness.record import StudyRecord
from harness.report.confusion import confusion_figure, row_percent
from harness.report.figures import curves_figure, fold_figure, wrapped
from harness.report.style import TEXT_WIDTH, figure_style

MakeRecord = Callable[..., StudyRecord]


@pytest.fixture(autouse=True)
def styled() -> Iterator[None]:
    """Draw as reports do."""
    with figure_style():
        yield


def texts(figure: Figure) -> list[tuple[str, Bbox]]:
    """Return every text that is drawn, with its place in pixels."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw_without_rendering()
    found: list[Text] = [*figure.texts, *(text for legend in figure.legends for text in legend.get_texts())]
    for axes in figure.axes:
        found += [*axes.texts, axes.xaxis.label, axes.yaxis.label]
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            found += [tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
            found += [tick.label2 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
    return [
        (text.get_text(), text.get_window_extent(renderer)) for text in found if text.get_visible() and text.get_text()
    ]


def assert_tidy(figure: Figure) -> None:
    placed = texts(figure)
    for text, box in placed:
        assert box.x0 >= -1, text
        assert box.y0 >= -1, text
        assert box.x1 <= figure.bbox.width + 1, text
        assert box.y1 <= figure.bbox.height + 1, text
    for position, (text, box) in enumerate(placed):
        for other, second in placed[position + 1 :]:
            shared = Bbox.intersection(box, second)
            assert shared is None or min(shared.width, shared.height) < 1.5, f"{text!r} lies on {other!r}"


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


@pytest.mark.parametrize(("n_arms", "n_folds", "n_seeds"), [(1, 1, 1), (4, 5, 2), (12, 10, 1)])
def test_fold_figure_is_tidy(make_record: MakeRecord, n_arms: int, n_folds: int, n_seeds: int) -> None:
    names = [
        f"A_b & 100 % image:mel+mfcc+spectrogram{number}" if number % 4 == 0 else f"arm{number}" for number in range(12)
    ]
    record = make_record(
        dataset="urbansound8k",
        trained=[(name, "su4", "LMC", 1.0) for name in names[:n_arms]],
        fused=None,
        folds=range(1, n_folds + 1),
        n_seeds=n_seeds,
        clips_per_class=2,
    )
    figure = fold_figure(score_study(record), [names[0]])
    assert_tidy(figure)
    assert figure.get_figheight() < 9.3, "fits a page with its caption"


def test_fold_figure_shows_every_fold_and_the_mean(record: StudyRecord) -> None:
    scores = score_study(record)
    axes = fold_figure(scores, ["TSCNN-DS"]).axes[0]
    drawn = np.concatenate([np.asarray(line.get_xdata(), float) for line in axes.lines])
    for value in [*scores.folds["macro_accuracy"], *scores.arms["macro_accuracy_mean"]]:
        assert np.isclose(drawn, 100 * value).any()
    low = scores.arms["macro_accuracy_mean"] - scores.arms["macro_accuracy_sd"]
    assert all(np.isclose(drawn, 100 * value).any() for value in low)
    summary = scores.arms.iloc[0]
    expected = f"{100 * summary['macro_accuracy_mean']:.1f} ± {100 * summary['macro_accuracy_sd']:.1f}  (n = 5)"
    assert expected in [text.get_text() for text in axes.texts]


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


def test_names_wrap_at_the_signs_that_join_them() -> None:
    assert wrapped("ResNet image:mel+mfcc+spectrogram_0", 26) == "ResNet image:mel+mfcc+\nspectrogram_0"
    assert wrapped("LMCNet", 26) == "LMCNet"
    assert max(map(len, wrapped("x" * 60, 26).split("\n"))) == 26


def test_users_settings_do_not_change_a_figure(record: StudyRecord) -> None:
    import matplotlib as mpl

    from harness.report import curves_png

    history = record.history.query("arm == 'LMCNet' and fold == 1 and seed == 0").drop(columns=["arm", "fold", "seed"])
    plain = curves_png(history, "t")
    with mpl.rc_context({"font.size": 20, "axes.grid": True, "lines.linewidth": 9}):
        assert curves_png(history, "t") == plain
        assert mpl.rcParams["font.size"] == 20


def test_grid_of_the_confusion_lies_between_cells() -> None:
    axes = confusion_figure(np.eye(3, dtype=np.int64), ["a", "b", "c"], "t", "n").axes[0]
    lines = [each for each in axes.collections if isinstance(each, LineCollection)]
    assert sorted({round(float(segment[0][1]), 1) for segment in lines[0].get_segments()}) == [0.5, 1.5]
