"""Differences between arms, pair by pair: a dot per fold, the corrected interval, and the margin of equivalence."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from harness.comparisons.arm_contrast import Contrast
from harness.report.cells import points
from harness.report.style import BLACK, BLUE, GREY, TEXT_WIDTH, literal, place, text_inches, wrapped
from harness.text.decimals import possible

# Inches: the tallest plot that leaves space on a page for its caption, a line of a pair's names, the space below for
# ticks, label and a legend of two lines, and the edge above.
_TALLEST, _LINE, _BELOW, _EDGE = 7.2, 0.17, 0.82, 0.08
_SIZE = 7.5
_NAME = 34


def drawn_pairs(contrasts: Sequence[Contrast]) -> list[Contrast]:
    """Return the first pairs that share their folds, as many as fit on one page."""
    paired = [each for each in contrasts if each.folds]
    heights = list(accumulate(_height(each) for each in paired))
    return [each for each, height in zip(paired, heights, strict=True) if height <= _TALLEST]


def contrast_figure(contrasts: Sequence[Contrast], margin: float) -> Figure | None:
    """Return the figure of the :func:`drawn_pairs`; None if there are none.

    The upper half of a pair's band holds its folds, the lower half the mean and its corrected interval.
    """
    shown = drawn_pairs(contrasts)
    if not shown:
        return None
    names = [_name(each) for each in shown]
    notes = [points(each.mean) for each in shown]
    heights = [_height(each) for each in shown]
    left = text_inches("\n".join(names).split("\n"), _SIZE) + 0.12
    right = text_inches(notes, _SIZE) + 0.2
    figure = Figure(figsize=(TEXT_WIDTH, _BELOW + sum(heights) + _EDGE))
    axes = place(figure, left, _BELOW, TEXT_WIDTH - left - right, sum(heights))
    axes.axvspan(-margin, margin, color="#E8E8E8", linewidth=0, zorder=0)
    axes.axvline(0, color=BLACK, linewidth=0.8, zorder=1)
    centres, top = [], 0.0
    for each, height, note in zip(shown, heights, notes, strict=True):
        centres.append(top + height / 2)
        _draw(axes, each, top, height)
        axes.text(1.015, centres[-1], note, transform=axes.get_yaxis_transform(), va="center", fontsize=_SIZE)
        top += height
    axes.set_yticks(centres, names)
    axes.set_ylim(top, 0)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("Difference in macro accuracy in points")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=9, steps=[1, 2, 5, 10]))
    axes.margins(x=0.04)
    figure.legend(handles=_entries(margin), loc="lower center", ncols=2, borderpad=0.1)
    return figure


def _name(contrast: Contrast) -> str:
    return wrapped(literal(f"{contrast.first} − {contrast.second}"), _NAME)


def _height(contrast: Contrast) -> float:
    return _LINE * max(1.7, _name(contrast).count("\n") + 1.5)


def _draw(axes: Axes, contrast: Contrast, top: float, height: float) -> None:
    values = list(contrast.folds.values())
    axes.plot(values, [top + 0.32 * height] * len(values), "o", color=BLUE, mec="white", mew=0.4, ms=4, zorder=3)
    lane = top + 0.72 * height
    if contrast.test is not None:
        ends = possible(contrast.test.low, contrast.test.high, difference=True)
        axes.plot(ends, [lane] * 2, "-|", color=BLACK, linewidth=1.2, ms=6, zorder=3)
    axes.plot([contrast.mean], [lane], "D", color="white", mec=BLACK, mew=1.0, ms=4.5, zorder=4)
    axes.axhline(top + height, color="#D9D9D9", linewidth=0.4, zorder=0)


def _entries(margin: float) -> list[Line2D | Patch]:
    return [
        Line2D([], [], linestyle="", marker="o", color=BLUE, ms=4, label="one fold, mean of its seeds"),
        Line2D([], [], linestyle="", marker="D", color="white", mec=BLACK, ms=4.5, label="mean over folds"),
        Line2D([], [], color=BLACK, marker="|", linewidth=1.2, label="corrected interval over folds"),
        Patch(facecolor="#E8E8E8", edgecolor=GREY, linewidth=0.4, label=f"margin of equivalence, ±{margin:g} points"),
    ]
