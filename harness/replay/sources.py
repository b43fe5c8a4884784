"""Sources of recorded results: a tracking store, which has everything, or a report, which has what is published.

The folder of a report is enough to repeat a published result: results.json has the resolved study, the chosen values
and the environment, predictions.parquet the tested clips.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import pandas as pd
from numpy.typing import NDArray

from harness.choices import EpochRule
from harness.record import environment_of_arm
from harness.replay.outcome import FINAL
from harness.report.folder.check import ReportCheck, check_report
from harness.report.folder.curves_file import read_curves
from harness.report.folder.read import ReportFolder, open_report
from harness.report.folder.results_file import RESULTS, Chosen, Run
from harness.study import StudySpec
from harness.tracking.recorded_run import RecordedFold, RecordedRun, read_run
from harness.tracking.runs import flat_settings
from harness.tracking.store import readable_uri
from harness.tracking.stored_folds import StoredFold
from harness.tracking.study_reader import load_fold, load_weights

REPORT = "report"
"""Level of a :class:`RecordedRun` that was read from a report."""


class Source(Protocol):
    """A recorded run and the results of its trainings.

    ``whole`` is true if segments, histories and weights are available, false if only the clips of the test part are.
    """

    run: RecordedRun
    whole: bool

    def check(self) -> ReportCheck | None:
        """Compare published numbers with the predictions; None if no numbers are published."""
        ...

    def load(self, fold: RecordedFold) -> StoredFold:
        """Return a training's recorded result."""
        ...

    def weights(self, fold: RecordedFold) -> dict[str, NDArray[Any]] | None:
        """Return its weights, None if none were kept."""
        ...


class StoreSource:
    """A finished study, trial or fold run of a tracking store; raises as
    :func:`harness.tracking.recorded_run.read_run`."""

    whole = True

    def __init__(self, uri: str, run_id: str) -> None:
        # Resolved once: if a server went down midway, its spool would be read instead, where runs have other ids.
        self._uri = readable_uri(uri)
        self.run = read_run(self._uri, run_id)

    def check(self) -> None:
        """Return None: a store has no published numbers."""
        return

    def load(self, fold: RecordedFold) -> StoredFold:
        """Return a training's recorded result."""
        return load_fold(self._uri, fold.run_id)

    def weights(self, fold: RecordedFold) -> dict[str, NDArray[Any]] | None:
        """Return its weights, None where none were kept."""
        return load_weights(self._uri, fold.run_id)


class ReportSource:
    """The final trainings of a study, from the folder of its report.

    ``study`` and ``claims`` are those that it is compared with, as in :func:`harness.report.write.rewrite_report`.

    Raises
    ------
    ReportError
        When the folder holds no report, or one that cannot be read, or one of a study that this version cannot read.
    """

    whole = False

    def __init__(self, folder: Path, study: StudySpec | None = None, claims: Mapping[str, Any] | None = None) -> None:
        self._study, self._claims = study, claims
        self._report = open_report(folder)
        found = self._report.results
        head = _head(self._report)
        chosen = {(row.arm, row.fold): row for row in found.selection.chosen}
        folds = tuple(
            _fold(head, self._report.spec, arm.name, run, chosen.get((arm.name, run.fold)), found.devices)
            for arm in found.arms
            for run in arm.runs
        )
        self.run = replace(head, folds=folds, siblings=folds)

    def check(self) -> ReportCheck:
        """Compare the report with its predictions; raises as :func:`harness.report.folder.check.check_report`."""
        return check_report(self._report, self._study, self._claims)

    def load(self, fold: RecordedFold) -> StoredFold:
        """Return the clips of a training's test part, without segments or history."""
        table = self._report.predictions
        mine = table[(table["arm"] == fold.arm) & (table["fold"] == fold.fold) & (table["seed"] == fold.seed)]
        return StoredFold(
            run_id=fold.run_id,
            task_key=fold.task_key,
            segments=None,
            clips={"test": mine.drop(columns=["arm", "fold", "seed"]).reset_index(drop=True)},
            history=pd.DataFrame(),
        )

    def weights(self, fold: RecordedFold) -> None:  # noqa: ARG002
        """Return None: a report has no weights."""
        return


def _head(report: ReportFolder) -> RecordedRun:
    """Return the data of results.json on a study as a whole, without its trainings."""
    return RecordedRun(
        run_id=str(report.folder),
        level=REPORT,
        title=report.results.study.name,
        study=report.results.study.name,
        study_run=report.results.study.run_id,
        spec=report.spec,
        spec_is_original=None,
        environment=dict(report.found["environment"]),
        folds=(),
        siblings=(),
        unfinished=0,
    )


def _fold(
    head: RecordedRun, spec: StudySpec, arm: str, run: Run, row: Chosen | None, devices: list[str]
) -> RecordedFold:
    """Return a final training in the form of a store; ``row`` has the trial and the values chosen for its fold."""
    values = row.values_of(spec) if row else {}
    own = spec.arm(arm)
    settings = None if own.is_fused else spec.settings(own, values)
    digests = head.environment.get("digests", {})
    features = "-" if settings is None else digests.get(f"features.{settings.features_name}", "-")
    until = 0
    if settings is not None and settings.protocol.epoch_rule == EpochRule.BEST_MEAN_ON_TEST:
        # A training by this rule ends after the epoch that all folds chose.
        curves = read_curves(Path(head.run_id), [each.name for each in spec.arms])
        mine = curves
        for name, value in (("arm", arm), ("fold", run.fold), ("seed", run.seed)):
            mine = mine[mine[name] == value] if len(mine) else mine
        until = int(mine["epoch"].max()) if len(mine) else 0
    return RecordedFold(
        run_id=f"{arm}/fold{run.fold}/seed{run.seed}",
        task_key=f"{arm}/{FINAL}/fold{run.fold}/seed{run.seed}",
        arm=arm,
        phase=FINAL,
        trial=row.trial if row else None,
        fold=run.fold,
        seed=run.seed,
        values=values,
        settings={} if settings is None else _texts(flat_settings(settings)),
        digests={"data": digests.get("data", "-"), "features": features},
        parts={},
        conditions={"device": devices[0]} if len(devices) == 1 else {},
        environment=environment_of_arm(head.environment, arm),
        until=until,
    )


def open_source(what: str, uri: str, study: StudySpec | None = None, claims: Mapping[str, Any] | None = None) -> Source:
    """Return the report in the folder ``what`` if there is one, else the run with that id.

    Parameters
    ----------
    what
        Folder of a report, or id of a run or its beginning.
    uri
        Tracking URI of the store that has the run.
    study
        The study file as it is now, for a report; see :class:`ReportSource`.
    claims
        The papers that a report is compared with; see :class:`ReportSource`.

    Raises
    ------
    ReportError
        When the report cannot be read.
    TrackingError
        When the run cannot be found or read, as :func:`harness.tracking.recorded_run.read_run`.
    """
    if (Path(what) / RESULTS).is_file():
        return ReportSource(Path(what), study, claims)
    return StoreSource(uri, what)


def with_streams(chosen: list[RecordedFold], run: RecordedRun) -> list[RecordedFold]:
    """Return ``chosen`` and the streams of its fused arms, since a report has no segments to fuse again."""
    fuse = {arm.name: arm.fuse or () for arm in run.spec.arms}
    needed = {(stream, fold.fold, fold.seed) for fold in chosen for stream in fuse.get(fold.arm, ())}
    there = {(fold.arm, fold.fold, fold.seed) for fold in chosen}
    wanted = needed | there
    return [fold for fold in run.folds if (fold.arm, fold.fold, fold.seed) in wanted]


def _texts(settings: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in settings.items()}
