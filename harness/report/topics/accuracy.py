"""Accuracy per arm and fold by fold: tables, and a figure with each fold, the mean, its SD and corrected interval."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from harness.choices import FusionRule
from harness.comparisons.against_claim import ClaimComparison
from harness.comparisons.scores import StudyScores
from harness.record import StudyRecord
from harness.report import style, wording
from harness.report.cells import accuracy, claimed, cut_note, interval
from harness.report.evidence import Evidence
from harness.report.report_section import Drawing, Heading, Section, Table, grid, headed
from harness.report.style import BLACK, BLUE, GREEN, PURPLE, TEXT_WIDTH, VERMILLION
from harness.report.topics.protocol_effects import epoch_name
from harness.report.wording import NOTHING, percent
from harness.statistics.holdout import HoldoutTest
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


def sections(evidence: Evidence) -> Iterator[Section]:
    """Yield the section on the arms' accuracies."""
    tables = [accuracy_table(evidence)]
    if not wording.is_holdout(evidence.record):
        tables.append(fold_table(evidence.scores, one_part_arms(evidence.record)))
    yield Section("accuracy", "Accuracy", tables=tuple(tables), figures=(_drawing(evidence),), front=(tables[-1],))


def accuracy_table(evidence: Evidence) -> Table:
    """Return one row per arm: macro accuracy with SD and corrected interval, clip accuracy with SD, segment accuracy,
    F1, n."""
    record, scores = evidence.record, evidence.scores
    arms = [str(arm) for arm in scores.arms["arm"]]
    tests = {arm: evidence.intervals[arm] for arm in arms if arm in evidence.intervals}
    several = len(record.protocols) > 1
    protocols: dict[Heading, Callable[[Any], str]] = {
        "Split": lambda row: record.protocol(row["arm"]).label,
        "Epoch": lambda row: epoch_name(record.protocol(row["arm"]).epoch_rule_in_effect),
    }
    printed = grid(
        scores.arms.to_dict("records"),
        {
            "Arm": lambda row: row["arm"],
            "Network": lambda row: describe_arm(record, row["arm"]),
            **(protocols if several else {}),
            ("Macro", "Mean"): lambda row: percent(row["macro_accuracy_mean"]),
            ("Macro", "SD"): lambda row: percent(row["macro_accuracy_sd"]),
            ("Macro", "Interval"): lambda row: (
                interval(tests[row["arm"]].low, tests[row["arm"]].high) if row["arm"] in tests else NOTHING
            ),
            ("Clip", "Mean"): lambda row: percent(row["clip_accuracy_mean"]),
            ("Clip", "SD"): lambda row: percent(row["clip_accuracy_sd"]),
            ("Segment", "Mean"): lambda row: percent(row["segment_accuracy_mean"]),
            ("F1", "Mean"): lambda row: percent(row["f1_mean"]),
            ("n", "Folds"): lambda row: str(row["n_folds"]),
            ("n", "Seeds"): lambda row: wording.span(row["seeds_min"], row["seeds_max"]),
        },
    )
    data = scores.arms.copy()
    data.insert(1, "network", printed["", "Network"].tolist())
    data.insert(3, "folds", [" ".join(map(str, scores.folds_of(arm))) for arm in arms])
    if several:
        data.insert(2, "split", printed["", "Split"].tolist())
        data.insert(3, "epoch", printed["", "Epoch"].tolist())
    ends = [possible(tests[arm].low, tests[arm].high) if arm in tests else (math.nan, math.nan) for arm in arms]
    data["macro_accuracy_low"] = [low / 100 for low, _ in ends]
    data["macro_accuracy_high"] = [high / 100 for _, high in ends]
    caption = (
        f"Accuracy per arm in percent. {evidence.sample} Macro: unweighted mean of the class accuracies. F1: "
        "unweighted mean over classes."
        + cut_note([(test.low, test.high) for test in tests.values()], sample=evidence.small)
    )
    words = 4 if several else 2
    return Table("accuracy", "Accuracy per arm", caption, printed, data, text_columns=words, marked=True)


def one_part_arms(record: StudyRecord) -> tuple[str, ...]:
    """Return the arms that are tested on one part of the data instead of folds."""
    return tuple(arm.name for arm in record.spec.arms if record.tests_one_part(arm.name))


def fold_table(scores: StudyScores, one_part: Collection[str] = ()) -> Table:
    """Return macro accuracy fold by fold, arms in rows, with mean and SD; the CSV has every score of every fold. The
    arms ``one_part`` have no folds, but one test part."""
    by_fold = scores.folds[~scores.folds["arm"].isin(one_part)]
    folds = sorted({int(fold) for fold in by_fold["fold"]})
    cells = {(arm, int(fold)): value for arm, fold, value in by_fold[["arm", "fold", "macro_accuracy"]].to_numpy()}
    rows = [
        [
            row["arm"],
            *(percent(cells.get((row["arm"], fold), math.nan)) for fold in folds),
            percent(row["macro_accuracy_mean"]),
            percent(row["macro_accuracy_sd"]),
        ]
        for row in scores.arms.to_dict("records")
    ]
    printed = headed(rows, ["Arm", *(("Fold", str(fold)) for fold in folds), "Mean", "SD"])
    caption = (
        f"Macro accuracy fold by fold in percent, mean of the seeds. SD: {wording.OVER_FOLDS}; "
        f"{wording.sample_size(scores)}."
    )
    if one_part:
        caption += f" {', '.join(one_part)}: one test part, so no folds (n = 1)."
    return Table("folds", "Accuracy fold by fold", caption, printed, scores.folds)


def describe_arm(record: StudyRecord, name: str) -> str:
    """Return the description of an arm: ``su4 on LMC``, or ``Dempster-Shafer of LMCNet and MCNet``."""
    arm = next((arm for arm in record.spec.arms if arm.name == name), None)
    if arm is None:
        return NOTHING
    if not arm.fuse:
        return f"{arm.model} on {arm.features}"
    rule = "Dempster-Shafer" if arm.rule is FusionRule.DEMPSTER_SHAFER else "Mean"
    *first, last = arm.fuse
    return f"{rule} of {', '.join(first)} and {last}{', per segment' if arm.level == 'segment' else ''}"


def _drawing(evidence: Evidence) -> Drawing:
    caption = (
        "Macro accuracy in percent: a dot for each fold (seeds averaged first), the mean, one standard deviation "
        f"{wording.OVER_FOLDS}, and the {evidence.confidence} interval of the mean over folds, corrected for training "
        f"sets that overlap; {wording.sample_size(evidence.scores)}. A fold has the same height in every band."
    )
    if wording.is_holdout(evidence.record):
        caption = f"Macro accuracy in percent on the test part. {evidence.sample}"
    drawn = evidence.macro_claims
    if drawn:
        caption += " Vertical lines: published accuracies."
    if any(each.is_reference for each in drawn):
        caption += f" {wording.REFERENCE}"
    if any(each.differences and not each.is_reference for each in drawn):
        caption += " Dotted: measured under other conditions, so not comparable."
    if any(each.published is not None for each in drawn):
        caption += " ± after a published accuracy: its own SD over folds."
    draw = partial(fold_figure, evidence.scores, evidence.fused, intervals=evidence.intervals, claims=drawn)
    return Drawing("fold-accuracies", caption, draw)


def fold_figure(
    scores: StudyScores,
    fused: Sequence[str],
    *,
    intervals: Mapping[str, TTest | HoldoutTest] | None = None,
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
        Comparisons with published macro accuracies.
    """
    intervals = intervals or {}
    arms = [arm for arm in scores.arms["arm"] if scores.folds_of(arm)]
    folds = sorted({int(fold) for fold in scores.folds["fold"]})
    lanes = dict(zip(folds, np.linspace(-0.34, 0.1, len(folds)) if len(folds) > 1 else [0.0], strict=True))
    names = [style.wrapped(style.literal(arm), 26) for arm in arms]
    notes = [_note(scores, arm, [each for each in claims if each.arm == arm]) for arm in arms]
    entries = _entries(
        fused=any(arm in fused for arm in arms),
        folds=not any(isinstance(each, HoldoutTest) for each in intervals.values()),
        intervals=bool(intervals),
        claims=any(not each.differences and not each.is_reference for each in claims),
        apart=any(each.differences and not each.is_reference for each in claims),
        references=any(each.is_reference for each in claims),
    )
    below = _BELOW + _LEGEND_LINE * max(0, (len(entries) + 1) // 2 - 2)
    lines = sum(
        max(1.55, 0.75 + 0.5 * (max(name.count("\n"), note.count("\n")) + 1))
        for name, note in zip(names, notes, strict=True)
    )
    left = style.text_inches("\n".join(names).split("\n"), _SIZE) + 0.12
    right = style.text_inches("\n".join(notes).split("\n"), _SIZE) + 0.16
    figure = Figure(figsize=(TEXT_WIDTH, below + _EDGE + 0.27 * lines))
    axes = style.place(figure, left, below, TEXT_WIDTH - left - right, 0.27 * lines)
    for position, arm in enumerate(arms):
        if position % 2:
            axes.axhspan(position - 0.5, position + 0.5, color="#F5F5F5", linewidth=0, zorder=0)
        if arm in intervals:
            bounds = possible(intervals[arm].low, intervals[arm].high)
            axes.plot(bounds, [position + _MEAN_LANE] * 2, color=_PALE, linewidth=5, solid_capstyle="butt", zorder=1)
        _draw_arm(axes, scores, arm, position, lanes, GREEN if arm in fused else BLUE)
        for each in claims:
            if each.arm == arm:
                _draw_claim(axes, each, position)
        style.note_right(axes, position, notes[position], _SIZE)
    style.label_rows(axes, range(len(arms)), names, (len(arms) - 0.5, -0.5), "Macro accuracy in %")
    axes.grid(axis="x")
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


def _entries(*, fused: bool, folds: bool, intervals: bool, claims: bool, apart: bool, references: bool) -> list[Line2D]:
    entries = [style.legend_marker("one fold, mean of its seeds" if folds else "test part, mean of seeds", BLUE, ms=4)]
    if fused:
        entries.append(style.legend_marker("the same, fused arm", GREEN, ms=4))
    if folds:
        entries.append(style.legend_marker("mean over folds", "white", "D", mec=BLACK, ms=4.5))
        entries.append(Line2D([], [], color=BLACK, linewidth=1.0, label="± 1 SD over folds (ddof 1)"))
    if intervals:
        label = "corrected interval of the mean" if folds else "interval over recordings and seeds"
        entries.append(Line2D([], [], color=_PALE, linewidth=5, label=label))
    for shown, colour, dashes, label in (
        (claims, VERMILLION, _CLAIM_DASHES, "claimed"),
        (apart, VERMILLION, _APART_DASHES, "claimed under other conditions"),
        (references, PURPLE, _REFERENCE_DASHES, "reference: another system"),
    ):
        if shown:
            entries.append(Line2D([], [], color=colour, linewidth=1.4, linestyle=dashes, label=label))
    return entries
