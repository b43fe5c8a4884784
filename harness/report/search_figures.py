"""The search of one arm: validation accuracy over trials, and how much each hyperparameter mattered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from harness.report.search_tables import trials_of
from harness.report.style import (
    BLACK,
    BLUE,
    ORANGE,
    SKY,
    TEXT_WIDTH,
    TITLE_SIZE,
    VERMILLION,
    literal,
    place,
    text_inches,
    write,
)

# Inches: the least height of the panels, a bar, and the space around them for ticks, labels, title and legend.
_HEIGHT, _BAR, _LEFT, _EDGE, _ABOVE, _BELOW, _GAP = 1.5, 0.2, 0.76, 0.12, 0.3, 0.66, 0.2
_MOST_BARS = 12
_LONGEST_NAME = 24
# Fraction of the line for importances with their names, and the least width of the bars in inches.
_SHARE, _NARROWEST = 0.36, 0.95


def search_figure(search: Mapping[str, Any], title: str) -> Figure | None:
    """Return the history of a search, next to the importances if there are any; None without a trial.

    ``search`` is an entry of ``StudyRecord.searches``. A failed trial, which has no accuracy, is drawn at the lower
    edge.
    """
    trials = trials_of(search)
    if trials.empty:
        return None
    shares = sorted((search.get("importance") or {}).items(), key=lambda pair: -pair[1])[:_MOST_BARS]
    names = [literal(name, _LONGEST_NAME) for name, _ in shares]
    height = max(_HEIGHT, _BAR * len(shares) + 0.2)
    figure = Figure(figsize=(TEXT_WIDTH, _BELOW + height + _ABOVE))
    words = text_inches(names, 7.5) + 0.12
    bars = max(_NARROWEST, TEXT_WIDTH * _SHARE - words - _EDGE) if shares else 0.0
    width = TEXT_WIDTH - _LEFT - _EDGE - (_GAP + words + bars if shares else 0.0)
    history = place(figure, _LEFT, _BELOW, width, height)
    _draw_history(history, trials)
    if shares:
        _draw_shares(
            place(figure, TEXT_WIDTH - _EDGE - bars, _BELOW, bars, height), names, [share for _, share in shares]
        )
    write(figure, 0.04, _BELOW + height + _ABOVE - 0.04, literal(title, 80), va="top", fontsize=TITLE_SIZE)
    handles, labels = history.get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=len(handles), borderpad=0.1, columnspacing=1.2)
    return figure


def _draw_history(axes: Axes, trials: Any) -> None:
    percents = trials.assign(mean=100 * trials["mean"])
    complete = percents[(percents["state"] == "complete") & percents["mean"].notna()]
    pruned = percents[(percents["state"] == "pruned") & percents["mean"].notna()]
    lost = percents.drop(complete.index).drop(pruned.index)
    if len(complete):
        last = int(percents["trial"].max())
        best = complete["mean"].cummax()
        axes.step(
            [*complete["trial"], last],
            [*best, best.iloc[-1]],
            where="post",
            color=BLACK,
            linewidth=1.0,
            label="best so far",
        )
        axes.plot(complete["trial"], complete["mean"], "o", color=BLUE, mec="white", mew=0.4, ms=5, label="complete")
    if len(pruned):
        axes.plot(pruned["trial"], pruned["mean"], "^", color="white", mec=ORANGE, mew=1.2, ms=5, label="pruned")
    if len(lost):
        axes.plot(
            lost["trial"],
            np.full(len(lost), 0.05),
            "x",
            color=VERMILLION,
            mew=1.4,
            ms=5,
            transform=axes.get_xaxis_transform(),
            label="failed",
        )
    axes.set_xlabel("Trial")
    axes.set_ylabel("Validation macro\naccuracy in %")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6))
    axes.margins(y=0.12)
    axes.set_xlim(percents["trial"].min() - 0.5, percents["trial"].max() + 0.5)
    if not len(complete) and not len(pruned):
        axes.set_yticks([])
    axes.grid(axis="y")


def _draw_shares(axes: Axes, names: list[str], shares: list[float]) -> None:
    axes.barh(
        range(len(names)), [100 * share for share in shares], color=SKY, edgecolor=BLACK, linewidth=0.4, height=0.6
    )
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(0, 100)
    axes.set_xticks([0, 50, 100])
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("Importance in %")
    axes.grid(axis="x")
