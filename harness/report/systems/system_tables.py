"""Systems and their pairs as tables, for LaTeX, pages and the terminal alike."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import pandas as pd

from harness.comparisons.arm_contrast import Contrast
from harness.comparisons.systems.by_counts import CountContrast
from harness.comparisons.systems.standing import Standing
from harness.comparisons.systems.system import ConfusionCounts, Level
from harness.comparisons.systems.system_comparison import SystemComparisons
from harness.report.report_section import Heading, Table, grid
from harness.report.systems.sentences import sample_of, several
from harness.statistics.letters import letters_of
from harness.statistics.proportions import clopper_pearson
from harness.text.decimals import decimals, possible, signed

NOTHING = "–"
Item = TypeVar("Item")


def systems_table(found: SystemComparisons) -> Table:
    """Return one row per system: accuracy, rank, both with their uncertainty, and its groups."""
    what = "clip accuracy" if found.level is Level.FOLDS else "macro accuracy"
    columns: dict[Heading, Callable[[Standing], str]] = {
        "system": lambda each: each.name,
        "group": lambda each: letters_of(each.name, found.groups) or NOTHING,
        what: lambda each: decimals(each.accuracy, 1),
        "over recordings": lambda each: _accuracies(each.over_recordings),
        "over folds": lambda each: _accuracies(each.over_folds),
        "over clips": lambda each: _accuracies(each.over_clips),
        "of clips": lambda each: _of_clips(each, found),
        "rank": lambda each: str(each.rank),
        "rank, recordings": lambda each: _ranks(each.rank_over_recordings),
        "rank, folds": lambda each: _ranks(each.rank_over_folds),
        "rank, tests": lambda each: _ranks(each.rank_by_tests),
        "best": lambda each: NOTHING if each.best is None else f"{each.best:.2f}",
    }
    confidence = f"{100 * found.rules.confidence:g} %"
    caption = [f"Systems by {what} in percent ({sample_of(found)}), with {confidence} intervals."]
    if found.level is Level.CLIPS:
        caption.append(
            "Over recordings: bootstrap of recordings, networks held fixed; over folds: corrected for overlapping "
            "training sets. Rank over recordings and folds: percentiles for one system at a time, on the same "
            "resamples for all; best: share of the resamples of recordings in which no system is better."
        )
    elif found.level is Level.FOLDS:
        caption.append(
            "Over folds: corrected for overlapping training sets. Rank over folds: percentiles for one system at a "
            "time, on the same resamples for all; best: share of these resamples in which no system is better."
        )
    else:
        caption.append(
            "Over clips: from the Wilson limits of the class accuracies; of clips: the fraction of clips that are "
            "right, with its exact interval. Both take clips as independent, which makes them too narrow where "
            "recordings have several clips."
        )
    if found.groups:
        caption.append(
            "Rank by tests: what the tests of all pairs leave open, for all systems together. Systems with a letter in "
            "common are not shown to differ."
        )
    return _kept("systems", "Systems", " ".join(caption), found.standings, columns, found.table)


def pairs_table(found: SystemComparisons) -> Table:
    """Return one row per pair of the family with its tests."""
    if found.counts:
        return _count_pairs(found)
    over = "folds, corrected for overlapping training sets"
    if found.contrasts and found.contrasts[0].over == "recordings":
        over = "recordings and seeds"
    columns: dict[Heading, Callable[[Contrast], str]] = {
        "pair": lambda each: f"{each.first} minus {each.second}",
        "difference": lambda each: signed(each.mean, 1),
        "interval": lambda each: _differences(each.interval),
        "p": lambda each: p_text(each.p),
        "p Holm": lambda each: p_text(each.p_adjusted),
        "would find": lambda each: decimals(each.smallest_found, 1) if math.isfinite(each.smallest_found) else NOTHING,
        "p over clips": lambda each: p_text(each.mcnemar.p if each.mcnemar else None),
        "over recordings": lambda each: _differences(
            (each.bootstrap.low, each.bootstrap.high) if each.bootstrap else None
        ),
    }
    caption = (
        f"Differences between {len(found.standings)} systems in percentage points ({sample_of(found)}; the family: "
        f"{found.family}), with interval and p over {over}, Holm's adjusted p over "
        f"{several(len(found.contrasts), 'pair')}, and the smallest difference that the test would have found."
    )
    if found.level is Level.CLIPS:
        caption += (
            " p over clips: McNemar's test of the first seed, not adjusted, which takes clips as independent; over "
            "recordings: bootstrap interval."
        )
    return _kept("pairs", "Pairs of systems", caption, found.contrasts, columns, found.pairs)


def _count_pairs(found: SystemComparisons) -> Table:
    columns: dict[Heading, Callable[[CountContrast], str]] = {
        "pair": lambda each: f"{each.first} minus {each.second}",
        "difference": lambda each: signed(each.difference, 1),
        "unpaired interval": lambda each: _differences(each.unpaired),
        "clips apart": lambda each: f"{each.bounds.fewest:,} to {each.bounds.most:,}" if each.bounds else NOTHING,
        "p Holm": lambda each: " to ".join(dict.fromkeys((p_text(each.p_low), p_text(each.p_high)))),
        "the two": lambda each: each.verdict,
    }
    caption = (
        f"Differences in macro accuracy between {len(found.standings)} systems in percentage points, from confusion "
        f"matrices alone (the family: {found.family}). The unpaired interval is for independent samples of clips. If "
        "both were tested on the same clips: the number of clips on which exactly one of them is right, and McNemar's "
        f"p, adjusted by Holm over {several(len(found.counts), 'pair')}, can be anything between the bounds. "
        "'Differ' and 'not shown to differ' hold for every pairing of the clips; 'cannot be told' depends on which "
        "clips are right."
    )
    return _kept("pairs", "Pairs of systems", caption, found.counts, columns, found.pairs)


def p_text(value: float | None) -> str:
    """Return a p value: ``0.021``, ``<0.001``."""
    return NOTHING if value is None else "<0.001" if value < 0.001 else f"{value:.3f}"


def _kept(
    name: str,
    title: str,
    caption: str,
    items: Iterable[Item],
    columns: Mapping[Heading, Callable[[Item], str]],
    data: pd.DataFrame,
) -> Table:
    """Return a table without the columns that are empty for all."""
    printed = grid(items, columns)
    empty = [column for column in printed if len(printed) and (printed[column] == NOTHING).all()]
    return Table(name=name, title=title, caption=caption, printed=printed.drop(columns=empty), data=data)


def _of_clips(each: Standing, found: SystemComparisons) -> str:
    system = each.system
    if not isinstance(system, ConfusionCounts):
        return NOTHING
    exact = clopper_pearson(int(system.right.sum()), int(system.clips.sum()), found.rules.confidence)
    return f"{decimals(system.clip_accuracy, 1)} ({_accuracies((100 * exact.low, 100 * exact.high))})"


def _accuracies(ends: tuple[float, float] | None) -> str:
    return " to ".join(decimals(end, 1) for end in possible(*ends)) if ends else NOTHING


def _differences(ends: tuple[float, float] | None) -> str:
    return " to ".join(signed(end, 1) for end in possible(*ends, difference=True)) if ends else NOTHING


def _ranks(ends: tuple[int, int] | None) -> str:
    return NOTHING if ends is None else str(ends[0]) if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"
