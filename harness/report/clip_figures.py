"""Hard clips by class: how many are missed by every arm, and how many only a fusion gets right."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from harness.comparisons.missed_clips import HardClips
from harness.report.style import BLACK, GREEN, GREY, TEXT_WIDTH, TITLE_SIZE, literal, place, text_inches

_LONGEST_NAME = 26
# Inches: a class; space above and below the panels, between them, and at the right edge for a bar's number.
_ROW, _ABOVE, _BELOW, _GAP, _EDGE = 0.19, 0.3, 0.42, 0.3, 0.3


def hard_clip_figure(clips: HardClips, classes: Sequence[str], *, fusion: bool) -> Figure | None:
    """Return clips counted by true class; None if there are none. Classes without such a clip are left out.

    ``fusion`` adds a second panel with the clips that only a fusion gets right. A clip that several fusions get right
    counts once.
    """
    only = clips.only_fusion.drop_duplicates(["fold", "clip_id"])
    missed = clips.missed_by_all["class"].value_counts()
    rescued = only["class"].value_counts()
    named = [name for name in classes if missed.get(name, 0) or rescued.get(name, 0)]
    if not named:
        return None
    names = [literal(name, _LONGEST_NAME) for name in named]
    panels = [("Every arm misses", missed, GREY, "")]
    if fusion:
        panels.append(("Only fusion gets right", rescued, GREEN, "//"))
    left = text_inches(names, 7.5) + 0.12
    width = (TEXT_WIDTH - left - _EDGE - (_GAP + _EDGE) * (len(panels) - 1)) / len(panels)
    height = _ROW * len(named) + 0.1
    figure = Figure(figsize=(TEXT_WIDTH, _BELOW + height + _ABOVE))
    for position, (title, counts, colour, hatch) in enumerate(panels):
        axes = place(figure, left + position * (width + _GAP + _EDGE), _BELOW, width, height)
        values = [int(counts.get(name, 0)) for name in named]
        axes.barh(range(len(named)), values, color=colour, edgecolor=BLACK, linewidth=0.4, height=0.62, hatch=hatch)
        for row, value in enumerate(values):
            axes.annotate(f"{value:,}", (value, row), (3, 0), textcoords="offset points", va="center", fontsize=7)
        axes.set_yticks(range(len(named)), names if position == 0 else [""] * len(named))
        axes.set_ylim(len(named) - 0.5, -0.5)
        axes.set_xlim(0, max(1, *values) * 1.02)
        axes.tick_params(axis="y", length=0)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
        axes.set_xlabel("Clips")
        axes.set_title(title, loc="left", fontsize=TITLE_SIZE - 1)
        axes.grid(axis="x")
    return figure
