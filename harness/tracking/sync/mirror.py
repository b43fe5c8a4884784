"""Mirror: copies the runs of a local store to a server, each once, and later what changed since.

A copy carries the tag ``harness.source_run``, the id of the original run, by which it is found after any interruption:
sending may stop at any point and be repeated without duplicates. A copy's status is set last, and a parent's after its
children's, so that a FINISHED copy is complete with everything below it.

The study on the server may have been continued, or run, from another machine. Then nothing there is changed: finished
trainings that it lacks are added to it, and everything else is dropped.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.tracking.files import fetched, read_json
from harness.tracking.logged_models import ensure_model, study_set
from harness.tracking.names import (
    ENVIRONMENT_FILE,
    ERROR_TAG,
    FINISHED,
    FOLD,
    NOT_APPLICABLE,
    PARENT_TAG,
    RUNNING,
    SOURCE_TAG,
    SPEC_FILE,
    STUDY,
    STUDY_RUN_TAG,
    TRIAL,
    WEIGHTS_FILE,
)
from harness.tracking.session import descendants, find_study_run, session_ids
from harness.tracking.store import Store
from harness.tracking.stored_folds import run_digest, study_of
from harness.tracking.sync.arrived import Receipt, Receipts

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput, Metric, Run

_VALUES_AT_ONCE = 1000
_PARAMS_AT_ONCE = 100
_TAGS_AT_ONCE = 100
_DEEPEST_FIRST = {FOLD: 0, TRIAL: 1, STUDY: 2}


class Mirror:
    """Copies runs of ``local`` to ``server``."""

    def __init__(self, local: Store, server: Store, receipts: Receipts) -> None:
        self._local = local
        self._server = server
        self._receipts = receipts
        self._continued: dict[str, Run | None] = {}
        self._finished: dict[str, dict[str, str]] = {}

    def continued_elsewhere(self, study_run: Run) -> Run | None:
        """Return the server's run of a study if another machine wrote it since, or instead; None if none did.

        Parameters
        ----------
        study_run
            The local study run.
        """
        run_id = study_run.info.run_id
        if run_id not in self._continued:
            with self._server.guard("look for the study there"):
                self._continued[run_id] = self._written_elsewhere(study_run)
        return self._continued[run_id]

    def _written_elsewhere(self, study_run: Run) -> Run | None:
        receipt = self._receipts.get(study_run.info.run_id)
        copy = self._found(receipt.copy) if receipt is not None else self._copy_of(study_run)
        if copy is None:
            return self._same_study(study_run) if receipt is None else None
        last = session_ids(copy)[-1:]
        elsewhere = copy.info.lifecycle_stage == "active" and not set(last) <= set(session_ids(study_run))
        return copy if elsewhere else None

    def _same_study(self, study_run: Run) -> Run | None:
        """Return the server's run of the same study, if it began on another machine."""
        experiment = self._server.experiment(study_run.data.tags["study"])
        with fetched(self._local, study_run) as file:
            files = [file(SPEC_FILE), file(ENVIRONMENT_FILE)]
            if experiment is None or None in files:
                return None
            document, environment = (read_json(each) for each in files if each is not None)
        spec = study_of(study_run, document, environment)
        digests = {**environment["digests"], "spec": run_digest(study_run)}
        found = find_study_run(self._server, experiment, spec, digests)
        if found is None or self._is_here(found.data.tags.get(SOURCE_TAG, "")):
            return None
        return found

    def _is_here(self, run_id: str) -> bool:
        from mlflow.exceptions import MlflowException

        try:
            return bool(run_id) and self._local.client.get_run(run_id) is not None
        except MlflowException:
            return False

    def knows(self, study_run: Run) -> bool:
        """Return whether the server has a run that a receipt names for a study run."""
        receipt = self._receipts.get(study_run.info.run_id)
        with self._server.guard("look for the study there"):
            return receipt is not None and self._found(receipt.copy) is not None

    def send(self, run_id: str) -> bool:
        """Update the copy of one run, below its parents' copies; return whether there was anything to send.

        Raises
        ------
        TrackingError
            When the server does not answer or refuses; what it has accepted until then remains.
        """
        with self._server.guard("send runs to it"):
            return self._send(self._local.client.get_run(run_id))

    def send_study(self, study_run: Run, sent: Callable[[], object] = lambda: None) -> None:
        """Send every run of a study that changed since it was sent, calling ``sent`` after each.

        Raises
        ------
        TrackingError
            As for :meth:`send`.
        """
        runs = study_runs(self._local, study_run)
        with self._server.guard("send runs to it"):
            receipt = self._receipts.get(study_run.info.run_id)
            if receipt is not None and self._found(receipt.copy) is None:
                # The server was set up anew, or the study deleted permanently: it has nothing of this study.
                for run in runs:
                    self._receipts.drop(run.info.run_id)
            for run in runs:
                if self._send(run):
                    sent()

    def _send(self, run: Run) -> bool:
        run_id = run.info.run_id
        files = dict(artifact_files(self._local, run))
        content = content_digest(run, files)
        receipt = self._receipts.get(run_id)
        if receipt is not None and receipt.content == content:
            return False
        study = run if run.data.tags["level"] == STUDY else self._local.client.get_run(run.data.tags[STUDY_RUN_TAG])
        theirs = self.continued_elsewhere(study)
        if theirs is not None and (known := self._known_there(run, study, theirs)):
            self._receipts.put(run_id, Receipt(known, content))
            return True
        receipt, copy = self._copy(run, receipt)
        if copy.info.lifecycle_stage == "active":
            # MLflow would write to any location that the server names.
            self._server.artifact_folder(copy)
            self._send_values(run, copy)
            receipt = self._send_files(run, receipt, files)
            if run.info.status == FINISHED and WEIGHTS_FILE in files:
                ensure_model(self._server, self._server.client.get_run(receipt.copy), files.get, study_set(study))
            self._send_status(run, copy)
        # A copy that was deleted on the server is not restored.
        self._receipts.put(run_id, replace(receipt, content=content))
        return True

    def _known_there(self, run: Run, study: Run, theirs: Run) -> str:
        """Return the id of the run that a study continued elsewhere has instead of ``run``; empty if ``run`` is to be
        sent.

        Only finished trainings that the study lacks are, and the trials that were added for them.
        """
        tags, there = run.data.tags, str(theirs.info.run_id)
        if tags["level"] == TRIAL:
            trial = self._trial_there(run, theirs)
            if trial is None:
                return there
            added = trial.data.tags.get(SOURCE_TAG) == _origin(run) and trial.info.status == RUNNING
            return "" if added and run.info.status == FINISHED else str(trial.info.run_id)
        if tags["level"] == STUDY or run.info.status != FINISHED:
            return there
        if there not in self._finished:
            where = f"tags.{STUDY_RUN_TAG} = '{there}' and tags.level = '{FOLD}' and attributes.status = '{FINISHED}'"
            found = self._server.search([theirs.info.experiment_id], where)
            self._finished[there] = {run_digest(each): str(each.info.run_id) for each in found}
        if known := self._finished[there].get(run_digest(run)):
            return known
        # Its parents are those that the study has there.
        parent = self._local.client.get_run(tags[PARENT_TAG])
        self._receipts.put(study.info.run_id, Receipt(there))
        if (trial := self._trial_there(parent, theirs)) is not None:
            self._receipts.put(parent.info.run_id, Receipt(trial.info.run_id))
        else:
            self._receipts.drop(parent.info.run_id)
        return ""

    def _trial_there(self, trial: Run, theirs: Run) -> Run | None:
        """Return the trial of a study continued elsewhere that is the same as ``trial``."""
        tags = trial.data.tags
        where = f"tags.{STUDY_RUN_TAG} = '{theirs.info.run_id}' and tags.level = '{TRIAL}'"
        # Not in the query, since names of arms may contain quotes.
        for each in self._server.search([theirs.info.experiment_id], where):
            if all(each.data.tags.get(name) == tags[name] for name in ("arm", "phase", "trial")):
                return each
        return None

    def _copy(self, run: Run, receipt: Receipt | None) -> tuple[Receipt, Run]:
        """Return a run's copy on the server, which is created if missing."""
        if receipt is not None and (copy := self._found(receipt.copy)) is not None:
            return receipt, copy
        run_id = run.info.run_id
        copy = self._copy_of(run)
        if copy is None:
            original = self._local.client.get_experiment(run.info.experiment_id)
            experiment = self._server.ensure_experiment(original.name, original.tags.get("mlflow.note.content", ""))
            tags = {SOURCE_TAG: _origin(run)}
            if parent := run.data.tags.get(PARENT_TAG):
                tags[PARENT_TAG] = self._copy_id(parent)
            copy = self._server.client.create_run(
                experiment, start_time=run.info.start_time, tags=tags, run_name=run.info.run_name
            )
        receipt = Receipt(copy.info.run_id)
        self._receipts.put(run_id, receipt)
        return receipt, copy

    def _copy_of(self, run: Run) -> Run | None:
        """Return the run on the server that is a copy of ``run``, found by its tag."""
        experiment = self._server.experiment(self._local.client.get_experiment(run.info.experiment_id).name)
        if experiment is None:
            return None
        where = f"tags.`{SOURCE_TAG}` = '{_origin(run)}'"
        return next(iter(self._server.search([experiment], where, newest_first=False)), None)

    def _copy_id(self, run_id: str) -> str:
        """Return the id of a parent's copy; a missing one is created and stays open until its children are complete."""
        receipt = self._receipts.get(run_id)
        if receipt is None:
            run = self._local.client.get_run(run_id)
            receipt, copy = self._copy(run, None)
            self._send_values(run, copy)
        return receipt.copy

    def _found(self, copy_id: str) -> Run | None:
        from mlflow.exceptions import MlflowException

        try:
            return self._server.client.get_run(copy_id)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise

    def _send_values(self, run: Run, copy: Run) -> None:
        from mlflow.entities import Param, RunTag

        client, copy_id = self._server.client, copy.info.run_id
        tags = dict(run.data.tags)
        for name in (PARENT_TAG, STUDY_RUN_TAG):
            if tags.get(name) == run.info.run_id:
                tags[name] = copy_id
            elif tags.get(name, NOT_APPLICABLE) != NOT_APPLICABLE:
                tags[name] = self._copy_id(tags[name])
        new_tags = [RunTag(name, value) for name, value in tags.items() if copy.data.tags.get(name) != value]
        new_params = [Param(*item) for item in run.data.params.items() if item[0] not in copy.data.params]
        if ERROR_TAG in copy.data.tags and ERROR_TAG not in tags:
            client.delete_tag(copy_id, ERROR_TAG)
        metrics = self._new_metrics(run, copy)
        while new_params or new_tags or metrics:
            some_params, new_params = new_params[:_PARAMS_AT_ONCE], new_params[_PARAMS_AT_ONCE:]
            some_tags, new_tags = new_tags[:_TAGS_AT_ONCE], new_tags[_TAGS_AT_ONCE:]
            room = _VALUES_AT_ONCE - len(some_params) - len(some_tags)
            some_metrics, metrics = metrics[:room], metrics[room:]
            client.log_batch(copy_id, some_metrics, some_params, some_tags)
        if _inputs(run) and not _inputs(copy):
            client.log_inputs(copy_id, _inputs(run))

    def _new_metrics(self, run: Run, copy: Run) -> list[Metric]:
        """Return the metrics that the copy lacks. A curve is sent in order, so it is complete if its last point is
        there."""
        last = {each.key: _point(each) for each in copy.data._metric_objs}
        missing: list[Metric] = []
        for metric in run.data._metric_objs:
            if last.get(metric.key) == _point(metric):
                continue
            here = self._local.client.get_metric_history(run.info.run_id, metric.key)
            there = self._server.client.get_metric_history(copy.info.run_id, metric.key) if metric.key in last else []
            known = {_point(each) for each in there}
            missing += sorted((each for each in here if _point(each) not in known), key=_point)
        return missing

    def _send_files(self, run: Run, receipt: Receipt, files: dict[str, Path]) -> Receipt:
        for name, file in files.items():
            stamp = _stamp(file)
            if receipt.files.get(name) != stamp:
                self._server.client.log_artifact(receipt.copy, str(file), name.rpartition("/")[0] or None)
                receipt = replace(receipt, files={**receipt.files, name: stamp})
                self._receipts.put(run.info.run_id, receipt)
        return receipt

    def _send_status(self, run: Run, copy: Run) -> None:
        client, info = self._server.client, run.info
        if info.status == RUNNING:
            if copy.info.status != RUNNING:
                client.update_run(copy.info.run_id, RUNNING)
        elif (info.status, info.end_time) != (copy.info.status, copy.info.end_time):
            client.set_terminated(copy.info.run_id, info.status, info.end_time)


def _origin(run: Run) -> str:
    """Return the id of a run as it was recorded first; one that was received from a server began elsewhere."""
    return str(run.data.tags.get(SOURCE_TAG, run.info.run_id))


def study_runs(local: Store, study_run: Run) -> list[Run]:
    """Return the runs of a study in the order in which they are sent: folds, trials, the study run; oldest first."""
    below = descendants(local, study_run.info.experiment_id, study_run.info.run_id)
    return sorted([*below, study_run], key=lambda run: _DEEPEST_FIRST[run.data.tags["level"]])


def artifact_files(store: Store, run: Run) -> Iterator[tuple[str, Path]]:
    """Yield every completed artifact of a run of a local store: its path within the run, and its file."""
    folder = store.artifact_folder(run)
    if folder is None or not folder.is_dir():
        return
    for file in sorted(folder.rglob("*")):
        # The target of a link was not recorded by this run, so it is not sent.
        if file.is_file() and not file.is_symlink() and not file.name.startswith(".writing-"):
            yield file.relative_to(folder).as_posix(), file


def content_digest(run: Run, files: dict[str, Path]) -> str:
    """Return a digest that changes whenever a run's values, status or artifacts do; ``files`` by artifact path."""
    latest = sorted((metric.key, *_point(metric)) for metric in run.data._metric_objs)
    content = [
        [run.info.run_name, run.info.status, run.info.start_time, run.info.end_time],
        sorted(run.data.params.items()),
        sorted(run.data.tags.items()),
        latest,
        [(name, _stamp(file)) for name, file in files.items()],
    ]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _point(metric: Metric) -> tuple[int, int, float]:
    return metric.step, metric.timestamp, metric.value


def _inputs(run: Run) -> list[DatasetInput]:
    return run.inputs.dataset_inputs if run.inputs else []


def _stamp(file: Path) -> list[int]:
    found = file.stat()
    return [found.st_size, found.st_mtime_ns]
