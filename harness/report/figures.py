"""The figures of a report: training curves per arm, fold accuracies across arms."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from harness.comparisons.scores import StudyScores
from harness.report.style import (
    BLACK,
    BLUE,
    GREEN,
    TEXT_WIDTH,
    TITLE_SIZE,
    VERMILLION,
    literal,
    place,
    text_inches,
    write,
)
from harness.report.wording import NOTHING, percent


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
# Where in an arm's band, one unit high, its mean lies: below the folds' dots.
_MEAN_LANE = 0.3
# Inches of the curves' figure: its height, and the room around each panel for ticks, labels, title and legend.
_CURVES_HEIGHT, _LEFT, _RIGHT, _ABOVE, _BELOW = 2.45, 0.58, 0.08, 0.28, 0.68
# The same below the fold accuracies: ticks, label and a legend of two lines.
_FOLDS_BELOW = 0.82


def curves_figure(history: pd.DataFrame, title: str) -> Figure | None:
    """Return loss and accuracy over epochs: folds thin, their mean thick; None when there is no epoch.

    ``history`` has ``fold``, ``seed``, ``epoch`` and the columns of FoldResult.history. Seeds are averaged within a
    fold. The mean ends where the first fold stops.
    """
    if history.empty:
        return None
    figure = Figure(figsize=(TEXT_WIDTH, _CURVES_HEIGHT))
    width = TEXT_WIDTH / 2 - _LEFT - _RIGHT
    height = _CURVES_HEIGHT - _BELOW - _ABOVE
    loss = place(figure, _LEFT, _BELOW, width, height)
    accuracy = place(figure, TEXT_WIDTH / 2 + _LEFT, _BELOW, width, height)
    draw_curves(loss, history, _LOSS, scale=1.0)
    draw_curves(accuracy, history, _ACCURACY, scale=100.0)
    loss.set_ylabel("Cross-entropy loss (nats)")
    accuracy.set_ylabel("Accuracy in %")
    write(figure, 0.04, _CURVES_HEIGHT - 0.04, literal(title, 80), va="top", fontsize=TITLE_SIZE)
    handles, labels = accuracy.get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="lower center", ncols=len(handles), borderpad=0.1)
    return figure


def draw_curves(axes: Axes, history: pd.DataFrame, curves: Sequence[_Curve], scale: float) -> None:
    """Draw the ``curves`` that ``history`` has over its epochs."""
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


def fold_figure(scores: StudyScores, fused: Sequence[str]) -> Figure:
    """Return every arm's macro accuracy: a dot a fold, the mean and one standard deviation over folds.

    A fold lies at the same height in every arm's band, so that arms can be compared fold by fold.
    """
    arms = [arm for arm in scores.arms["arm"] if scores.folds_of(arm)]
    folds = sorted({int(fold) for fold in scores.folds["fold"]})
    lanes = dict(zip(folds, np.linspace(-0.34, 0.1, len(folds)) if len(folds) > 1 else [0.0], strict=True))
    names = [wrapped(literal(arm), 26) for arm in arms]
    lines = sum(max(1.55, 0.75 + 0.5 * (name.count("\n") + 1)) for name in names)
    notes = [_mean_and_spread(scores, arm) for arm in arms]
    left = text_inches("\n".join(names).split("\n"), 7.5) + 0.12
    right = text_inches(notes, 7.5) + 0.16
    figure = Figure(figsize=(TEXT_WIDTH, _FOLDS_BELOW + _RIGHT + 0.27 * lines))
    axes = place(figure, left, _FOLDS_BELOW, TEXT_WIDTH - left - right, 0.27 * lines)
    for position, arm in enumerate(arms):
        own = scores.folds[scores.folds["arm"] == arm]
        summary = scores.arms[scores.arms["arm"] == arm].iloc[0]
        mean, sd = 100 * summary["macro_accuracy_mean"], 100 * summary["macro_accuracy_sd"]
        colour = GREEN if arm in fused else BLUE
        heights = [position + lanes[int(fold)] for fold in own["fold"]]
        if position % 2:
            axes.axhspan(position - 0.5, position + 0.5, color="#F5F5F5", linewidth=0, zorder=0)
        if np.isfinite(sd):
            axes.plot(
                [mean - sd, mean + sd],
                [position + _MEAN_LANE] * 2,
                color=BLACK,
                linewidth=1.0,
                zorder=2,
                solid_capstyle="butt",
            )
            axes.plot([mean - sd, mean + sd], [position + _MEAN_LANE] * 2, "|", color=BLACK, ms=6, zorder=2)
        axes.plot(100 * own["macro_accuracy"], heights, "o", color=colour, ms=4, mec="white", mew=0.5, zorder=3)
        axes.plot([mean], [position + _MEAN_LANE], "D", color="white", mec=BLACK, mew=1.0, ms=4.5, zorder=4)
        axes.text(1.015, position, notes[position], transform=axes.get_yaxis_transform(), va="center", fontsize=7.5)
    axes.set_yticks(range(len(arms)), names)
    axes.set_ylim(len(arms) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("Macro accuracy in %")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=9, steps=[1, 2, 5, 10]))
    axes.grid(axis="x")
    axes.margins(x=0.04)
    _fold_legend(figure, axes, any_fused=any(arm in fused for arm in arms))
    return figure


def _mean_and_spread(scores: StudyScores, arm: str) -> str:
    """Return an arm's numbers as they stand beside its dots: ``83.7 ± 4.6  (n = 10)``."""
    summary = scores.arms[scores.arms["arm"] == arm].iloc[0]
    sd = percent(summary["macro_accuracy_sd"])
    spread = "" if sd == NOTHING else f" ± {sd}"
    return f"{percent(summary['macro_accuracy_mean'])}{spread}  (n = {summary['n_folds']})"


def wrapped(name: str, width: int) -> str:
    """Return ``name`` in lines of at most ``width`` signs, broken after spaces and signs that join words."""
    lines = [""]
    for piece in re.findall(r"[^ _+.:/-]*[ _+.:/-]?", name):
        for part in (piece[start : start + width] for start in range(0, len(piece), width)):
            if len(lines[-1]) + len(part.rstrip()) <= width:
                lines[-1] += part
            else:
                lines.append(part)
    return "\n".join(line.strip() for line in lines)


def _fold_legend(figure: Figure, axes: Axes, *, any_fused: bool) -> None:
    entries = [axes.plot([], [], "o", color=BLUE, ms=4, label="one fold, mean of its seeds")[0]]
    if any_fused:
        entries.append(axes.plot([], [], "o", color=GREEN, ms=4, label="the same, fused arm")[0])
    entries.append(axes.plot([], [], "D", color="white", mec=BLACK, ms=4.5, label="mean over folds")[0])
    entries.append(axes.plot([], [], "-", color=BLACK, linewidth=1.0, label="± 1 SD over folds (ddof 1)")[0])
    figure.legend(handles=entries, loc="lower center", ncols=2, borderpad=0.1)
