"""Figure of systems: accuracies with intervals, ranks with theirs, and groups that cannot be told apart."""

from __future__ import annotations

from collections.abc import Callable

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from harness.comparisons.systems.standing import Interval, RankInterval, Standing
from harness.comparisons.systems.system import Level
from harness.comparisons.systems.system_comparison import SystemComparisons
from harness.report import style
from harness.report.style import BLACK, BLUE, GREY, ORANGE, SKY, TEXT_WIDTH
from harness.statistics.letters import letters_of

_SIZE = 7.5
_ROW = 0.2
_BELOW, _ABOVE, _GAP = 0.82, 0.28, 0.22
_LONGEST_NAME = 34
_MOST_LETTERS = 12

Ends = Interval | RankInterval | None


def systems_figure(found: SystemComparisons) -> Figure:
    """Return a row per system, the most accurate first: accuracy left, rank right, letters of groups at the edge.

    Thick lines are intervals over recordings (of confusion matrices over clips), thin ones over folds; of ranks the
    thinnest are what the tests of all pairs leave open.
    """
    standings = found.standings
    names = [style.literal(each.name, _LONGEST_NAME) for each in standings]
    letters = [letters_of(each.name, found.groups) for each in standings]
    letters = [text if len(text) <= _MOST_LETTERS else f"{text[: _MOST_LETTERS - 1]}…" for text in letters]
    left = style.text_inches(names, _SIZE) + 0.12
    right = (style.text_inches(letters, _SIZE) if any(letters) else 0.0) + 0.14
    height = _ROW * len(standings)
    width = TEXT_WIDTH - left - right - _GAP
    figure = Figure(figsize=(TEXT_WIDTH, _BELOW + height + _ABOVE))
    accuracies = style.place(figure, left, _BELOW, 0.58 * width, height)
    ranks = style.place(figure, left + 0.58 * width + _GAP, _BELOW, 0.42 * width, height)
    thick: Callable[[Standing], Ends] = lambda each: each.over_recordings or each.over_clips  # noqa: E731
    for row, each in enumerate(standings):
        _line(accuracies, row, thick(each), SKY, 5.0)
        _line(accuracies, row, each.over_folds, GREY, 1.2)
        accuracies.plot([each.accuracy], [row], "o", color=BLUE, ms=3.5, zorder=3)
        _line(ranks, row, each.rank_by_tests, GREY, 0.6)
        _line(ranks, row, each.rank_over_recordings, SKY, 5.0)
        _line(ranks, row, each.rank_over_folds, ORANGE, 1.6)
        ranks.plot([each.rank], [row], "o", color=BLACK, ms=3, zorder=4)
        if letters[row]:
            style.note_right(ranks, row, letters[row], _SIZE)
    ends = (len(standings) - 0.4, -0.6)
    what = "Clip accuracy in %" if found.level is Level.FOLDS else "Macro accuracy in %"
    style.label_rows(accuracies, range(len(standings)), names, ends, what)
    accuracies.tick_params(axis="y", labelsize=_SIZE)
    low, high = accuracies.get_xlim()
    accuracies.set_xlim(max(low, 0.0), min(high, 100.5))
    ranks.set_yticks([])
    ranks.set_ylim(*ends)
    ranks.set_xlim(0.3, len(standings) + 0.7)
    ranks.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, steps=[1, 2, 5, 10]))
    ranks.set_xlabel("Rank")
    for axes in (accuracies, ranks):
        axes.grid(axis="x")
    figure.legend(handles=_entries(found), loc="lower center", ncols=2, borderpad=0.1)
    return figure


def _line(axes: Axes, row: int, ends: Ends, colour: str, width: float) -> None:
    if ends is not None:
        axes.plot(list(ends), [row, row], color=colour, linewidth=width, solid_capstyle="butt", zorder=2)


def _entries(found: SystemComparisons) -> list[object]:
    first = found.standings[0]
    entries: list[object] = []
    for label, ends, colour, width in (
        ("over recordings", first.over_recordings, SKY, 5.0),
        ("over clips, taken as independent", first.over_clips, SKY, 5.0),
        ("accuracy over folds", first.over_folds, GREY, 1.2),
        ("rank over folds", first.rank_over_folds, ORANGE, 1.6),
        ("ranks that the tests leave open", first.rank_by_tests, GREY, 0.6),
    ):
        if ends is not None:
            entries.append(style.legend_line(label, colour, width))
    return entries
