"""Reading a report's folder, checked as a whole first, and the record of its study from what it publishes.

The tracking store remains with the person who ran a study, while a report is passed on. Its predictions and
results.json contain everything that its numbers rest on, so that an error in computing them can be corrected without
training again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pandas as pd

from harness.errors import ReportError, StudyError
from harness.record import FOLD_COLUMNS, StudyRecord
from harness.report.folder.curves_file import read_curves
from harness.report.folder.predictions_file import PREDICTIONS, read_predictions
from harness.report.folder.results_file import RESULTS, Results, read_results
from harness.study import COMPARISONS, DECLARATIONS, Dotted, StudySpec, read_recorded, recorded_document
from harness.study.study_file import parse_study


@dataclass(frozen=True)
class ReportFolder:
    """A report that was read and checked.

    Attributes
    ----------
    found, results
        results.json as JSON data, and as parsed.
    spec
        The study of the report.
    predictions
        The columns of ``StudyRecord.predictions``.
    """

    folder: Path
    found: dict[str, Any]
    results: Results
    spec: StudySpec
    predictions: pd.DataFrame


def open_report(folder: Path) -> ReportFolder:
    """Return the report in ``folder``.

    Its two files are checked individually and against each other: both must have the same arms, folds, seeds and
    classes, and the same number of clips in each training.

    Raises
    ------
    ReportError
        When a file cannot be read, or is invalid; names the file, the place within it and the value.
    """
    found, results = read_results(folder)
    spec = _study(folder, found, results)
    predictions = read_predictions(folder, len(results.classes))
    _match(folder, results, predictions)
    return ReportFolder(folder, found, results, spec, predictions)


def record_of_report(report: ReportFolder, study: StudySpec | None = None) -> StudyRecord:
    """Return the record of a study from its report: final trainings with their predictions and rounded curves.

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
        history=read_curves(report.folder, [arm.name for arm in read.arms]),
        folds=pd.DataFrame(_fold_rows(report), columns=FOLD_COLUMNS),
        leakage=pd.DataFrame(found["leakage"]),
        environment=environment,
        seconds=found["study"]["seconds"],
        searches={search["arm"]: search for search in found["searches"]},
        learnt={arm.name: arm.learnt for arm in read.arms if arm.learnt is not None},
    )


def _study(folder: Path, found: dict[str, Any], results: Results) -> StudySpec:
    path = folder / RESULTS
    try:
        spec = read_recorded(results.spec, f"{path}: $.spec", found["environment"])
    except StudyError as error:
        raise ReportError(*error.args) from None
    if spec.study.name != results.study.name:
        _refuse(path, f"$.study.name: expected {spec.study.name!r} as in $.spec, received {results.study.name!r}")
    arms, named = [arm.name for arm in spec.arms], [arm.name for arm in results.arms]
    if arms != named:
        _refuse(path, f"$.arms: expected the arms of $.spec ({', '.join(arms)}), received {', '.join(named)}")
    for position, arm in enumerate(results.arms):
        tested = spec.tested(spec.arm(arm.name))
        for number, run in enumerate(arm.runs):
            if run.fold not in tested:
                place = f"$.arms[{position}].runs[{number}].fold"
                _refuse(path, f"{place}: expected a fold that the study tests {list(tested)}, received {run.fold}")
    _check_chosen(path, results, spec)
    return spec


def _check_chosen(path: Path, results: Results, spec: StudySpec) -> None:
    """Refuse values that a search cannot have chosen, because they would be used in trainings."""
    # Values are additional keys of a row, named by the study's search space.
    for position, row in enumerate(results.selection.chosen):
        arm, values = spec.arm(row.arm), row.values_of(spec)
        try:
            if arm.is_fused:
                raise ValueError("a fused arm is not searched")
            spec.settings(arm, values)
        except ValueError as error:
            _refuse(path, f"$.selection.chosen[{position}]: {' '.join(str(error).split())[:300]}")


def _match(folder: Path, results: Results, predictions: pd.DataFrame) -> None:
    """Refuse a table whose trainings, or whose number of clips in one, differ from the results."""
    table, path = folder / PREDICTIONS, folder / RESULTS
    sizes = predictions.groupby(["arm", "fold", "seed"], sort=False).size().reset_index(name="rows")
    counted = {
        (str(arm), int(fold), int(seed)): int(rows)
        for arm, fold, seed, rows in sizes[["arm", "fold", "seed", "rows"]].to_numpy()
    }
    named = {
        (arm.name, run.fold, run.seed): (f"$.arms[{position}].runs[{number}]", run.n_clips)
        for position, arm in enumerate(results.arms)
        for number, run in enumerate(arm.runs)
    }
    for arm, fold, seed in counted.keys() - named.keys():
        _refuse(
            table, f"arm {arm[:80]!r}, fold {fold}, seed {seed}: {path.name} has no such training in its arms' runs"
        )
    for (arm, fold, seed), (place, n_clips) in named.items():
        count = counted.get((arm, fold, seed), 0)
        if count != n_clips:
            what = f"the rows of arm {arm!r}, fold {fold}, seed {seed} in {table.name}"
            _refuse(path, f"{place}.n_clips: expected {count}, {what}, received {n_clips:g}")


def _refuse(path: Path, fault: str) -> NoReturn:
    raise ReportError(
        f"{path}: {fault}; take the folder from where it was published again, or write it from its record: "
        "harness report STUDY"
    ) from None


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
