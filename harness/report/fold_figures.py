"""Fold accuracies of all arms: a dot per fold, the mean with its SD and corrected interval, and published numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from harness.comparisons.against_claim import ClaimComparison
from harness.comparisons.scores import StudyScores
from harness.report.cells import accuracy, claimed
from harness.report.published import is_macro
from harness.report.style import (
    BLACK,
    BLUE,
    GREEN,
    PURPLE,
    TEXT_WIDTH,
    VERMILLION,
    literal,
    place,
    text_inches,
    wrapped,
)
from harness.report.wording import NOTHING, percent
from harness.statistics.t_tests import TTest
from harness.text.decimals import possible

# Position of the mean in an arm's band, which is one unit high: below the folds' dots.
_MEAN_LANE = 0.3
# Inches below the axes, for ticks, label and a legend of two or three lines, and at the other edges.
_BELOW, _LEGEND_LINE, _EDGE = 0.82, 0.16, 0.08
_SIZE = 7.5
_MOST_CLAIMS = 3
_PALE = "#BDBDBD"
_Dashes = tuple[int, tuple[float, ...]]
_CLAIM_DASHES: _Dashes = (0, (4, 2))
_APART_DASHES: _Dashes = (0, (1, 1.6))
_REFERENCE_DASHES: _Dashes = (0, (5, 1.5, 1, 1.5))


def fold_figure(
    scores: StudyScores,
    fused: Sequence[str],
    *,
    intervals: Mapping[str, TTest] | None = None,
    claims: Sequence[ClaimComparison] = (),
) -> Figure:
    """Return the figure of every arm's macro accuracy: a dot per fold, mean, SD and corrected interval.

    A fold has the same height in every arm's band, so that arms can be compared fold by fold. A published macro
    accuracy is a line across the band of its arm: dotted where conditions differ, in another colour if it is a
    reference. A bar on it is its own SD, if that is over folds.

    Parameters
    ----------
    scores
        Scores of the study.
    fused
        Names of the arms that are fusions.
    intervals
        Corrected interval of the mean by arm, in percent; None or a missing arm draws none.
    claims
        Comparisons with published accuracies; those of another accuracy than macro (:func:`is_macro`) are not drawn.
    """
    intervals = intervals or {}
    drawn = [each for each in claims if is_macro(scores, each)]
    arms = [arm for arm in scores.arms["arm"] if scores.folds_of(arm)]
    folds = sorted({int(fold) for fold in scores.folds["fold"]})
    lanes = dict(zip(folds, np.linspace(-0.34, 0.1, len(folds)) if len(folds) > 1 else [0.0], strict=True))
    names = [wrapped(literal(arm), 26) for arm in arms]
    notes = [_note(scores, arm, [each for each in drawn if each.arm == arm]) for arm in arms]
    entries = _entries(
        fused=any(arm in fused for arm in arms),
        intervals=bool(intervals),
        claims=any(not each.differences and not each.is_reference for each in drawn),
        apart=any(each.differences and not each.is_reference for each in drawn),
        references=any(each.is_reference for each in drawn),
    )
    below = _BELOW + _LEGEND_LINE * max(0, (len(entries) + 1) // 2 - 2)
    lines = sum(
        max(1.55, 0.75 + 0.5 * (max(name.count("\n"), note.count("\n")) + 1))
        for name, note in zip(names, notes, strict=True)
    )
    left = text_inches("\n".join(names).split("\n"), _SIZE) + 0.12
    right = text_inches("\n".join(notes).split("\n"), _SIZE) + 0.16
    figure = Figure(figsize=(TEXT_WIDTH, below + _EDGE + 0.27 * lines))
    axes = place(figure, left, below, TEXT_WIDTH - left - right, 0.27 * lines)
    for position, arm in enumerate(arms):
        if position % 2:
            axes.axhspan(position - 0.5, position + 0.5, color="#F5F5F5", linewidth=0, zorder=0)
        if arm in intervals:
            bounds = possible(intervals[arm].low, intervals[arm].high)
            axes.plot(bounds, [position + _MEAN_LANE] * 2, color=_PALE, linewidth=5, solid_capstyle="butt", zorder=1)
        _draw_arm(axes, scores, arm, position, lanes, GREEN if arm in fused else BLUE)
        for each in drawn:
            if each.arm == arm:
                _draw_claim(axes, each, position)
        axes.text(1.015, position, notes[position], transform=axes.get_yaxis_transform(), va="center", fontsize=_SIZE)
    axes.set_yticks(range(len(arms)), names)
    axes.set_ylim(len(arms) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("Macro accuracy in %")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=9, steps=[1, 2, 5, 10]))
    axes.grid(axis="x")
    axes.margins(x=0.04)
    figure.legend(handles=entries, loc="lower center", ncols=2, borderpad=0.1)
    return figure


def _draw_arm(
    axes: Axes, scores: StudyScores, arm: str, position: int, lanes: Mapping[int, float], colour: str
) -> None:
    own = scores.folds[scores.folds["arm"] == arm]
    summary = scores.arms[scores.arms["arm"] == arm].iloc[0]
    mean, sd = 100 * summary["macro_accuracy_mean"], 100 * summary["macro_accuracy_sd"]
    if np.isfinite(sd):
        ends, lane = [mean - sd, mean + sd], [position + _MEAN_LANE] * 2
        axes.plot(ends, lane, color=BLACK, linewidth=1.0, zorder=2, solid_capstyle="butt")
        axes.plot(ends, lane, "|", color=BLACK, ms=6, zorder=2)
    heights = [position + lanes[int(fold)] for fold in own["fold"]]
    axes.plot(100 * own["macro_accuracy"], heights, "o", color=colour, ms=4, mec="white", mew=0.5, zorder=3)
    axes.plot([mean], [position + _MEAN_LANE], "D", color="white", mec=BLACK, mew=1.0, ms=4.5, zorder=4)


def _draw_claim(axes: Axes, comparison: ClaimComparison, position: int) -> None:
    value = comparison.claim.percent
    dashes = _APART_DASHES if comparison.differences else _CLAIM_DASHES
    colour = VERMILLION
    if comparison.is_reference:
        dashes, colour = _REFERENCE_DASHES, PURPLE
    axes.plot([value] * 2, [position - 0.46, position + 0.46], color=colour, linewidth=1.4, linestyle=dashes, zorder=2)
    if comparison.published is not None and comparison.claim_sd is not None:
        spread = [value - comparison.claim_sd, value + comparison.claim_sd]
        axes.plot(spread, [position - 0.42] * 2, "-|", color=colour, linewidth=1.0, ms=5, zorder=2)


def _note(scores: StudyScores, arm: str, claims: Sequence[ClaimComparison]) -> str:
    """Return an arm's numbers as printed next to its dots: ``83.7 ± 4.6  (n = 10)``, its claims below."""
    summary = scores.arms[scores.arms["arm"] == arm].iloc[0]
    sd = percent(summary["macro_accuracy_sd"])
    spread = "" if sd == NOTHING else f" ± {sd}"
    lines = [f"{percent(summary['macro_accuracy_mean'])}{spread}  (n = {summary['n_folds']})"]
    values = list(dict.fromkeys(_claim_note(each) for each in claims))
    lines += values[:_MOST_CLAIMS]
    if len(values) > _MOST_CLAIMS:
        lines.append(f"and {len(values) - _MOST_CLAIMS} more")
    return "\n".join(lines)


def _claim_note(comparison: ClaimComparison) -> str:
    spread = f" ± {accuracy(comparison.claim_sd)}" if comparison.published is not None else ""
    return f"{'reference' if comparison.is_reference else 'claimed'} {claimed(comparison.claim)}{spread}"


def _entries(*, fused: bool, intervals: bool, claims: bool, apart: bool, references: bool) -> list[Line2D]:
    entries = [Line2D([], [], linestyle="", marker="o", color=BLUE, ms=4, label="one fold, mean of its seeds")]
    if fused:
        entries.append(Line2D([], [], linestyle="", marker="o", color=GREEN, ms=4, label="the same, fused arm"))
    entries.append(Line2D([], [], linestyle="", marker="D", color="white", mec=BLACK, ms=4.5, label="mean over folds"))
    entries.append(Line2D([], [], color=BLACK, linewidth=1.0, label="± 1 SD over folds (ddof 1)"))
    if intervals:
        entries.append(Line2D([], [], color=_PALE, linewidth=5, label="corrected interval of the mean"))
    if claims:
        entries.append(Line2D([], [], color=VERMILLION, linewidth=1.4, linestyle=_CLAIM_DASHES, label="claimed"))
    if apart:
        label = "claimed under other conditions"
        entries.append(Line2D([], [], color=VERMILLION, linewidth=1.4, linestyle=_APART_DASHES, label=label))
    if references:
        label = "reference: another system"
        entries.append(Line2D([], [], color=PURPLE, linewidth=1.4, linestyle=_REFERENCE_DASHES, label=label))
    return entries
