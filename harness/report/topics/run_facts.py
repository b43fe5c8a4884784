"""The runs behind a report: those that failed, the commands, and the environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from operator import itemgetter
from typing import Any

import pandas as pd

from harness.comparisons.scores import arm_names
from harness.record import StudyRecord, published_environment, shown_git
from harness.report import wording
from harness.report.evidence import Evidence
from harness.report.report_section import Command, Facts, Paragraph, Section, Table, grid

_RUN_COLUMNS = ["arm", "phase", "trial", "fold", "seed", "status", "error"]
_PACKAGES = (
    "torch", "torchaudio", "torchvision", "numpy", "scipy", "pandas", "scikit-learn", "librosa", "soundfile", "soxr",
    "optuna", "mlflow", "matplotlib",
)  # fmt: skip
_LONGEST_VALUE = 300
_LONGEST_ERROR = 140


def sections(evidence: Evidence) -> Iterator[Section]:
    """Yield the sections on failed runs, if there are any, and on the environment."""
    record = evidence.record
    if failed := failure_table(record):
        yield Section("failures", "Failures", tables=(failed,))
    environment = published_environment(record.environment)
    joined = environment.pop("parts", ())
    if joined:
        # What is left is of the last part.
        for name in ("hardware", "git", "platform"):
            environment.pop(name, None)
    if "git" in environment:
        environment["git"] = shown_git(environment)
    facts = [*wording.joined_parts(joined), *_flat(environment)]
    rows = tuple((name, _shortened(value)) for name, value in facts if name != "command")
    ended = f"Run {record.run_id}, {record.status.lower()}, {record.seconds:,.0f} seconds in all."
    yield Section(
        "environment",
        "Environment",
        before=(
            *map(Command, wording.commands(record.environment)),
            Paragraph((ended,)),
            *((Facts(rows, "results.json"),) if rows else ()),
        ),
    )


def failures(record: StudyRecord) -> pd.DataFrame:
    """Return the fold runs that failed or never finished, except those that a search pruned.

    Columns: ``arm``, ``phase``, ``trial``, ``fold``, ``seed``, ``status`` and ``error``.
    """
    if record.folds.empty:
        return pd.DataFrame(columns=_RUN_COLUMNS)
    lost = (record.folds["status"] != "FINISHED") & ~_stopped(record.folds)
    return in_order(record, record.folds.loc[lost, _RUN_COLUMNS], _RUN_COLUMNS[:5])


def in_order(record: StudyRecord, runs: pd.DataFrame, by: list[str]) -> pd.DataFrame:
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


def failure_table(record: StudyRecord) -> Table | None:
    """Return the runs that failed with the last line of their error, or None if all finished."""
    data = failures(record)
    if data.empty:
        return None
    printed = grid(
        data.to_dict("records"),
        {
            "Arm": itemgetter("arm"),
            "Phase": lambda row: row["phase"] if pd.isna(row["trial"]) else f"{row['phase']} {int(row['trial'])}",
            "Error": lambda row: _last_line(row["error"]),
            "Status": lambda row: str(row["status"]).lower(),
            "Fold": lambda row: str(row["fold"]),
            "Seed": lambda row: str(row["seed"]),
        },
    )
    caption = f"Fold runs that did not finish: {len(data)} of {len(record.folds)}; they are not part of the accuracies."
    return Table("failures", "Failed runs", caption, printed, data, text_columns=3)


def _last_line(error: Any) -> str:
    lines = str(error or "").strip().splitlines()
    return _cut(lines[-1].strip() if lines else "no error recorded", _LONGEST_ERROR)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _flat(environment: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return nested entries as dotted names and text; of the installed packages only those that affect numbers."""
    rows: list[tuple[str, str]] = []
    for key, value in environment.items():
        name = f"{prefix}{key}"
        if name == "packages" and isinstance(value, Mapping):
            shown = [f"{package} {value[package]}" for package in _PACKAGES if package in value]
            rows.append((name, ", ".join(shown) or wording.NOTHING))
        elif isinstance(value, Mapping):
            rows += _flat(value, f"{name}.")
        else:
            rows.append((name.replace("_bytes", ""), _text(name, value)))
    return rows


def _text(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(_text(str(key), entry) for key, entry in value.items())
    if isinstance(value, list | tuple):
        return "; ".join(_text(name, entry) for entry in value) or "none"
    if name.endswith("_bytes") and isinstance(value, int | float):
        return f"{value / 2**30:.1f} GiB"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return wording.NOTHING if value in (None, "") else str(value)


def _shortened(text: str) -> str:
    """Return text short enough for a cell; a digest is cut to its first 16 characters, which identify it."""
    if len(text) >= 40 and " " not in text and all(sign in "0123456789abcdef" for sign in text.lower()):
        return f"{text[:16]}…"
    return _cut(" ".join(text.split()), _LONGEST_VALUE)
