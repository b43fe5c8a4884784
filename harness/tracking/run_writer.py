"""RunWriter: writes single runs of one experiment in few calls, without knowledge of studies."""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.system.redaction import mask_secrets
from harness.system.writing import Writer
from harness.tracking import names
from harness.tracking.files import put_files, text_file
from harness.tracking.runs import now_ms, short_tag
from harness.tracking.store import Store

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput, Metric, Run

_BATCH = 1000  # MLflow's limit of metrics and tags per call.


class RunWriter:
    """Creates, fills and ends runs of ``experiment``; keeps the tags each run was created with.

    Its times are monotonic even if the system clock is set back: a run never starts before one that is already known,
    nor ends before it started, because the newest run is found by these times.
    """

    def __init__(self, store: Store, experiment: str) -> None:
        self._store = store
        self._experiment = experiment
        self._runs: dict[str, Run] = {}
        self._latest = 0

    def now(self) -> int:
        """Return the time in ms since 1970, or the latest time of any known run if the clock was set back."""
        self._latest = max(now_ms(), self._latest)
        return self._latest

    def create(
        self,
        parent: str,
        title: str,
        tags: Mapping[str, str],
        params: Mapping[str, Any],
        inputs: Sequence[DatasetInput] = (),
    ) -> str:
        """Create a RUNNING run below ``parent`` and return its id.

        Parameters
        ----------
        parent
            Id of the parent run.
        title
            Name of the run, as the MLflow UI shows it.
        tags
            Tags by name; the parent's id is added to them.
        params
            Hyperparameters by dotted name, recorded as text.
        inputs
            Data sets that the run uses.
        """
        self._latest += 1
        run = self._store.client.create_run(
            self._experiment, start_time=self.now(), tags={**tags, names.PARENT_TAG: parent}, run_name=title
        )
        run_id = str(run.info.run_id)
        self._runs[run_id] = run
        if params:
            self.log_params(run_id, params)
        if inputs:
            self._store.client.log_inputs(run_id, list(inputs))
        return run_id

    def log_params(self, run_id: str, params: Mapping[str, Any]) -> None:
        """Write hyperparameters in one call."""
        from mlflow.entities import Param

        self._store.client.log_batch(run_id, params=[Param(name, str(value)) for name, value in params.items()])

    def remember(self, run: Run) -> None:
        """Register a run that was created earlier."""
        self._latest = max(self._latest, run.info.start_time, run.info.end_time or 0)
        self._runs[str(run.info.run_id)] = run

    def tags(self, run_id: str) -> dict[str, str]:
        """Return the tags a run was created with."""
        return dict(self.run(run_id).data.tags)

    def log(self, run_id: str, metrics: Sequence[Metric], tags: Mapping[str, str] | None = None) -> None:
        """Write metrics and tags in as few calls as MLflow allows."""
        from mlflow.entities import RunTag

        entities = [RunTag(name, short_tag(value)) for name, value in (tags or {}).items()]
        room = _BATCH - len(entities)
        for start in range(0, max(len(metrics), 1), room):
            batch = list(metrics[start : start + room])
            if batch or entities:
                self._store.client.log_batch(run_id, metrics=batch, tags=entities if start == 0 else [])

    def put(self, run_id: str, files: Mapping[str, Writer]) -> None:
        """Write files into the run's artifacts."""
        put_files(self._store, self.run(run_id), files)

    def end(self, run_id: str, status: str) -> None:
        """Set the final status. This is the last write to a run, so that a FINISHED one is complete."""
        self._store.client.set_terminated(run_id, status, self.now())

    def fail(self, run_id: str, error: BaseException | str, trace: str = "") -> None:
        """Write an error as a tag and, with its traceback, as ``error.txt``."""
        if isinstance(error, BaseException):
            trace = trace or "".join(traceback.format_exception(error))
            error = f"{type(error).__name__}: {error}"
        message = mask_secrets(error)
        self.log(run_id, [], {names.ERROR_TAG: message})
        self.put(run_id, {names.ERROR_FILE: text_file(mask_secrets(trace) or message)})

    def run(self, run_id: str) -> Run:
        """Return a run as it was created, or first read."""
        if run_id not in self._runs:
            self._runs[run_id] = self._store.client.get_run(run_id)
        return self._runs[run_id]
