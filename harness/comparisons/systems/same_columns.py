"""Predictions of clips of which some name folds or recordings and others do not, brought to what all of them have.

The recording of a clip does not depend on who tests it, so it is taken from a system that names it. Folds are part of
how a system was trained, so without the folds of one system all are compared on one test part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.comparisons.systems.system import ClipPredictions
from harness.errors import ComparisonError


def with_same_columns(systems: Sequence[ClipPredictions]) -> tuple[list[ClipPredictions], list[str]]:
    """Return ``systems`` with the same optional columns, and what was done to them, in words.

    Raises
    ------
    ComparisonError
        When one has no folds, and another tested a clip in several.
    """
    found, first = _without_folds(systems)
    found, second = _with_recordings(found)
    return found, [*first, *second]


def _without_folds(systems: Sequence[ClipPredictions]) -> tuple[list[ClipPredictions], list[str]]:
    lacking = [each.name for each in systems if not each.folds]
    if not lacking or len(lacking) == len(systems):
        return list(systems), []
    found = []
    for each in systems:
        rows = each.rows.assign(fold=0).sort_values(["fold", "seed", "clip"], ignore_index=True)
        twice = rows[rows.duplicated(["seed", "clip"])]
        if len(twice):
            raise ComparisonError(
                f"{lacking[0]} has no column fold, and {each.name} tested clip {twice['clip'].iloc[0]!r} in several "
                "folds; give all files a column fold, or each clip once"
            )
        found.append(replace(each, rows=rows, folds=False))
    return found, [f"{', '.join(lacking[:5])} have no column fold, so the folds of the others are left out"]


def _with_recordings(systems: Sequence[ClipPredictions]) -> tuple[list[ClipPredictions], list[str]]:
    lacking = [each.name for each in systems if not each.recordings]
    if not lacking or len(lacking) == len(systems):
        return list(systems), []
    source = next(each for each in systems if each.recordings)
    of = dict(zip(source.rows["clip"], source.rows["recording"], strict=True))
    found = []
    for each in systems:
        if each.recordings or not {*each.rows["clip"]} <= of.keys():
            found.append(each)  # other clips are refused with their names
        else:
            found.append(replace(each, rows=each.rows.assign(recording=each.rows["clip"].map(of)), recordings=True))
    return found, [f"{', '.join(lacking[:5])} have no column recording: recordings are those of {source.name}"]
