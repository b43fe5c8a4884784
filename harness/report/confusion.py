"""Figure of the confusion matrix, in percent of each true class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from harness.report.style import TEXT_WIDTH, TITLE_SIZE, literal, place, text_inches, write

MOST_NUMBERED = 16
"""Up to this number of classes cells show their number; above it, only their colour, with a colour bar."""

_LONGEST_NAME = 26
# Inches: a numbered cell, the smallest matrix, an axis label, the line of the title and of the note, the colour bar.
_CELL, _SMALLEST, _LABEL, _LINE, _SCALE, _EDGE = 0.25, 1.5, 0.24, 0.26, 0.68, 0.04
_NOTE_SIZE = 7.0


def row_percent(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return counts, shape (C, C), as percent of each row; NaN in the row of a class without clips."""
    totals = counts.sum(axis=1, keepdims=True).astype(np.float64)
    percent = np.full(counts.shape, np.nan)
    np.divide(100.0 * counts, totals, out=percent, where=totals > 0)
    return percent


def confusion_figure(counts: NDArray[np.int64], classes: Sequence[str], title: str, note: str) -> Figure:
    """Return the figure of one confusion matrix.

    Parameters
    ----------
    counts
        Clips by true class (rows) and predicted class (columns), int64, shape (C, C).
    classes
        Names of the C classes.
    title
        Printed above the matrix.
    note
        Printed below the matrix: what was counted.
    """
    n = len(classes)
    numbered = n <= MOST_NUMBERED
    size = 7.0 if n <= 12 else 6.0 if n <= 30 else 4.8
    names = [literal(name, _LONGEST_NAME) for name in classes]
    room = text_inches(names, size) + 0.08
    turned = n > 6 or room > _CELL
    left, right = _LABEL + room, 0.1 if numbered else _SCALE
    side = max(_SMALLEST, _CELL * n) if numbered else TEXT_WIDTH - left - right
    below = _LINE + _LABEL + (room if turned else 0.2)
    heading, remark = literal(title, 70), literal(note)
    words = max(text_inches([heading], TITLE_SIZE), text_inches([remark], _NOTE_SIZE))
    figure = Figure(figsize=(max(left + side + right, words + 2 * _EDGE), _LINE + side + below))
    axes = place(figure, left, below, side, side)
    image = _draw(axes, row_percent(counts), numbered=numbered)
    # As text: a tick with its lines takes four times as long, and there are up to a hundred.
    axes.set_axis_off()
    gap = 0.03 / side * n
    for position, name in enumerate(names):
        axes.text(-0.5 - gap, position, name, ha="right", va="center", fontsize=size)
        axes.text(position, n - 0.5 + gap, name, ha="center", va="top", fontsize=size, rotation=90 if turned else 0)
    write(figure, _EDGE, _LINE + side + below - _EDGE, heading, va="top", fontsize=TITLE_SIZE)
    write(figure, _EDGE, _EDGE, remark, va="bottom", fontsize=_NOTE_SIZE)
    write(figure, left + side / 2, _LINE, "Predicted class", ha="center", va="bottom")
    write(figure, _EDGE, below + side / 2, "True class", rotation=90, ha="left", va="center")
    if not numbered:
        bar = figure.colorbar(image, cax=place(figure, left + side + 0.1, below + side / 2, 0.1, side / 2))
        bar.set_label("Percent of true class")
        bar.outline.set_visible(False)
    return figure


def _draw(axes: Axes, percent: NDArray[np.float64], *, numbered: bool) -> AxesImage:
    n = len(percent)
    image = axes.imshow(percent, cmap="Blues", vmin=0, vmax=100, aspect="auto", interpolation="nearest")
    between = np.arange(n - 1) + 0.5
    for lines in (axes.hlines, axes.vlines):
        lines(between, -0.5, n - 0.5, colors="white" if numbered else "#EEEEEE", linewidth=1.0 if numbered else 0.3)
    axes.set_xlim(-0.5, n - 0.5)
    axes.set_ylim(n - 0.5, -0.5)
    if numbered:
        for row, column in zip(*np.nonzero(np.nan_to_num(percent)), strict=True):
            value = percent[row, column]
            axes.text(
                column,
                row,
                f"{value:.0f}" if value >= 0.5 else "<1",
                ha="center",
                va="center",
                fontsize=6.5,
                color="white" if value > 55 else "black",
            )
    return image
