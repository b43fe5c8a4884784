"""Claimed and measured accuracy by class: tables in the shape of Su et al. 2019, table 2, and dumbbell plots."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from harness.comparisons.against_claim import ClaimComparison
from harness.report import style, wording
from harness.report.cells import accuracy, claimed
from harness.report.evidence import Evidence
from harness.report.report_section import Drawing, Heading, Section, Table, headed, paged
from harness.report.style import BLUE, GREY, TEXT_WIDTH, TITLE_SIZE, VERMILLION
from harness.report.topics.claimed_accuracy import addressed, sample_size

CLAIMS_ABREAST = 4
"""The most claims in a table of class accuracies; more continue in a further table."""

DUMBBELLS_ABREAST = 2
"""The most claims next to each other in one figure."""

_LONGEST_NAME = 26
# Inches: a class of a short and of a long list; space for titles above, ticks, label and legend below, between panels.
_ROW, _LOW_ROW, _ABOVE, _BELOW, _GAP = 0.22, 0.145, 0.42, 0.66, 0.22
_ENTRIES = (
    Line2D([], [], linestyle="", marker="D", color="white", mec=VERMILLION, mew=1.2, ms=4.5, label="published"),
    Line2D([], [], linestyle="", marker="o", color=BLUE, ms=4.5, label="measured, mean over folds"),
)


def sections(evidence: Evidence) -> Iterator[Section]:
    """Yield the section on the claims that have class accuracies."""
    shown = [each for each in evidence.claims if each.classes]
    tables = tuple(_table(evidence, name, page) for name, page in paged("claimed-classes", shown, CLAIMS_ABREAST))
    figures = tuple(_drawings(evidence, shown))
    yield Section("claimed-classes", "Claimed and measured classes", tables=tables, figures=figures)


def _table(evidence: Evidence, name: str, page: Sequence[ClaimComparison]) -> Table:
    classes = evidence.record.classes
    headings: list[Heading] = ["Class"]
    columns: list[list[str]] = [[*classes, "Average"]]
    data: dict[str, Any] = {"class": [*classes, "average"]}
    for each in page:
        measured = [each.classes[label][1] for label in classes]
        measured.append(sum(measured) / len(measured))
        group = each.arm if [other.arm for other in page].count(each.arm) == 1 else f"{each.arm}, {each.claim.address}"
        headings += [(group, "Reference" if each.is_reference else "Claimed"), (group, "Measured")]
        columns.append([*(claimed(each.claim, label) for label in classes), claimed(each.claim)])
        columns.append([*map(accuracy, measured)])
        key = f"{each.claim.address} {each.arm}"
        data[f"{key}: claimed"] = [*(each.classes[label][0] for label in classes), each.claim.percent]
        data[f"{key}: measured"] = measured
    caption = (
        "Accuracy per class in percent, claimed, as printed, and measured: "
        f"{evidence.mean_of(sample_size(page))}. Average: the claimed one as printed, the measured one the unweighted "
        f"mean of the classes. Claims: {'; '.join(f'{each.arm} {addressed(each)}' for each in page)}."
    )
    if any(each.is_reference for each in page):
        caption += f" {wording.REFERENCE}"
    printed = headed(list(zip(*columns, strict=True)), headings)
    title = "Claimed and measured accuracy per class"
    return Table(name, title, caption, printed, pd.DataFrame(data), rules=(len(classes),))


def _drawings(evidence: Evidence, shown: Sequence[ClaimComparison]) -> Iterator[Drawing]:
    for name, pair in paged("claimed-classes", shown, DUMBBELLS_ABREAST):
        named = " and ".join(f"{each.arm} ({addressed(each)})" for each in pair)
        caption = (
            f"Accuracy per class, published and measured: {named}. Measured: "
            f"{evidence.mean_of(sample_size(pair))}. Average: unweighted mean of the classes, the published one as "
            "printed."
        )
        yield Drawing(name, caption, partial(dumbbell_figure, pair, evidence.record.classes))


def dumbbell_figure(comparisons: Sequence[ClaimComparison], classes: Sequence[str]) -> Figure:
    """Return one panel per comparison: each class's claimed and measured accuracy joined by a line, the average below.

    Every comparison has an accuracy of each of ``classes``; at most :data:`DUMBBELLS_ABREAST` fit the width.
    """
    row, size = (_ROW, 7.5) if len(classes) <= 24 else (_LOW_ROW, 6.0)
    names = [style.literal(name, _LONGEST_NAME) for name in classes]
    left = style.text_inches([*names, "Average"], size) + 0.12
    width = (TEXT_WIDTH - left - 0.1 - _GAP * (len(comparisons) - 1)) / len(comparisons)
    height = row * (len(classes) + 1.6)
    figure = Figure(figsize=(TEXT_WIDTH, _BELOW + height + _ABOVE))
    first: Axes | None = None
    for position, comparison in enumerate(comparisons):
        axes = style.place(figure, left + position * (width + _GAP), _BELOW, width, height)
        if first is not None:
            axes.sharex(first)
        first = first or axes
        _draw(axes, comparison, classes)
        ticks = [*range(len(classes)), len(classes) + 0.4]
        axes.set_yticks(ticks, [*names, "Average"] if position == 0 else [""] * len(ticks), fontsize=size)
        whose = " (reference)" if comparison.is_reference else ""
        title = f"{style.literal(comparison.arm, 40)}\n{style.literal(comparison.claim.address, 44)}{whose}"
        axes.set_title(title, loc="left", fontsize=TITLE_SIZE - 1.5, pad=4)
        axes.set_xlabel("Accuracy in %")
    figure.legend(handles=list(_ENTRIES), loc="lower center", ncols=2, borderpad=0.1)
    return figure


def _draw(axes: Axes, comparison: ClaimComparison, classes: Sequence[str]) -> None:
    claimed = [comparison.classes[name][0] for name in classes]
    measured = [comparison.classes[name][1] for name in classes]
    n = len(classes)
    heights = [*map(float, range(n)), n + 0.4]
    claimed, measured = [*claimed, comparison.claim.percent], [*measured, sum(measured) / n]
    axes.hlines(heights, claimed, measured, color=GREY, linewidth=1.6, zorder=2)
    axes.plot(claimed, heights, "D", color="white", mec=VERMILLION, mew=1.2, ms=4.5, zorder=3, clip_on=False)
    axes.plot(measured, heights, "o", color=BLUE, mec="white", mew=0.4, ms=5, zorder=4, clip_on=False)
    axes.axhline(n - 0.3, color="black", linewidth=0.6)
    axes.set_ylim(n + 0.9, -0.7)
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
    axes.grid(axis="x")
    axes.margins(x=0.05)
