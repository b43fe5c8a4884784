"""The picture of clips as networks see them: waveforms, and every plane with its axes and a colour bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator

from harness.features.sets import LaidOut
from harness.features.side_by_side import Column, PlaneRow
from harness.report import style

_WIDTH, _HEIGHT, _WAVE_HEIGHT = 2.6, 1.25, 0.7
_LEFT, _RIGHT, _BETWEEN, _GAP, _TOP, _BOTTOM = 0.95, 0.75, 0.42, 0.42, 0.28, 0.42
_TICKS = 6
_MOST_POINTS = 4000
DPI = 150


Limits = Mapping[LaidOut, tuple[float, float]]
"""Smallest and largest value of each plane."""


def limits_of(columns: Sequence[Column], rows: Sequence[PlaneRow]) -> Limits:
    """Return the limits of each plane over all ``columns``, so that colours mean the same in each."""
    return {
        row.plane: (
            min(float(each.planes[row.plane].min()) for each in columns),
            max(float(each.planes[row.plane].max()) for each in columns),
        )
        for row in rows
    }


def feature_figure(columns: Sequence[Column], rows: Sequence[PlaneRow], limits: Limits) -> Figure:
    """Return a figure with one column per clip, and one row for the waveforms and for each plane; ``limits`` are those
    of the colours."""
    across = _LEFT + len(columns) * _WIDTH + (len(columns) - 1) * _BETWEEN + _RIGHT
    up = _TOP + _WAVE_HEIGHT + len(rows) * (_HEIGHT + _GAP) + _BOTTOM
    figure = Figure(figsize=(across, up))
    for position, column in enumerate(columns):
        left = _LEFT + position * (_WIDTH + _BETWEEN)
        bottom = up - _TOP - _WAVE_HEIGHT
        axes = style.place(figure, left, bottom, _WIDTH, _WAVE_HEIGHT)
        _draw_wave(axes, column, first=position == 0)
        end = max(row.seconds * column.planes[row.plane].shape[1] for row in rows)
        for number, row in enumerate(rows):
            bottom -= _GAP + _HEIGHT
            below = style.place(figure, left, bottom, _WIDTH, _HEIGHT)
            image = _draw_plane(below, column, row, limits[row.plane], first=position == 0)
            if position == 0:
                style.write(figure, left, bottom + _HEIGHT + 0.05, style.literal(row.title), fontsize=7.5)
            if position == len(columns) - 1:
                bar = style.place(figure, left + _WIDTH + 0.08, bottom, 0.1, _HEIGHT)
                figure.colorbar(image, cax=bar, label=f"Value in {row.unit}" if row.unit else "Value")
            if number == len(rows) - 1:
                below.set_xlabel("Time in s")
            below.set_xlim(0, max(end, float(column.times[-1]) if len(column.times) else end))
        axes.set_xlim(below.get_xlim())
    return figure


def feature_png(columns: Sequence[Column], rows: Sequence[PlaneRow]) -> bytes:
    """Return the figure as PNG."""
    with style.figure_style():
        return style.png_bytes(feature_figure(columns, rows, limits_of(columns, rows)), dpi=DPI)


def _draw_wave(axes: Axes, column: Column, *, first: bool) -> None:
    step = max(1, len(column.wave) // _MOST_POINTS)
    if column.audio is None:
        axes.fill_between(column.times, column.wave, linewidth=0, color=style.BLUE)
        axes.set_ylim(0, None)
    else:
        # Extremes of pieces: every peak stays visible.
        pieces = column.wave[: len(column.wave) // step * step].reshape(-1, step)
        times = column.times[: len(pieces) * step : step]
        axes.fill_between(times, pieces.min(axis=1), pieces.max(axis=1), linewidth=0.3, color=style.BLUE)
        axes.set_ylim(-1.05, 1.05)
    axes.set_title(style.literal(column.title, 46), loc="left", fontsize=8)
    axes.tick_params(labelbottom=False)
    if first:
        axes.set_ylabel("Level" if column.audio is None else "Sample")


def _draw_plane(
    axes: Axes,
    column: Column,
    row: PlaneRow,
    limits: tuple[float, float],
    *,
    first: bool,
) -> AxesImage:
    values = column.planes[row.plane]
    low, high = limits
    extent = (0.0, values.shape[1] * row.seconds, 0.0, float(len(values)))
    image = axes.imshow(
        values, origin="lower", aspect="auto", extent=extent, vmin=low, vmax=high, cmap="magma", interpolation="none"
    )
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
    axes.set_yticks([])
    if first:
        names = row.scale.names
        count = len(names)
        marked = range(count) if count <= 2 * _TICKS else np.linspace(0, count - 1, _TICKS).round().astype(int)
        # An image's rows are resized; its first is still the plane's first.
        axes.set_yticks([(place + 0.5) / count * len(values) for place in marked], [names[place] for place in marked])
        axes.tick_params(axis="y", labelsize=6)
        axes.set_ylabel(row.scale.label)
    return image
