"""Tables about the search: what was searched and its importance, and each arm's trials."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from harness.comparisons.scores import arm_names
from harness.record import StudyRecord
from harness.report import wording
from harness.report.table import Table
from harness.report.wording import NOTHING, percent
from harness.study import Space

SEARCHES_ABREAST = 8
"""The most arms in a table of importances; more continue in a further table."""


def searches_of(record: StudyRecord) -> dict[str, dict[str, Any]]:
    """Return the searches with at least one ended trial by arm, in the study's order."""
    return {arm: record.searches[arm] for arm in arm_names(record) if record.searches.get(arm, {}).get("trials")}


def trials_of(search: Mapping[str, Any]) -> pd.DataFrame:
    """Return one row per ended trial, in order of their number.

    Columns: ``trial``, ``state``, ``folds`` (validated) and ``mean`` (validation macro accuracy over those folds, a
    fraction; NaN if there is none).
    """
    rows = []
    for trial in search["trials"]:
        found = [float(value) for value in trial["validation_macro_accuracy"].values() if value is not None]
        mean = math.fsum(found) / len(found) if found else math.nan
        rows.append({"trial": int(trial["trial"]), "state": str(trial["state"]), "folds": len(found), "mean": mean})
    return pd.DataFrame(rows, columns=["trial", "state", "folds", "mean"]).sort_values("trial", ignore_index=True)


def search_tables(record: StudyRecord, marks: list[str]) -> list[Table]:
    """Return the space with importances, and each arm's trials; nothing if no search was recorded."""
    searches = searches_of(record)
    if not searches:
        return []
    arms = list(searches)
    pages = [arms[first : first + SEARCHES_ABREAST] for first in range(0, len(arms), SEARCHES_ABREAST)]
    spaces = [
        _space_table(record, number, {arm: searches[arm] for arm in page}, marks) for number, page in enumerate(pages)
    ]
    return [*spaces, _trials_table(searches, marks)]


def _space_table(record: StudyRecord, number: int, searches: Mapping[str, Any], marks: list[str]) -> Table:
    space = record.spec.search.space
    shares = {arm: search.get("importance") or {} for arm, search in searches.items()}
    printed = pd.DataFrame(
        [
            [name, describe_space(entry), *(percent(shares[arm].get(name, math.nan), digits=0) for arm in searches)]
            for name, entry in space.items()
        ],
        columns=pd.MultiIndex.from_tuples(
            [("", "Hyperparameter"), ("", "Searched"), *(("Importance", arm) for arm in searches)]
        ),
    )
    data = pd.DataFrame(
        [
            {"hyperparameter": name, "searched": describe_space(entry)}
            | {f"{arm}: importance": shares[arm].get(name) for arm in searches}
            for name, entry in space.items()
        ]
    )
    caption = (
        "What was searched, and how much each hyperparameter mattered to an arm: its share in percent of the variance "
        "of the trials' mean validation macro accuracy over folds (fANOVA). A dash: too few trials to tell."
    )
    return Table(
        "search-space" if number == 0 else f"search-space-{number + 1}",
        "Search space and importance",
        wording.with_marks(caption, marks),
        printed,
        data,
        text_columns=2,
    )


def _trials_table(searches: Mapping[str, Any], marks: list[str]) -> Table:
    rows, data = [], []
    for arm, search in searches.items():
        trials = trials_of(search)
        states = {state: int((trials["state"] == state).sum()) for state in ("complete", "pruned", "failed")}
        whole = trials[(trials["state"] == "complete") & trials["mean"].notna()]
        best = None if whole.empty else whole.iloc[int(whole["mean"].argmax())]
        chosen = {str(fold): int(trial) for fold, trial in (search.get("chosen") or {}).items()}
        rows.append(
            [
                arm,
                _chosen(chosen),
                str(len(trials)),
                *(str(number) for number in states.values()),
                NOTHING if best is None else str(int(best["trial"])),
                NOTHING if best is None else percent(float(best["mean"])),
            ]
        )
        data.append(
            {"arm": arm, "trials": len(trials), **states}
            | {"best_trial": None if best is None else int(best["trial"])}
            | {"best_mean": None if best is None else float(best["mean"])}
            | {"chosen": " ".join(f"{fold}:{trial}" for fold, trial in chosen.items())}
        )
    headers = [("", "Arm"), ("", "Chosen trial: its folds")]
    headers += [("Trials", state) for state in ("all", "complete", "pruned", "failed")]
    headers += [("Best complete", "trial"), ("Best complete", "mean")]
    caption = (
        "Trials of each arm's search. Best complete: the trial with the highest mean validation macro accuracy over "
        "folds, in percent; test folds have no part in it. Of a pruned trial at least one fold's training was stopped "
        "early; such a fold has no accuracy, and cannot choose the trial."
    )
    return Table(
        "searches",
        "Trials of the search",
        wording.with_marks(caption, marks),
        pd.DataFrame(rows, columns=pd.MultiIndex.from_tuples(headers)),
        pd.DataFrame(data),
        text_columns=2,
    )


def describe_space(space: Space) -> str:
    """Return the range of a hyperparameter in words: ``0.0001 to 0.01, logarithmic``, or its choices."""
    if space.choices is not None:
        return ", ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in space.choices)
    text = f"{space.low:g} to {space.high:g}"
    if space.log:
        return f"{text}, logarithmic"
    return f"{text} in steps of {space.step:g}" if space.step else text


def _chosen(chosen: Mapping[str, int]) -> str:
    """Return ``3: folds 1, 2; 5: fold 3``, or a dash."""
    by_trial: dict[int, list[str]] = {}
    for fold, trial in chosen.items():
        by_trial.setdefault(trial, []).append(fold)
    parts = (f"{trial}: fold{'s' if len(folds) > 1 else ''} {', '.join(folds)}" for trial, folds in by_trial.items())
    return "; ".join(parts) or NOTHING
