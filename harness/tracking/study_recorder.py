"""StudyRecorder: the only writer of a study's runs.

It belongs to the process that leads a study and receives results from wherever they were computed. MLflow's "active
run" is not used: every call names its run. Accuracies are fractions, times are seconds.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from harness.data.clips import ClipTable
from harness.data.leakage import LeakageReport
from harness.errors import TrackingError
from harness.own_code import OwnCode
from harness.study import Arm, StudySpec
from harness.tracking import names
from harness.tracking.digests import spec_digest
from harness.tracking.files import bytes_file, json_file, put_files
from harness.tracking.fold_recorder import FoldRecorder
from harness.tracking.monitor import load_monitor
from harness.tracking.run_writer import RunWriter
from harness.tracking.runs import RunTags, metrics_of
from harness.tracking.session import (
    begin_session,
    close_leftovers,
    create_study_run,
    descendants,
    end_session,
    fill_study_run,
    find_study_run,
    go_on_as,
    reopen,
    runs_below,
)
from harness.tracking.session_environment import collect_environment
from harness.tracking.store import Store, open_store
from harness.tracking.stored_folds import whole_or_none
from harness.tracking.study_lease import StudyLease, study_lease
from harness.tracking.sync.adopt import adopt
from harness.tracking.sync.delivery import Courier
from harness.tracking.sync.spool import Spool, recording_uri, spool_of
from harness.tracking.uri import is_remote
from harness.training.task import FoldTask

if TYPE_CHECKING:
    from mlflow.entities import Metric, Run

_logger = logging.getLogger(__name__)

_SECONDS_TO_ARRIVE = 30
_STOPPED = "the study stopped before this run ended"
_INTERRUPTED = "interrupted: the process that wrote this run exited without closing it"


class StudyRecorder(FoldRecorder):
    """Writes one study run and everything below it; made by :meth:`open`, used as a context manager.

    Leaving the context ends the study run: FINISHED, FAILED with the error, or KILLED when it was interrupted. Runs
    below it that are still open are set to KILLED as well.

    Parameters
    ----------
    store, experiment, run, spec, digests, clips
        As in :class:`~harness.tracking.fold_recorder.FoldRecorder`.
    """

    def __init__(
        self, store: Store, experiment: str, run: Run, spec: StudySpec, digests: Mapping[str, str], clips: ClipTable
    ) -> None:
        super().__init__(store, experiment, run, spec, digests, clips)
        self._experiment = experiment
        self._own_lease: StudyLease | None = None
        self._monitor: Any = None
        self._trials: dict[tuple[str, str, int | None], str] = {}
        # Runs of trials that ended in an earlier session, with their metrics: they stay closed unless something is
        # trained again, since MLflow takes the time between start and end as their duration.
        self._ended: dict[str, dict[str, float]] = {}
        self._metric_names = names.metric_names([arm.name for arm in spec.arms])
        # A monotonic clock, since the system clock may be set during a study.
        self._began = time.monotonic()

    @classmethod
    def open(
        cls,
        uri: str,
        spec: StudySpec,
        *,
        clips: ClipTable,
        leakage: Iterable[LeakageReport],
        digests: Mapping[str, str],
        command: str,
        overrides: Sequence[str] = (),
        claims: Mapping[str, Any] | None = None,
        own: OwnCode | None = None,
        networks: Mapping[str, Sequence[Any]] | None = None,
        resume: bool = True,
        lease: StudyLease | None = None,
        tell: Callable[[str], object] = _logger.warning,
    ) -> Self:
        """Open the study run of ``spec`` in the store at ``uri``, or create store, experiment and run.

        A study of a server (http, https) is recorded in its spool on this machine, from which finished runs are sent to
        the server in the background; see :mod:`harness.tracking.sync.delivery`.

        Parameters
        ----------
        uri
            Tracking URI of the store or server.
        spec
            The resolved study.
        clips
            The clips of the data set.
        leakage
            What the parts of each split share; recorded with the study.
        digests
            Digests of the study's inputs by name: ``data`` and ``features.<set>``.
        command
            The exact command line.
        overrides
            The values of ``--set``.
        claims
            The papers that the study is compared with, as JSON data by key; None for none.
        own, networks
            The user's own code that the study names, and the layers of its arms' networks, as in
            :func:`harness.tracking.session_environment.collect_environment`.
        resume
            Whether to resume the newest study run of the same study and inputs, whatever its status; runs of an earlier
            session that are still RUNNING become KILLED. Comparisons, arms and numbers of seeds may differ; what
            changed after something was tested is recorded as declared later. False always creates a new study run.
        lease
            The lease on the study, which the caller releases; None to acquire one until the recorder is closed.
        tell
            Called with each message for the user: a server that does not answer, another process that writes this study
            run and must be waited for, code whose state could not be recorded.

        Raises
        ------
        TrackingError
            When the store cannot be written.
        """
        spool = spool_of(uri) if is_remote(uri) else None
        if spool is not None:
            spool.make()
        store = open_store(recording_uri(uri), create=True)
        digest = spec_digest(spec, digests)
        environment = collect_environment(command, overrides, own, networks)
        for warning in environment.warnings:
            tell(warning)
        own_lease = study_lease(uri, spec, digests["data"], tell) if lease is None else None
        recorder = None
        try:
            known = {**digests, **environment.facts.get("digests", {}), "spec": digest}
            right = lease or own_lease
            if spool is not None and resume and right is not None and right.may_send:
                _receive(spool, spec, known, tell)
            with store.guard("open the study run"):
                experiment = store.ensure_experiment(spec.study.name, spec.study.question)
                run = find_study_run(store, experiment, spec, known) if resume else None
                found = [] if run is None else runs_below(store, run)
                close_leftovers(store, found, _INTERRUPTED)
                if run is None:
                    run = create_study_run(store, experiment, spec, RunTags(spec, known), clips)
                else:
                    fill_study_run(store, run, spec, clips)
                    go_on_as(store, run, RunTags(spec, known))
                tested = any(
                    each.info.status == names.FINISHED
                    and (each.data.tags["level"], each.data.tags["phase"]) == (names.FOLD, names.FINAL)
                    for each in found
                )
                recorder = cls(store, experiment, run, spec, known, clips)
                begin_session(store, run, spec, clips, leakage, environment, known, claims or {}, tested)
                recorder._remember(found)
                if spec.tracking.system_metrics:
                    recorder._monitor = load_monitor(store, recorder.run_id)
        except BaseException as error:
            # An interruption at this point must not leave a run that looks as if it were still running.
            if recorder is not None and isinstance(error, KeyboardInterrupt):
                recorder.__exit__(type(error), error, error.__traceback__)
            if own_lease is not None:
                own_lease.release()
            raise
        recorder._lease, recorder._own_lease = right, own_lease
        if spool is not None and right is not None:
            recorder._courier = Courier(spool, tell, lambda: right.may_send)
            recorder._courier.offer(recorder.run_id)
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
            # The error that stopped the study matters more than the failure to record it.
            error.add_note(f"The study run could not be closed in MLflow: {second}")

    def close(self, status: str, error: BaseException | str | None = None) -> None:
        """End the study run with ``status`` (FINISHED, FAILED or KILLED), and release the lease if it is its own."""
        if self._courier is not None:
            self._courier.stop(_SECONDS_TO_ARRIVE if status == names.FINISHED else 0)
        try:
            if self._lease is not None and self._lease.lost:
                # The runs are now those of another process, which has closed or completed them.
                return
            with self._recording("close the study run"):
                # Before the run ends, because MLflow watches its status.
                if self._monitor is not None:
                    self._monitor.finish()
                    self._monitor = None
                self._curves.end_all()
                still_open = f"attributes.status = '{names.RUNNING}'"
                left = descendants(self._store, self._experiment, self.run_id, still_open)
                close_leftovers(self._store, left, _STOPPED)
                if error is not None:
                    self._writer.fail(self.run_id, error)
                seconds = time.monotonic() - self._began
                end_session(self._store, self.run_id, status, seconds, self._writer.now())
        finally:
            if self._own_lease is not None:
                self._own_lease.release()

    def log_search(self, arm: str, document: Mapping[str, Any]) -> None:
        """Write the search of ``arm``, as JSON data, into ``search/<arm>.json`` of the study run.

        Raises
        ------
        TrackingError
            When the store cannot be written.
        """
        with self._recording(f"record the search of arm {arm!r}"):
            self._writer.put(self.run_id, {f"{names.SEARCH_FOLDER}/{arm}.json": json_file(document)})

    def trial(self, arm: Arm, phase: str, trial: int | None, params: Mapping[str, Any] | None = None) -> str:
        """Return the id of the run of an arm's trial or of its final trainings, which is created if missing.

        Parameters
        ----------
        arm
            The arm.
        phase
            ``"search"``, ``"survey"`` or ``"final"``.
        trial
            Number of the trial within the arm's search; None for the final trainings.
        params
            Hyperparameters that override the study's, by dotted name, written when the run is created; None for none.

        Raises
        ------
        TrackingError
            When the store cannot be written.
        """
        key = (arm.name, phase, trial)
        with self._recording(f"record the {phase} of arm {arm.name!r}"):
            if key in self._trials:
                run_id = self._trials[key]
                if run_id not in self._ended:
                    run = self._store.client.get_run(run_id)
                    reopen(self._store, run)
                    # Its writer may have died between creating the run and writing its parameters.
                    if params and not run.data.params:
                        self._writer.log_params(run_id, params)
                return run_id
            tags = self._tags.trial(self.run_id, arm, phase, trial)
            title = f"{arm.name} {phase}" if trial is None else f"{arm.name} {phase} {trial}"
            self._trials[key] = self._writer.create(self.run_id, title, tags, params or {})
        return self._trials[key]

    def start_fold(self, trial_run_id: str, task: FoldTask) -> str:
        """Open the run of one training below its trial, whose own run is opened again if it had ended."""
        if self._ended.pop(trial_run_id, None) is not None:
            with self._recording("continue a trial"):
                reopen(self._store, self._store.client.get_run(trial_run_id))
        return super().start_fold(trial_run_id, task)

    def finish_trial(
        self, run_id: str, accuracies: Mapping[int, float], part: str, error: str = "", *, pruned: bool = False
    ) -> None:
        """End a trial run with its macro accuracies: ``mean_<part>_macro_accuracy``, ``sd_...`` (ddof 1; needs two
        folds), and ``<part>_macro_accuracy_by_fold``, a curve whose step is the fold.

        Those of final trainings are also metrics of the study run: ``macro_accuracy/<arm>``, ``sd/<arm>`` and
        ``by_fold/<arm>``. A run that ended with these in an earlier session stays as it is.

        Parameters
        ----------
        run_id
            Id of the trial run, from :meth:`trial`.
        accuracies
            Macro accuracy by fold, as fractions; averaged over seeds in the final phase.
        part
            The part they are measured on: ``"validation"`` in a search, ``"test"`` in the final phase.
        error
            Why the trial failed; with one the run ends as FAILED, else as FINISHED.
        pruned
            Whether a training of a search trial was stopped early.

        Raises
        ------
        TrackingError
            When the store cannot be written.
        """
        run_tags = self._writer.tags(run_id)
        search = run_tags["phase"] == names.SEARCH
        tags = {names.PRUNED_TAG: str(pruned).lower()} if search else {}
        whole = f"{part}_macro_accuracy"
        keys = {"mean": f"mean_{whole}", "sd": f"sd_{whole}", "by_fold": f"{whole}_by_fold"}
        metrics = {run_id: _fold_metrics(accuracies, keys, self._writer.now())}
        if run_tags["phase"] == names.FINAL:
            arm = self._metric_names[run_tags["arm"]]
            keys = {"mean": f"macro_accuracy/{arm}", "sd": f"sd/{arm}", "by_fold": f"by_fold/{arm}"}
            metrics[self.run_id] = _fold_metrics(accuracies, keys, self._writer.now())
        with self._recording("finish a trial"):
            if error or not self._has_recorded(metrics):
                for run, new in metrics.items():
                    self._writer.log(run, new, tags if run == run_id else {})
                if error:
                    self._writer.fail(run_id, error)
                self._writer.end(run_id, names.FAILED if error else names.FINISHED)
        self._offer(run_id)

    def _has_recorded(self, metrics: Mapping[str, Sequence[Metric]]) -> bool:
        """Return whether the first of these runs ended in an earlier session and all have these metrics."""
        first, *others = metrics
        if first not in self._ended:
            return False
        recorded = {first: self._ended[first]}
        recorded |= {run: self._store.client.get_run(run).data.metrics for run in others}
        return all({one.key: one.value for one in new}.items() <= recorded[run].items() for run, new in metrics.items())

    def _remember(self, runs: Iterable[Run]) -> None:
        """Register the trials and finished folds of earlier sessions, oldest first, so that the newest are kept."""
        for run in runs:
            tags = run.data.tags
            self._writer.remember(run)
            if tags["level"] == names.FOLD and run.info.status == names.FINISHED:
                self._note_finished(run, run.data.metrics)
            elif tags["level"] == names.TRIAL:
                self._trials[tags["arm"], tags["phase"], whole_or_none(tags["trial"])] = run.info.run_id
                if run.info.status == names.FINISHED:
                    self._ended[run.info.run_id] = run.data.metrics


def _receive(spool: Spool, spec: StudySpec, digests: Mapping[str, str], tell: Callable[[str], object]) -> None:
    """Receive the study from the server if another machine wrote it last there."""
    try:
        received = adopt(spool, spec, digests)
    except TrackingError as error:
        tell(f"{error}; the study continues with what is recorded on this machine")
        return
    if received:
        tell(f"study {spec.study.name!r}: {received} runs of another machine were received from the server")


def _fold_metrics(accuracies: Mapping[int, float], keys: Mapping[str, str], now: int) -> list[Metric]:
    """Return mean, SD and the accuracy of each fold as metrics, named by ``keys``."""
    folds = [float(accuracy) for _, accuracy in sorted(accuracies.items())]
    values = {keys["mean"]: float(np.mean(folds))} if folds else {}
    if len(folds) > 1:
        values[keys["sd"]] = float(np.std(folds, ddof=1))
    curve = [metrics_of({keys["by_fold"]: accuracy}, fold, now) for fold, accuracy in sorted(accuracies.items())]
    return metrics_of(values, 0, now) + list(itertools.chain(*curve))


def log_notes(uri: str, run_id: str, study: str, arms: Mapping[str, str], verdicts: Mapping[str, str]) -> None:
    """Write what a report found onto the pages of a study run and of its arms' final runs.

    Parameters
    ----------
    uri
        Tracking URI of the store.
    run_id
        Id of the study run.
    study
        Markdown for the study run.
    arms
        Markdown by arm.
    verdicts
        The verdicts in a few words by arm, for a column of the table of runs.

    Raises
    ------
    TrackingError
        When the store or the run is missing, or cannot be written.
    """
    store = open_store(uri, create=False)
    with store.guard("record the findings"):
        run = store.client.get_run(run_id)
        writer = RunWriter(store, run.info.experiment_id)
        writer.log(run_id, [], {names.NOTE_TAG: study})
        final = (f"tags.level = '{names.TRIAL}'", f"tags.phase = '{names.FINAL}'")
        for each in descendants(store, run.info.experiment_id, run_id, *final):
            if (arm := each.data.tags["arm"]) in arms:
                writer.log(each.info.run_id, [], {names.NOTE_TAG: arms[arm], names.VERDICT_TAG: verdicts[arm] or "-"})


def log_reports(uri: str, run_id: str, files: Mapping[str, bytes]) -> None:
    """Write a report's ``files``, contents by name, into ``reports/`` of a study run, replacing existing files.

    The contents are those that were generated, never those of a folder, where somebody may have put a link to a secret.

    Raises
    ------
    TrackingError
        When the store or the run is missing, or cannot be written.
    """
    store = open_store(uri, create=False)
    with store.guard("record the report"):
        writers = {f"{names.REPORTS_FOLDER}/{name}": bytes_file(content) for name, content in files.items()}
        put_files(store, store.client.get_run(run_id), writers)
