"""Training curves: loss and accuracy over epochs, thin lines for folds and a thick one for the mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from harness.report import style
from harness.report.cells import count
from harness.report.evidence import Evidence
from harness.report.report_section import Curves, Drawing, Section
from harness.report.style import BLACK, BLUE, TEXT_WIDTH, TITLE_SIZE, VERMILLION


@dataclass(frozen=True)
class _Curve:
    column: str
    label: str
    colour: str
    dashes: str | tuple[int, tuple[float, ...]]


_LOSS = (
    _Curve("train_loss", "training", BLUE, "-"),
    _Curve("validation_loss", "validation", VERMILLION, (0, (5, 1.5))),
)
_ACCURACY = (
    _Curve("train_segment_accuracy", "training (segments)", BLUE, "-"),
    _Curve("validation_macro_accuracy", "validation (macro)", VERMILLION, (0, (5, 1.5))),
    _Curve("test_macro_accuracy", "test (macro; chose the epoch)", BLACK, (0, (1.2, 1.2))),
)
# Inches of the curves' figure: its height, and the space around each panel for ticks, labels, title and legend.
_CURVES_HEIGHT, _LEFT, _RIGHT, _ABOVE, _BELOW = 2.45, 0.58, 0.08, 0.28, 0.68


def sections(evidence: Evidence) -> Iterator[Section]:
    """Yield the section on the trainings of the arms that are no fusions."""
    yield Section("training", "Training", figures=tuple(_drawings(evidence)))


def _drawings(evidence: Evidence) -> Iterator[Drawing]:
    history, predictions = evidence.record.history, evidence.record.predictions
    for arm, stem in evidence.stems.items():
        if arm not in evidence.fused:
            trained = predictions[predictions["arm"] == arm]
            caption = (
                f"Training curves of {arm}: each fold thin (mean of {count(trained['seed'].nunique(), 'seed')}), the "
                f"mean over {count(trained['fold'].nunique(), 'fold')} thick; the mean ends where the first fold stops."
            )
            own = history[history["arm"] == arm] if len(history) else history
            yield Curves(f"curves-{stem}", caption, partial(curves_figure, own, arm), arm, own)


def curves_figure(history: pd.DataFrame, title: str) -> Figure | None:
    """Return loss and accuracy over epochs, with thin lines for folds and a thick one for their mean; None without
    epochs.

    ``history`` has ``fold``, ``seed``, ``epoch`` and the columns of FoldResult.history. Seeds are averaged within a
    fold. The mean ends where the first fold stops.
    """
    if history.empty:
        return None
    figure = Figure(figsize=(TEXT_WIDTH, _CURVES_HEIGHT))
    width = TEXT_WIDTH / 2 - _LEFT - _RIGHT
    height = _CURVES_HEIGHT - _BELOW - _ABOVE
    loss = style.place(figure, _LEFT, _BELOW, width, height)
    accuracy = style.place(figure, TEXT_WIDTH / 2 + _LEFT, _BELOW, width, height)
    draw_curves(loss, history, _LOSS, scale=1.0)
    draw_curves(accuracy, history, _ACCURACY, scale=100.0)
    loss.set_ylabel("Cross-entropy loss (nats)")
    accuracy.set_ylabel("Accuracy in %")
    style.write(figure, 0.04, _CURVES_HEIGHT - 0.04, style.literal(title, 80), va="top", fontsize=TITLE_SIZE)
    handles, labels = accuracy.get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="lower center", ncols=len(handles), borderpad=0.1)
    return figure


def draw_curves(axes: Axes, history: pd.DataFrame, curves: Sequence[_Curve], scale: float) -> None:
    """Plot the ``curves`` that ``history`` has over its epochs.

    Parameters
    ----------
    axes
        Axes to draw on.
    history
        One row per fold, seed and epoch, as in :func:`curves_figure`.
    curves
        Columns to draw, with their labels and line styles; columns that are missing or not finite are skipped.
    scale
        Factor from the values of ``history`` to those drawn: 100 for fractions in percent.
    """
    n_folds = history["fold"].nunique()
    for curve in curves:
        if curve.column not in history or not np.isfinite(history[curve.column].to_numpy(float)).any():
            continue
        values = history.assign(value=history[curve.column].astype(float).where(np.isfinite) * scale)
        by_fold = values.pivot_table(index="epoch", columns="fold", values="value", aggfunc="mean")
        marker = "o" if len(by_fold) == 1 else ""
        if n_folds > 1:
            axes.plot(by_fold.index, by_fold, color=curve.colour, linewidth=0.6, alpha=0.35, linestyle=curve.dashes)
        mean = by_fold.mean(axis=1, skipna=False).dropna()
        axes.plot(mean.index, mean, color=curve.colour, linestyle=curve.dashes, label=curve.label, marker=marker, ms=3)
    axes.set_xlabel("Epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    axes.grid(axis="y")
