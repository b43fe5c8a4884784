"""Systems and their pairs as tables, for LaTeX, pages and the terminal alike."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import pandas as pd

from harness.comparisons.arm_contrast import Contrast
from harness.comparisons.systems.by_counts import CountContrast
from harness.comparisons.systems.compare import SystemComparisons
from harness.comparisons.systems.standing import Standing
from harness.comparisons.systems.system import ClipPredictions, ConfusionCounts, Level
from harness.report.section import Heading, Table, grid
from harness.statistics.letters import letters_of
from harness.text.decimals import decimals, possible, signed

NOTHING = "–"
Item = TypeVar("Item")


def systems_table(found: SystemComparisons) -> Table:
    """Return one row per system: accuracy, rank, both with their uncertainty, and its groups."""
    columns: dict[Heading, Callable[[Standing], str]] = {
        "system": lambda each: each.name,
        "group": lambda each: letters_of(each.name, found.groups) or NOTHING,
        "accuracy": lambda each: decimals(each.accuracy, 1),
        "over recordings": lambda each: _accuracies(each.over_recordings),
        "over folds": lambda each: _accuracies(each.over_folds),
        "over clips": lambda each: _accuracies(each.over_clips),
        "rank": lambda each: str(each.rank),
        "rank, recordings": lambda each: _ranks(each.rank_over_recordings),
        "rank, folds": lambda each: _ranks(each.rank_over_folds),
        "rank, tests": lambda each: _ranks(each.rank_by_tests),
        "best": lambda each: NOTHING if each.best is None else f"{each.best:.2f}",
    }
    confidence = f"{100 * found.rules.confidence:g} %"
    what = "clip accuracy" if found.level is Level.FOLDS else "macro accuracy"
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
            "Over clips: from the Wilson limits of the class accuracies, taking clips as independent, which makes it "
            "too narrow where recordings have several clips."
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
        f"{_several(len(found.contrasts), 'pair')}, and the smallest difference that the test would have found."
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
        "p Holm": lambda each: f"{p_text(each.p_low)} to {p_text(each.p_high)}" if each.bounds else NOTHING,
        "paired verdict": lambda each: each.verdict,
    }
    caption = (
        f"Differences in macro accuracy between {len(found.standings)} systems in percentage points, from confusion "
        f"matrices alone (the family: {found.family}). The unpaired interval is for independent samples of clips. If "
        "both were tested on the same clips: the number of clips on which exactly one of them is right, and McNemar's "
        f"p, adjusted by Holm over {_several(len(found.counts), 'pair')}, can be anything between the bounds."
    )
    return _kept("pairs", "Pairs of systems", caption, found.counts, columns, found.pairs)


def sample_of(found: SystemComparisons) -> str:
    """Return what the systems were tested on: clips, recordings, folds and seeds."""
    system = found.standings[0].system
    if isinstance(system, ConfusionCounts):
        return f"{int(system.counts.sum()):,} clips of {len(system.classes)} classes"
    if not isinstance(system, ClipPredictions):
        return _several(len(system.by_fold), "fold") if len(system.by_fold) > 1 else "one tested part"
    rows = system.rows
    parts = [_several(rows["clip"].nunique(), "clip")]
    if system.recordings:
        parts.append(_several(rows["recording"].nunique(), "recording"))
    if system.folds:
        parts.append(_several(rows["fold"].nunique(), "fold"))
    return ", ".join([*parts, _several(rows["seed"].nunique(), "seed")])


def detectable_sentences(found: SystemComparisons) -> list[str]:
    """Return the smallest true differences that would be found, as sentences; empty without tests."""
    known, pairs = found.detectable, len(found.contrasts)
    sentences = []
    for over, one, family in (
        ("folds", known.over_folds_one, known.over_folds_family),
        ("clips, taken as independent (McNemar),", known.over_clips_one, known.over_clips_family),
    ):
        if one is not None and family is not None:
            in_family = f", one of {decimals(family, 1)} points if {pairs:,} pairs are a family" if pairs > 1 else ""
            sentences.append(
                f"Over {over} one test would find a true difference of {decimals(one, 1)} points with a probability of "
                f"80 %{in_family} (at the median spread of the pairs)."
            )
    return sentences


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


def _several(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _accuracies(ends: tuple[float, float] | None) -> str:
    return " to ".join(decimals(end, 1) for end in possible(*ends)) if ends else NOTHING


def _differences(ends: tuple[float, float] | None) -> str:
    return " to ".join(signed(end, 1) for end in possible(*ends, difference=True)) if ends else NOTHING


def _ranks(ends: tuple[int, int] | None) -> str:
    return NOTHING if ends is None else str(ends[0]) if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"
