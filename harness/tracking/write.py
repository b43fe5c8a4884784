"""StudyRecorder: the one writer of a study's runs.

The process that leads a study holds it; results reach it from wherever they were computed. Nothing of MLflow's
"active run" is used: every call names its run. Accuracies are fractions, times seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from harness.data.clips import ClipTable
from harness.data.splits import Split
from harness.study import Arm, StudySpec
from harness.tracking import names
from harness.tracking.digests import spec_digest
from harness.tracking.environment import collect_environment
from harness.tracking.files import json_file
from harness.tracking.fold_recorder import FoldRecorder
from harness.tracking.folds import whole_or_none
from harness.tracking.lock import WriterLock
from harness.tracking.monitor import LoadMonitor
from harness.tracking.runs import RunTags, metrics_of, now_ms
from harness.tracking.searches import EndedTrial, search_content
from harness.tracking.session import (
    begin_session,
    close_leftovers,
    create_study_run,
    descendants,
    end_session,
    find_study_run,
    reopen,
)
from harness.tracking.store import Store, open_store
from harness.tracking.uri import local_folder

if TYPE_CHECKING:
    from mlflow.entities import Run

_STOPPED = "the study stopped before this run ended"
_INTERRUPTED = "interrupted: the process that wrote this run ended without closing it"


class StudyRecorder(FoldRecorder):
    """Writes one study run and everything below it; made by :meth:`open`, used as a context manager.

    Leaving the context ends the study run: FINISHED, FAILED with the error, or KILLED when it was interrupted. Runs
    below it that are still open are KILLED with it.
    """

    def __init__(
        self, store: Store, experiment: str, run: Run, spec: StudySpec, digests: Mapping[str, str], clips: ClipTable
    ) -> None:
        super().__init__(store, experiment, run, spec, digests, clips)
        self._experiment = experiment
        self._n_folds = len(spec.test_folds)
        self._lock: WriterLock | None = None
        self._monitor: LoadMonitor | None = None
        self._trials: dict[tuple[str, str, int | None], str] = {}

    @classmethod
    def open(
        cls,
        uri: str,
        spec: StudySpec,
        *,
        clips: ClipTable,
        splits: Iterable[Split],
        digests: Mapping[str, str],
        command: str,
        overrides: Sequence[str] = (),
        claims: Mapping[str, Any] | None = None,
        resume: bool = True,
    ) -> Self:
        """Open the study run of ``spec`` in the store at ``uri``, or create store, experiment and run.

        With ``resume`` the newest study run of the same study and inputs goes on, whatever its status; of an older
        session, runs still marked RUNNING become KILLED.

        Parameters
        ----------
        splits
            One per fold; their leakage reports are recorded.
        digests
            Of the study's inputs: ``data`` and ``features.<set>``.
        command, overrides
            The command line as it was given, and the values of its ``--set``.
        claims
            The papers that the study is compared with, as JSON data by key.

        Raises
        ------
        TrackingError
            When the store cannot be written, or another process writes this study run.
        """
        store = open_store(uri, create=True)
        digest = spec_digest(spec, digests)
        environment = collect_environment(command, overrides)
        lock = _take_lock(store, spec.study.name, digest)
        try:
            known = {**digests, **environment.facts.get("digests", {}), "spec": digest}
            with store.guard("open the study run"):
                experiment = store.ensure_experiment(spec.study.name, spec.study.question)
                run = find_study_run(store, experiment, digest) if resume else None
                found = [] if run is None else descendants(store, experiment, run.info.run_id)
                close_leftovers(store, found, _INTERRUPTED)
                if run is None:
                    run = create_study_run(store, experiment, spec, RunTags(spec, known), clips)
                begin_session(store, run, spec, clips, splits, environment, known, claims or {})
                recorder = cls(store, experiment, run, spec, known, clips)
                recorder._remember(found)
                if spec.tracking.system_metrics:
                    recorder._monitor = LoadMonitor(store, recorder.run_id)
        except BaseException:
            if lock is not None:
                lock.release()
            raise
        recorder._lock = lock
        return recorder

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close(names.FINISHED)
            return
        try:
            stopped = not isinstance(error, Exception)
            self.close(names.KILLED if stopped else names.FAILED, "interrupted" if stopped else error)
        except Exception as second:
            # What stopped the study matters more than that it could not be written down.
            error.add_note(f"The study run could not be closed in MLflow: {second}")

    def close(self, status: str, error: BaseException | str | None = None) -> None:
        """End the study run with ``status`` (FINISHED, FAILED or KILLED) and let go of it."""
        try:
            with self._store.guard("close the study run"):
                if self._monitor is not None:
                    self._monitor.stop()
                    self._monitor = None
                self._curves.end_all()
                close_leftovers(self._store, descendants(self._store, self._experiment, self.run_id), _STOPPED)
                if error is not None:
                    self._writer.fail(self.run_id, error)
                end_session(self._store, self.run_id, status)
        finally:
            if self._lock is not None:
                self._lock.release()

    def log_search(
        self,
        arm: Arm,
        trials: Sequence[EndedTrial],
        chosen: Mapping[int, EndedTrial],
        importance: Mapping[str, float],
    ) -> None:
        """Write an arm's search into ``search/<arm>.json`` of the study run: all trials, the choice per fold, and the
        importance of each hyperparameter."""
        content = search_content(arm.name, trials, chosen, importance)
        with self._store.guard(f"record the search of arm {arm.name!r}"):
            self._writer.put(self.run_id, {f"{names.SEARCH_FOLDER}/{arm.name}.json": json_file(content)})

    def trial(self, arm: Arm, phase: str, trial: int | None, params: Mapping[str, Any] | None = None) -> str:
        """Return the run id of an arm's trial (``phase`` "search") or of its final trainings ("final"), made on demand.

        ``params`` are the hyperparameters set over the study's, by dotted name; written when the run is made.
        """
        key = (arm.name, phase, trial)
        with self._store.guard(f"record the {phase} of arm {arm.name!r}"):
            if key in self._trials:
                run_id = self._trials[key]
                reopen(self._store, self._store.client.get_run(run_id))
                return run_id
            tags = self._tags.trial(self.run_id, arm, phase, trial)
            title = f"{arm.name} {phase}" if trial is None else f"{arm.name} {phase} {trial}"
            self._trials[key] = self._writer.create(self.run_id, title, tags, params or {})
        return self._trials[key]

    def finish_trial(self, run_id: str, accuracies: Mapping[int, float], part: str, error: str = "") -> None:
        """End a trial run with its macro accuracies as ``fold_<k>``, ``mean`` and ``sd`` (ddof 1; needs two folds).

        ``accuracies`` maps a fold to its accuracy on ``part``: "validation" in a search, "test" (averaged over seeds)
        in the final phase. With an ``error`` the run is FAILED; a search trial without one that lacks folds was pruned.
        """
        values = {f"fold_{fold}": float(accuracy) for fold, accuracy in sorted(accuracies.items())}
        folds = list(values.values())
        if folds:
            values["mean"] = float(np.mean(folds))
        if len(folds) > 1:
            values["sd"] = float(np.std(folds, ddof=1))
        tags = {names.METRIC_TAG: f"{part}_macro_accuracy"}
        if self._writer.tags(run_id)["phase"] == names.SEARCH:
            tags[names.PRUNED_TAG] = str(not error and len(folds) < self._n_folds).lower()
        with self._store.guard("finish a trial"):
            self._writer.log(run_id, metrics_of(values, 0, now_ms()), tags)
            if error:
                self._writer.fail(run_id, error)
            self._writer.end(run_id, names.FAILED if error else names.FINISHED)

    def _remember(self, runs: Iterable[Run]) -> None:
        """Note the trials and finished folds of earlier sessions, oldest first, so that the newest stays."""
        for run in runs:
            tags = run.data.tags
            self._writer.remember(run)
            if tags["level"] == names.FOLD and run.info.status == names.FINISHED:
                self._note_finished(run.info.run_id, tags, run.data.metrics)
            elif tags["level"] == names.TRIAL:
                self._trials[tags["arm"], tags["phase"], whole_or_none(tags["trial"])] = run.info.run_id


def log_reports(uri: str, run_id: str, folder: Path) -> None:
    """Copy everything below ``folder`` into ``reports/`` of a study run, replacing what stands there.

    Raises
    ------
    TrackingError
        When the store or the run is missing, or cannot be written.
    """
    store = open_store(uri, create=False)
    with store.guard(f"record the reports in {folder}"):
        store.client.get_run(run_id)
        store.client.log_artifacts(run_id, str(folder), names.REPORTS_FOLDER)


def _take_lock(store: Store, study: str, digest: str) -> WriterLock | None:
    folder = local_folder(store.uri)
    if folder is None:
        return None
    return WriterLock(folder / f".writing-{study}-{digest[:12]}", f"study {study!r} in {store.shown}")
