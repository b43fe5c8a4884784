"""A report written again from its own folder: the same predictions with the current statistics, claims and wording.

The tracking store remains with the person who ran a study, while a report is passed on. Its predictions and
results.json contain everything that its numbers rest on, so that an error in computing them can be corrected without
training again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from harness.errors import ReportError, StudyError
from harness.record import FOLD_COLUMNS, StudyRecord
from harness.report.folder import ReportFolder, open_report
from harness.report.write import ReportFiles, write_report
from harness.study import COMPARISONS, DECLARATIONS, Dotted, StudySpec, recorded_document
from harness.study.study_file import parse_study


def rewrite_report(
    folder: Path, study: StudySpec | None = None, claims: Mapping[str, Any] | None = None, *, pdf: bool = True
) -> tuple[StudyRecord, ReportFiles]:
    """Write the report in ``folder`` again from its results.json and predictions.parquet; nothing is trained.

    Learning curves are not among a report's numbers, so their pictures are kept as they are.

    Parameters
    ----------
    folder
        Folder of the report.
    study
        The study file as it is now, whose question and :data:`harness.study.DECLARATIONS` are taken; comparisons that
        differ are recorded as declared later. None keeps those of the report.
    claims
        The papers that the study is compared with, as JSON data by key; by default those that ship with the project.
    pdf
        Whether to compile report.tex as well, if LaTeX is installed.

    Raises
    ------
    ReportError
        When the folder holds no report that can be read, or ``study`` is another study or names arms that the report
        does not have.
    """
    record = replace(record_of_report(open_report(folder), study), claims=dict(claims or {}))
    kept = {
        f"figures/{path.name}": path.read_bytes()
        for path in sorted((folder / "figures").glob("curves-*"))
        if path.is_file() and not path.is_symlink()
    }
    return record, write_report(record, folder, kept=kept, pdf=pdf)


def record_of_report(report: ReportFolder, study: StudySpec | None = None) -> StudyRecord:
    """Return the record of a study from its report: final trainings and their predictions, without histories.

    Raises
    ------
    ReportError
        When ``study`` is another study, or names arms that the report does not have.
    """
    found, read = report.found, report.results
    spec, environment = report.spec, dict(found["environment"])
    if study is not None:
        spec = _declared(spec, study)
        changed = (
            name for name in map(Dotted.parse, COMPARISONS) if _unlabelled(name, spec) != _unlabelled(name, report.spec)
        )
        if later := [str(name) for name in changed]:
            environment["declared_later"] = sorted({*environment.get("declared_later", ()), *later})
    return StudyRecord(
        name=read.study.name,
        run_id=read.study.run_id,
        status=read.study.status,
        spec=spec,
        classes=tuple(read.classes),
        predictions=report.predictions,
        history=pd.DataFrame(),
        folds=pd.DataFrame(_fold_rows(report), columns=FOLD_COLUMNS),
        leakage=pd.DataFrame(found["leakage"]),
        environment=environment,
        seconds=found["study"]["seconds"],
        searches={search["arm"]: search for search in found["searches"]},
        learnt={arm.name: arm.learnt for arm in read.arms if arm.learnt is not None},
    )


def _declared(recorded: StudySpec, study: StudySpec) -> StudySpec:
    """Return the ``recorded`` study with the question and the declarations of ``study``."""
    if study.study.name != recorded.study.name:
        raise ReportError(
            f"the report is of study {recorded.study.name!r}, and the study file names {study.study.name!r}; "
            "give the file of the same study"
        )
    changed = recorded
    for name in map(Dotted.parse, ("study.question", *DECLARATIONS)):
        changed = name.set(changed, name.of(study))
    # Declarations of single arms.
    own = {arm.name: {name: arm.set[name] for name in DECLARATIONS if name in arm.set} for arm in study.arms}
    arms = [
        arm.model_copy(update={"set": {**arm.set, **own[arm.name]}}) if own.get(arm.name) else arm
        for arm in recorded.arms
    ]
    try:
        document = recorded_document(changed.model_copy(update={"arms": tuple(arms)}))
        return parse_study(document, "the declarations of the study file do not fit the recorded study")
    except StudyError as error:
        raise ReportError(*error.args, "Give a study file whose declarations name arms of the report only") from None


def _unlabelled(name: Dotted, spec: StudySpec) -> Any:
    """Return a field without the labels of comparisons."""
    return [(each.claim, each.arm) for each in spec.compare] if str(name) == "compare" else name.of(spec)


def _fold_rows(report: ReportFolder) -> Iterator[dict[str, Any]]:
    """Yield a row for each training in the results, with the columns of ``StudyRecord.folds``."""
    found = report.results
    chosen = {(row.arm, row.fold): row for row in found.selection.chosen}
    device = found.devices[0] if len(found.devices) == 1 else "-"
    for arm in found.arms:
        for run in arm.runs:
            row = chosen.get((arm.name, run.fold))
            values = row.values_of(report.spec) if row else {}
            yield _row(arm.name, "final", row.trial if row else None, run.fold, run.seed, params=values, device=device)
    for search in found.searches:
        for trial in search.trials:
            scores = trial.validation_macro_accuracy
            for fold, score in scores.items():
                yield _row(search.arm, "search", trial.trial, int(fold), 0, validation_macro_accuracy=score)
            dropped = trial.state == "pruned" and not trial.stopped
            for tested in found.protocol.expected_folds if dropped else ():
                if str(tested) not in scores:
                    yield _row(search.arm, "search", trial.trial, tested, 0, status="KILLED")
    for failure in found.failures:
        yield _row(
            **{name: getattr(failure, name) for name in ("arm", "phase", "trial", "fold", "seed", "status", "error")}
        )


def _row(arm: str, phase: str, trial: int | None, fold: int, seed: int, **more: Any) -> dict[str, Any]:
    plain = {"run_id": "", "status": "FINISHED", "error": "", "params": {}}
    return {"arm": arm, "phase": phase, "trial": trial, "fold": fold, "seed": seed, **plain, **more}
