"""Reading a report's folder: all readers of reports use this module, which checks the report as a whole first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pandas as pd

from harness.errors import ReportError, StudyError
from harness.report.predictions_file import PREDICTIONS, read_predictions
from harness.report.results_file import RESULTS, Results, read_results
from harness.study import StudySpec, read_recorded


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
        for number, run in enumerate(arm.runs):
            if run.fold not in spec.test_folds:
                place = f"$.arms[{position}].runs[{number}].fold"
                _refuse(
                    path, f"{place}: expected a fold that the study tests {list(spec.test_folds)}, received {run.fold}"
                )
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
