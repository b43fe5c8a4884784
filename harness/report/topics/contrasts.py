"""Arms against each other, a fusion with its streams first: differences in points, pair by pair."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import accumulate
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from harness.comparisons.arm_contrast import Contrast
from harness.report import style, wording
from harness.report.cells import (
    accuracy,
    captions_of,
    columns_of,
    count,
    cut_note,
    interval,
    numbers_of,
    p_value,
    points,
    shown_tests,
)
from harness.report.evidence import Evidence
from harness.report.report_section import Drawing, Paragraph, Section, Table, grid
from harness.report.style import BLACK, BLUE, GREY, TEXT_WIDTH
from harness.report.wording import NOTHING
from harness.text.decimals import possible

# The most pairs that a reader can take in; seven arms have 21.
_MANY = 21
# Inches: the tallest plot that leaves space on a page for its caption, a line of a pair's names, the space below for
# ticks, label and a legend of two lines, and the edge above.
_TALLEST, _LINE, _BELOW, _EDGE = 7.2, 0.17, 0.82, 0.08
_SIZE = 7.5
_NAME = 34


def sections(evidence: Evidence) -> Iterator[Section]:
    """Yield the section on the pairs of arms, if the study has several arms."""
    if not evidence.arms.contrasts:
        return
    cochran = cochran_sentence(evidence)
    yield Section(
        "contrasts",
        "Arms against each other",
        tables=(contrast_table(evidence), complement_table(evidence)),
        after=(Paragraph((cochran,)),) if cochran else (),
        figures=(_drawing(evidence),),
    )


def printed_pairs(evidence: Evidence) -> Sequence[Contrast]:
    """Return the pairs that are printed and drawn: all, or only the declared ones if all are too many to read.

    CSV and JSON have every pair.
    """
    pairs = evidence.arms.contrasts
    if evidence.arms.family != "declared" or len(pairs) <= _MANY:
        return pairs
    return [each for each in pairs if each.in_family]


def contrast_table(evidence: Evidence) -> Table:
    """Return one row per pair of arms: difference, interval, p values, clips that only one gets right, verdict."""
    pairs = printed_pairs(evidence)
    sample = (
        "paired by fold. SD and interval: over folds, seeds averaged first; the "
        f"{evidence.confidence} interval is corrected for training sets that overlap."
    )
    if wording.is_holdout(evidence.record):
        sample = f"paired by clip of the test part. {evidence.confidence} interval: over recordings and seeds."
    caption = (
        f"Differences in macro accuracy between arms in points, {sample} TOST: two one-sided tests within "
        f"±{evidence.margin:g} points. {family_sentence(evidence)} Clips right: counts with the first seed's networks "
        "and McNemar's p, which assumes independent clips although clips of one recording are not."
    )
    if left_out := len(evidence.arms.contrasts) - len(pairs):
        caption += f" {count(left_out, 'undeclared pair')}: see contrasts.csv."
    if any(each.unpaired for each in pairs):
        caption += (
            " A pair without SD was split differently and shares no folds: its two sets of folds are compared by "
            "Welch's test, both variances corrected, as if they were independent."
        )
    caption += cut_note([each.interval for each in pairs], signed=True, sample=evidence.small)
    printed = grid(
        pairs,
        {
            "First": lambda each: each.first,
            "Second": lambda each: each.second,
            ("First − second", "Mean"): lambda each: points(each.mean),
            ("First − second", "SD"): lambda each: accuracy(each.sd),
            ("First − second", "Interval"): lambda each: (
                interval(*each.interval, signed=True) if each.interval else NOTHING
            ),
            **columns_of(shown_tests("contrast", "main", pairs)),
            "Verdict": lambda each: each.decision.verdict.value if each.in_family else NOTHING,
        },
    )
    data = pd.DataFrame([_full(each) for each in evidence.arms.contrasts])
    rules = _after_leading(evidence, pairs)
    return Table("contrasts", "Arms against each other", caption, printed, data, text_columns=2, rules=rules)


def complement_table(evidence: Evidence) -> Table:
    """Return further results on each pair."""
    pairs = printed_pairs(evidence)
    tests = shown_tests("contrast", "complement", pairs)
    title = "Complements to the differences between arms"
    caption = f"{title}. {captions_of(tests, evidence, 'the difference in macro accuracy')}"
    printed = grid(pairs, {"First": lambda each: each.first, "Second": lambda each: each.second, **columns_of(tests)})
    data = pd.DataFrame([_further(each) for each in evidence.arms.contrasts])
    rules = _after_leading(evidence, pairs)
    return Table("contrasts-complement", title, caption, printed, data, text_columns=2, rules=rules, further=True)


def contrast_basis(evidence: Evidence, each: Contrast) -> str:
    """Return what the verdict on a pair of arms rests on: sample, interval and p values."""
    if each.decisive is None:
        return f"There is no test: {each.refused}." if each.refused else ""
    if each.over == "recordings":
        sample = "over the recordings of the test part and the seeds"
    elif each.unpaired:
        sample = "by Welch's test over two sets of folds, because the arms are split differently"
    else:
        sample = f"paired over {count(len(each.folds), 'fold')}, seeds averaged first"
    parts = [f"Tested {sample}."]
    if each.interval:
        parts.append(f"The corrected {evidence.confidence} interval is {interval(*each.interval, signed=True)} points.")
    for name, raw, adjusted in (
        ("t-test", each.p, each.p_adjusted),
        (f"TOST within ±{evidence.margin:g} points", each.p_equivalence, each.p_equivalence_adjusted),
    ):
        if raw is not None:
            holm = f", {p_value(adjusted)} adjusted by Holm" if adjusted is not None else ""
            parts.append(f"{name}: p {p_value(raw)}{holm}.")
    return " ".join(parts)


def cochran_sentence(evidence: Evidence) -> str:
    """Return Cochran's Q over the trained arms in a sentence; empty with fewer than three."""
    cochran, arms = evidence.arms.cochran, evidence.arms.cochran_arms
    if cochran is None:
        return ""
    p = p_value(cochran.p)
    equals = "" if p.startswith("<") else "= "
    return (
        f"Over clips, Cochran's Q for the {len(arms)} trained arms ({', '.join(arms)}; first seed) is "
        f"{cochran.statistic:.1f} with {count(cochran.df, 'degree')} of freedom, p {equals}{p}; "
        "it assumes independent clips although clips of one recording are not."
    )


def family_sentence(evidence: Evidence) -> str:
    """Return which pairs Holm's correction covers, in one sentence."""
    pairs = [each for each in evidence.arms.contrasts if each.in_family]
    family = count(sum(each.p is not None for each in pairs), "tested pair")
    if evidence.arms.family == "declared":
        outside = "" if len(pairs) == len(printed_pairs(evidence)) else "; pairs below the rule have no verdict"
        return f"Holm: adjusted for the family of pairs that the study declared ({family}){outside}."
    which = (
        "every pair of arms" if evidence.arms.family == "every pair" else "every pair of a fusion and its own streams"
    )
    return f"Holm: adjusted for {which} ({family}); the study declared no pairs."


def of_own_stream(evidence: Evidence, contrast: Contrast) -> bool:
    """Return whether a pair compares a fusion with one of the arms that it fuses."""
    streams = evidence.record.streams
    return contrast.second in streams(contrast.first) or contrast.first in streams(contrast.second)


def _after_leading(evidence: Evidence, pairs: Sequence[Contrast]) -> tuple[int, ...]:
    """Return the row after the declared pairs, or else after those of a fusion and its own streams."""
    declared = evidence.arms.family == "declared"
    leading = [each.in_family if declared else of_own_stream(evidence, each) for each in pairs]
    return tuple(row for row in range(1, len(leading)) if leading[row - 1] and not leading[row])


def _full(each: Contrast) -> dict[str, Any]:
    return {
        "first": each.first,
        "second": each.second,
        "difference": each.mean,
        "sd": each.sd,
        "low": possible(*each.interval, difference=True)[0] if each.interval else None,
        "high": possible(*each.interval, difference=True)[1] if each.interval else None,
        "paired": each.unpaired is None,
        "n_folds": len(each.folds),
        **numbers_of("contrast", "main", each),
        "in_family": each.in_family,
        "verdict": each.decision.verdict.value,
        "reason": each.decision.reason,
    }


def _further(each: Contrast) -> dict[str, Any]:
    return {"first": each.first, "second": each.second, **numbers_of("contrast", "complement", each)}


def _drawing(evidence: Evidence) -> Drawing:
    pairs = printed_pairs(evidence)
    paired = [each for each in pairs if each.folds]
    folds = sorted({len(each.folds) for each in paired})
    caption = (
        "Differences in macro accuracy between arms in points, paired by fold: a dot for each fold (seeds averaged "
        f"first), the mean, and its {evidence.confidence} interval over folds, corrected for training sets that "
        f"overlap; n = {' or '.join(map(str, folds))} folds. Grey: the margin of equivalence."
    )
    drawn = len(drawn_pairs(paired))
    if drawn < len(paired):
        caption += f" The first {drawn} of {len(paired)} pairs are drawn; the table has all."
    return Drawing("contrasts", caption, partial(contrast_figure, pairs, evidence.margin))


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
    left = style.text_inches("\n".join(names).split("\n"), _SIZE) + 0.12
    right = style.text_inches(notes, _SIZE) + 0.2
    figure = Figure(figsize=(TEXT_WIDTH, _BELOW + sum(heights) + _EDGE))
    axes = style.place(figure, left, _BELOW, TEXT_WIDTH - left - right, sum(heights))
    axes.axvspan(-margin, margin, color="#E8E8E8", linewidth=0, zorder=0)
    axes.axvline(0, color=BLACK, linewidth=0.8, zorder=1)
    centres, top = [], 0.0
    for each, height, note in zip(shown, heights, notes, strict=True):
        centres.append(top + height / 2)
        _draw(axes, each, top, height)
        style.note_right(axes, centres[-1], note, _SIZE)
        top += height
    style.label_rows(axes, centres, names, (top, 0), "Difference in macro accuracy in points")
    figure.legend(handles=_entries(margin), loc="lower center", ncols=2, borderpad=0.1)
    return figure


def _name(contrast: Contrast) -> str:
    return style.wrapped(style.literal(f"{contrast.first} − {contrast.second}"), _NAME)


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
        style.legend_marker("one fold, mean of its seeds", BLUE, ms=4),
        style.legend_marker("mean over folds", "white", "D", mec=BLACK, ms=4.5),
        Line2D([], [], color=BLACK, marker="|", linewidth=1.2, label="corrected interval over folds"),
        Patch(facecolor="#E8E8E8", edgecolor=GREY, linewidth=0.4, label=f"margin of equivalence, ±{margin:g} points"),
    ]
