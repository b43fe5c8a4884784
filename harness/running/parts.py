"""One record of a study from the reports of its parts, which were trained in different stores.

`run-study --arms` trains some arms of a study. Where the parts share no tracking store, for example because they ran on
different machines, each part has a report of its own; together their predictions are those of the complete study.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pandas as pd

from harness.errors import ReportError
from harness.record import FOLD_COLUMNS, StudyRecord
from harness.report.folder.read import open_report, record_of_report
from harness.study import StudySpec
from harness.tracking.digests import arms_agree, core_digest, spec_document

TRAINING = ["arm", "fold", "seed"]
"""Columns that tell the final trainings of a study apart."""
# Processors may differ, as between the sessions and workers of one store; the report states that of each part.
_CONDITIONS = (("harness",), ("packages", "torch"), ("packages", "numpy"))


def record_of_parts(folders: Sequence[Path], study: StudySpec) -> StudyRecord:
    """Return the record of ``study`` with the trainings of all ``folders``, each once.

    The environment is that of the last part; ``environment["parts"]`` has arms, command, commit, hardware and seconds
    of each, and a part may itself have been joined. Trainings that are missing in all parts are missing in the record.

    Parameters
    ----------
    folders
        Report folders; of a training that several of them have, the predictions must be equal.
    study
        The study as it is now.

    Raises
    ------
    ReportError
        When a folder holds no report that can be read, or the parts are not of ``study``: its settings, arms, audio or
        features differ, or the versions that trained it.
    """
    parts = [record_of_report(open_report(folder), study) for folder in folders]
    digests: dict[str, str] = {}
    for folder, part in zip(folders, parts, strict=True):
        _check(folder, part, parts[0], study)
        for name, digest in _digests(part).items():
            if digests.setdefault(name, digest) != digest and name.startswith(("data", "features.")):
                _refuse(folder, f"its {name} differ from those of an earlier part")
    # A part that was joined before may be given again by itself.
    facts = {each["run_id"]: each for part in parts for each in part.environment.get("parts") or [_facts(part)]}
    last = max(parts, key=lambda part: int(part.environment.get("began_ms", 0)))
    order = {arm.name: position for position, arm in enumerate(last.spec.arms)}
    environment = dict(last.environment) | {
        "digests": digests | _digests(last),
        "parts": [*facts.values()],
    }
    return replace(
        last,
        status="FINISHED" if all(part.status == "FINISHED" for part in parts) else last.status,
        predictions=_in_order(_once(folders, [part.predictions for part in parts]), order, TRAINING),
        history=_in_order(_once(folders, [part.history for part in parts]), order, [*TRAINING, "epoch"]),
        folds=_folds([part.folds for part in parts]),
        leakage=_leakage(parts),
        environment=environment,
        seconds=sum(each["seconds"] for each in facts.values()),
        searches=_searches(folders, parts),
        learnt={name: value for part in parts for name, value in part.learnt.items()},
    )


def _check(folder: Path, part: StudyRecord, first: StudyRecord, study: StudySpec) -> None:
    recorded, audio = part.spec, _digests(part).get("data", "")
    if core_digest(spec_document(recorded), audio) != core_digest(spec_document(study), audio):
        _refuse(folder, "its settings differ from those of the study file")
    if not arms_agree(recorded, study):
        _refuse(folder, "an arm of the study file has other settings there")
    for names in _CONDITIONS:
        here, there = _at(part.environment, names), _at(first.environment, names)
        if here != there:
            _refuse(folder, f"it was trained with {' '.join(names)} {here}, and the first part with {there}")


def _refuse(folder: Path, fault: str) -> NoReturn:
    raise ReportError(f"--part {folder}: {fault}; give parts of one study, trained with equal versions")


def _at(environment: Any, names: Sequence[str]) -> Any:
    for name in names:
        environment = environment.get(name) if isinstance(environment, dict) else None
    return environment


def _digests(part: StudyRecord) -> dict[str, str]:
    digests: dict[str, str] = part.environment.get("digests", {})
    return digests


def _facts(part: StudyRecord) -> dict[str, Any]:
    kept = ("command", "git", "hardware", "platform", "began_ms")
    facts = {name: part.environment[name] for name in kept if name in part.environment}
    return {"run_id": part.run_id, "arms": sorted(set(part.predictions["arm"])), "seconds": part.seconds, **facts}


def _once(folders: Sequence[Path], tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of every training, of one of the tables that have it."""
    found: dict[tuple[Any, ...], pd.DataFrame] = {}
    for folder, table in zip(folders, tables, strict=True):
        for key, group in table.groupby(TRAINING, sort=False) if len(table) else ():
            rows = group.reset_index(drop=True)
            if not found.setdefault(key, rows).equals(rows):
                arm, fold, seed = key
                _refuse(folder, f"arm {arm!r}, fold {fold}, seed {seed} has other results than in an earlier part")
    return pd.concat(found.values(), ignore_index=True) if found else tables[0]


def _in_order(table: pd.DataFrame, arms: dict[str, int], keys: list[str]) -> pd.DataFrame:
    if table.empty:
        return table
    position = table["arm"].map(arms)
    return (
        table.assign(arm=position)
        .sort_values(keys, kind="stable", ignore_index=True)
        .assign(arm=lambda ordered: ordered["arm"].map(dict(enumerate(arms))))
    )


def _folds(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of all trainings; of one that failed in a part and finished in another, that which finished."""
    rows = [row for table in tables for row in table.to_dict("records")]
    found: dict[tuple[Any, ...], dict[Any, Any]] = {}
    for row in sorted(rows, key=lambda row: row["status"] != "FINISHED"):
        # A fold has one final training per seed, whichever trial was chosen for it.
        trial = None if row["phase"] == "final" else row["trial"]
        found.setdefault((row["arm"], row["phase"], trial, row["fold"], row["seed"]), row)
    return pd.DataFrame(list(found.values()), columns=list(FOLD_COLUMNS))


def _leakage(parts: Sequence[StudyRecord]) -> pd.DataFrame:
    table = pd.concat([part.leakage for part in parts], ignore_index=True)
    # Cells with a list of recordings cannot be compared as they are.
    return table.loc[~table.astype(str).duplicated()].reset_index(drop=True)


def _searches(folders: Sequence[Path], parts: Sequence[StudyRecord]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for folder, part in zip(folders, parts, strict=True):
        for arm, search in part.searches.items():
            if found.setdefault(arm, search)["chosen"] != search["chosen"]:
                _refuse(folder, f"the search of arm {arm!r} chose other trials than in an earlier part")
    return found
