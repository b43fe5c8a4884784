"""Systems from any code compared with each other: accuracies, ranks, pairs and groups, at the level that all permit."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from harness.comparisons.arm_contrast import Contrast, settle_contrasts
from harness.comparisons.claim_comparison import Rules
from harness.comparisons.systems.by_clips import ClipComparison
from harness.comparisons.systems.by_counts import CountComparison, CountContrast, settle_counts
from harness.comparisons.systems.by_folds import FoldComparison
from harness.comparisons.systems.declared_family import family_of
from harness.comparisons.systems.detectable import Detectable, detectable
from harness.comparisons.systems.formats import read_systems
from harness.comparisons.systems.formats.prediction_table import predictions_of
from harness.comparisons.systems.same_columns import with_same_columns
from harness.comparisons.systems.standing import Standing, ranked, with_tested_ranks
from harness.comparisons.systems.system import (
    PERMITS,
    AnySystem,
    ClipPredictions,
    Level,
)
from harness.errors import ComparisonError
from harness.statistics.letters import MOST_GROUPS, letter_groups, letters_of

EVERY_PAIR = "every pair"
Given = str | Path | pd.DataFrame


@dataclass(frozen=True)
class SystemComparisons:
    """The comparison of systems.

    Attributes
    ----------
    level
        What is known about all systems, which decides what is tested.
    standings
        The systems with accuracy and rank, the most accurate first.
    family
        What was declared, in words.
    contrasts
        The pairs of the family, with Holm's adjusted p values; empty for confusion matrices.
    counts
        The pairs of the family where only confusion matrices are known.
    differ
        The pairs of the family that differ significantly, the better system first.
    groups
        Names of systems of which no two are shown to differ, in the order of accuracy; empty where not every pair was
        tested, or where there are too many groups.
    detectable
        The smallest differences that would be found.
    notes
        How the files were read, in words.
    rules
        Margin and confidence.
    """

    level: Level
    standings: tuple[Standing, ...]
    family: str
    contrasts: tuple[Contrast, ...]
    counts: tuple[CountContrast, ...]
    differ: tuple[tuple[str, str], ...]
    groups: tuple[tuple[str, ...], ...]
    detectable: tuple[Detectable, ...]
    notes: tuple[str, ...]
    rules: Rules

    @property
    def every_pair(self) -> bool:
        """Whether every pair was tested."""
        return self.family == EVERY_PAIR

    @property
    def table(self) -> pd.DataFrame:
        """One row per system: accuracy in percent, its intervals, ranks with theirs, and letters of its groups."""
        rows = [
            {
                "system": each.name,
                "accuracy": each.accuracy,
                **_ends("recordings", each.over_recordings),
                **_ends("folds", each.over_folds),
                **_ends("clips", each.over_clips),
                "rank": each.rank,
                **_ends("rank_recordings", each.rank_over_recordings),
                **_ends("rank_folds", each.rank_over_folds),
                **_ends("rank_tests", each.rank_by_tests),
                "best": each.best,
                "group": letters_of(each.name, self.groups),
                "source": each.system.source,
            }
            for each in self.standings
        ]
        return pd.DataFrame(rows)

    @property
    def pairs(self) -> pd.DataFrame:
        """One row per pair of the family: difference in points, interval, p and adjusted p, or their bounds."""
        if self.counts:
            return pd.DataFrame(
                [
                    {
                        "first": each.first,
                        "second": each.second,
                        "difference": each.difference,
                        "low": each.unpaired[0],
                        "high": each.unpaired[1],
                        "p_holm_lowest": each.p_low,
                        "p_holm_highest": each.p_high,
                        "verdict": each.verdict,
                    }
                    for each in self.counts
                ]
            )
        return pd.DataFrame(
            [
                {
                    "first": each.first,
                    "second": each.second,
                    "difference": each.mean,
                    "low": each.interval[0] if each.interval else None,
                    "high": each.interval[1] if each.interval else None,
                    "p": each.p,
                    "p_holm": each.p_adjusted,
                    "smallest_found": each.smallest_found if math.isfinite(each.smallest_found) else None,
                    "p_mcnemar": each.mcnemar.p if each.mcnemar else None,
                    **_ends("recordings", (each.bootstrap.low, each.bootstrap.high) if each.bootstrap else None),
                    "verdict": each.decision.verdict.value,
                }
                for each in self.contrasts
            ]
        )


def systems_from(given: Mapping[str, Given] | Iterable[Given], task: str = "") -> list[AnySystem]:
    """Return the systems in files or tables.

    Parameters
    ----------
    given : mapping of str to file or DataFrame, or iterable of them
        Files, or tables of predictions. Names of a mapping are those of the systems; a file may be ``NAME=FILE``.
    task : str
        The task, where a file has several.

    Raises
    ------
    ComparisonError
        When a file is faulty, a table has no name, or two systems have the same.
    """
    named = [*given.items()] if isinstance(given, Mapping) else [_named(each) for each in given]
    found: list[AnySystem] = []
    for name, each in named:
        if isinstance(each, pd.DataFrame):
            if not name:
                raise ComparisonError("a table of predictions needs a name; give predictions as {name: table}")
            found.append(predictions_of(each, name, name))
        else:
            found.extend(read_systems(Path(each), name, task))
    names = [system.name for system in found]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ComparisonError(
            f"two systems are called {twice[0]!r}; name them: --predictions NAME=FILE (in Python, {{NAME: FILE}})"
        )
    return found


def compare_systems(
    systems: Sequence[AnySystem],
    pairs: Sequence[tuple[str, str]] = (),
    rules: Rules | None = None,
    *,
    reference: str = "",
    data_folds: int | None = None,
    validation_apart: bool = False,
) -> SystemComparisons:
    """Compare systems at the lowest level of detail that one of them has.

    Parameters
    ----------
    systems : sequence of System
        The systems; one confusion matrix, or two or more of any kind.
    pairs : sequence of (str, str)
        The family: pairs of systems to test. Default: every pair, or those with ``reference``.
    rules : Rules, optional
        Margin and confidence.
    reference : str
        A system that all others are compared with, which is then the family.
    data_folds : int, optional
        Folds of the data that took part; default: those that were tested.
    validation_apart : bool
        Whether one of them was held out for validation; formats that always do so say it themselves.

    Raises
    ------
    ComparisonError
        When systems cannot be compared: other clips, folds, tasks or classes.
    """
    rules = rules or Rules(2.0)
    levels = {system.level for system in systems}
    aligned: list[str] = []
    if levels == {Level.CLIPS}:
        systems, aligned = with_same_columns([each for each in systems if isinstance(each, ClipPredictions)])
    level = Level.COUNTS if Level.COUNTS in levels else Level.FOLDS if Level.FOLDS in levels else Level.CLIPS
    if len(systems) < (1 if level is Level.COUNTS else 2):
        raise ComparisonError(f"a comparison needs the predictions of two systems or more, received {len(systems)}")
    apart = validation_apart or any(system.validation_apart for system in systems)
    compared: ClipComparison | FoldComparison | CountComparison
    folds = 0
    if level is Level.COUNTS:
        compared = CountComparison([each.as_counts() for each in systems], rules)
    else:
        folds = _n_folds(systems[0])
        ratio = 1 / max(1, (data_folds or folds) - 1 - apart)
        of_clips = [each for each in systems if isinstance(each, ClipPredictions)]
        compared = (
            ClipComparison(of_clips, rules, ratio)
            if level is Level.CLIPS
            else FoldComparison([each.as_folds() for each in systems], rules, ratio)
        )
    standings = ranked(compared.standings())
    names = [each.name for each in standings]
    family = family_of(names, pairs, reference)
    counts: tuple[CountContrast, ...] = ()
    contrasts: tuple[Contrast, ...] = ()
    if isinstance(compared, CountComparison):
        counts = settle_counts([compared.contrast(a, b) for a, b in family])
        better = [_better(each.first, each.second, each.difference) for each in counts if each.differs]
    else:
        contrasts = settle_contrasts([compared.contrast(a, b) for a, b in family], rules)
        better = [
            _better(each.first, each.second, each.mean)
            for each in contrasts
            if each.p_adjusted is not None and each.p_adjusted < rules.alpha
        ]
    groups: tuple[tuple[str, ...], ...] = ()
    if not (pairs or reference) and len(systems) > 1:
        standings, groups = with_tested_ranks(standings, better), letter_groups(names, better)
    return SystemComparisons(
        level,
        standings,
        f"every system against {reference}" if reference else "declared pairs" if pairs else EVERY_PAIR,
        contrasts,
        counts,
        tuple(better),
        groups,
        detectable(contrasts, _n_clips(standings[0].system), min(rules.alpha, 0.49)),
        (
            *_notes(systems, level, folds, data_folds),
            *aligned,
            *_of_other_clips(counts),
            *_without_groups(groups, pairs, reference, names),
        ),
        rules,
    )


def _named(given: Given) -> tuple[str, Given]:
    """Return the name and the file of ``NAME=FILE``; a file that exists is meant as it is."""
    text = str(given) if isinstance(given, str | Path) else ""
    name, sign, file = text.partition("=")
    if sign and name.strip() and file and not Path(text).exists():
        return name.strip(), Path(file)
    return "", given


def _n_folds(system: AnySystem) -> int:
    return len(system.macro_by_fold) if isinstance(system, ClipPredictions) else len(system.as_folds().by_fold)


def _n_clips(system: AnySystem) -> int:
    return len(system.clips) if isinstance(system, ClipPredictions) else 0


def _better(first: str, second: str, difference: float) -> tuple[str, str]:
    return (first, second) if difference > 0 else (second, first)


def _ends(name: str, interval: tuple[float, float] | None) -> dict[str, float | None]:
    low, high = interval or (None, None)
    return {f"{name}_low": low, f"{name}_high": high}


def _notes(systems: Sequence[AnySystem], level: Level, folds: int, data_folds: int | None) -> list[str]:
    notes = [f"all systems have {level.value}: {PERMITS[level]}"]
    lower = [each.name for each in systems if each.level is level]
    if len(lower) < len(systems):
        notes = [f"{', '.join(lower[:5])} have only {level.value}, so all are compared by these: {PERMITS[level]}"]
    of_clips = [each for each in systems if isinstance(each, ClipPredictions)]
    if level is Level.CLIPS and not of_clips[0].recordings:
        notes.append(
            "no column recording: every clip is taken as a recording of its own, so intervals may be too narrow"
        )
    if level is Level.CLIPS and folds < 2:
        notes.append("no folds: systems are compared on one test part, over its recordings")
    if level is Level.FOLDS and folds < 2:
        notes.append("one accuracy for each system: differences are shown, and none can be tested")
    if folds > 1 and data_folds is None:
        notes.append(
            f"the {folds} folds tested are taken as all folds of the data; if not, set --dataset or --data-folds"
        )
    if level is Level.COUNTS:
        notes.append(
            "clips are taken as independent: where recordings have several clips, the intervals are too narrow; "
            "whether two matrices are of the same clips cannot be seen; with equal numbers of clips by class they are "
            "taken to be"
        )
        if any(len(each.macro_by_fold) > 1 for each in of_clips):
            notes.append("folds of predictions are counted together, with the first seed")
    remarks: dict[str, list[str]] = {}
    for each in systems:
        for remark in each.remarks:
            remarks.setdefault(remark, []).append(each.name)
    notes.extend(f"{', '.join(names)}: {remark}" for remark, names in remarks.items())
    return notes


def _of_other_clips(counts: Sequence[CountContrast]) -> list[str]:
    other = [f"{each.first} and {each.second}" for each in counts if each.bounds is None]
    if not other:
        return []
    return [
        f"{', '.join(other[:3])}{', ...' if len(other) > 3 else ''}: other numbers of clips by class, so they are "
        "compared as independent samples; of different data sets this says nothing about the systems"
    ]


def _without_groups(
    groups: Sequence[Sequence[str]], pairs: Sequence[tuple[str, str]], reference: str, names: Sequence[str]
) -> list[str]:
    if groups or pairs or reference or len(names) < 2:
        return []
    return [
        f"there are more than {MOST_GROUPS} groups of systems that cannot be told apart, too many for letters; see the "
        "ranks that the tests leave open"
    ]
