"""Tables about runs: the hyperparameters chosen by the search, and the runs that failed."""

from __future__ import annotations

from typing import Any

import pandas as pd

from harness.comparisons.scores import arm_names
from harness.record import StudyRecord
from harness.report import wording
from harness.report.table import Table
from harness.report.wording import NOTHING, percent

_RUN_COLUMNS = ["arm", "phase", "trial", "fold", "seed", "status", "error"]


def chosen_hyperparameters(record: StudyRecord) -> pd.DataFrame:
    """Return the searched values of the final trainings.

    Columns: ``arm``, ``fold``, ``trial``, the values by dotted name, and ``validation_macro_accuracy`` of that trial on
    that fold during the search.
    """
    frame = record.folds
    if not wording.searched(record) or frame.empty:
        return pd.DataFrame()
    space = record.spec.search.space
    final = frame[(frame["phase"] == "final") & frame["trial"].notna()]
    search = frame[frame["phase"] == "search"]
    validated = {
        (arm, int(trial), int(fold)): float(value)
        for arm, trial, fold, value in search[["arm", "trial", "fold", "validation_macro_accuracy"]].to_numpy()
        if pd.notna(trial) and pd.notna(value)
    }
    rows = []
    for row in _in_order(record, final.drop_duplicates(["arm", "fold"]), ["arm", "fold"]).to_dict("records"):
        params = row["params"] if isinstance(row["params"], dict) else {}
        rows.append(
            {
                "arm": row["arm"],
                "fold": int(row["fold"]),
                "trial": int(row["trial"]),
                **{name: params.get(name) for name in space},
                "validation_macro_accuracy": validated.get(
                    (row["arm"], int(row["trial"]), int(row["fold"])), float("nan")
                ),
            }
        )
    return pd.DataFrame(rows)


def hyperparameter_table(record: StudyRecord, marks: list[str]) -> list[Table]:
    """Return the hyperparameters chosen per arm and fold, or nothing if none were searched."""
    data = chosen_hyperparameters(record)
    if data.empty:
        return []
    space = record.spec.search.space
    printed = pd.DataFrame(
        [
            [
                row["arm"],
                str(row["fold"]),
                str(row["trial"]),
                *(_value(row[name]) for name in space),
                percent(row["validation_macro_accuracy"]),
            ]
            for row in data.to_dict("records")
        ],
        columns=["Arm", "Fold", "Trial", *space, "Validation macro"],
    )
    # An arm is named only at its first fold, with a rule above.
    repeated = data["arm"].duplicated()
    printed.loc[repeated.to_numpy(), "Arm"] = ""
    starts = tuple(int(row) for row in (~repeated).to_numpy().nonzero()[0] if row)
    caption = (
        "Hyperparameters of the final trainings, chosen by search. Validation macro: macro accuracy in percent of that "
        "trial on the fold's validation part."
    )
    return [
        Table(
            "hyperparameters", "Chosen hyperparameters", wording.with_marks(caption, marks), printed, data, rules=starts
        )
    ]


def failures(record: StudyRecord) -> pd.DataFrame:
    """Return the fold runs that failed or never finished, except those that a search pruned.

    Columns: ``arm``, ``phase``, ``trial``, ``fold``, ``seed``, ``status`` and ``error``.
    """
    if record.folds.empty:
        return pd.DataFrame(columns=_RUN_COLUMNS)
    lost = (record.folds["status"] != "FINISHED") & ~_stopped(record.folds)
    return _in_order(record, record.folds.loc[lost, _RUN_COLUMNS], _RUN_COLUMNS[:5])


def _in_order(record: StudyRecord, runs: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Return runs sorted ``by`` columns, arms in the study's order."""
    places = {name: place for place, name in enumerate(arm_names(record))}
    ordered = runs.sort_values(by, key=lambda column: column.map(places) if column.name == "arm" else column)
    return ordered.reset_index(drop=True)


def stopped_early(record: StudyRecord) -> int:
    """Return how many trainings of searches were pruned.

    In records of earlier versions this includes those dropped because another fold of their trial was pruned or failed.
    """
    pruned = sum(len(trial.get("stopped") or ()) for each in record.searches.values() for trial in each["trials"])
    return pruned + (0 if record.folds.empty else int(_stopped(record.folds).sum()))


def _stopped(folds: pd.DataFrame) -> pd.Series:
    return (folds["phase"] == "search") & (folds["status"] == "KILLED")


def failure_table(record: StudyRecord, marks: list[str]) -> list[Table]:
    """Return the runs that failed with the last line of their error, or nothing if all finished."""
    data = failures(record)
    if data.empty:
        return []
    printed = pd.DataFrame(
        [
            [
                row["arm"],
                row["phase"] if pd.isna(row["trial"]) else f"{row['phase']} {int(row['trial'])}",
                _short(_last_line(row["error"]) or "no error recorded", 140),
                str(row["status"]).lower(),
                str(row["fold"]),
                str(row["seed"]),
            ]
            for row in data.to_dict("records")
        ],
        columns=["Arm", "Phase", "Error", "Status", "Fold", "Seed"],
    )
    caption = f"Fold runs that did not finish: {len(data)} of {len(record.folds)}; the accuracies lack them."
    return [Table("failures", "Failed runs", wording.with_marks(caption, marks), printed, data, text_columns=3)]


def _value(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return NOTHING if value is None else str(value)
    return NOTHING if pd.isna(value) else f"{value:.3g}" if isinstance(value, float) else str(value)


def _last_line(error: Any) -> str:
    lines = str(error or "").strip().splitlines()
    return lines[-1].strip() if lines else ""


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
