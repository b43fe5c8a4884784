"""A study that another machine recorded on the server, received into the spool of this one, to be continued here."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from harness.study import StudySpec
from harness.system.writing import Writer, write_atomically
from harness.tracking.artifact_places import inside_file
from harness.tracking.files import fetched
from harness.tracking.logged_models import ensure_model, study_set
from harness.tracking.names import FINISHED, PARENT_TAG, RUNNING, STUDY_RUN_TAG
from harness.tracking.session import descendants, find_study_run
from harness.tracking.store import Store, open_store
from harness.tracking.sync.arrived import Receipt, Receipts
from harness.tracking.sync.mirror import Mirror, artifact_files, content_digest, study_runs
from harness.tracking.sync.spool import Spool

if TYPE_CHECKING:
    from mlflow.entities import Run

_UNFINISHED = "harness.being_received"
_VALUES_AT_ONCE = 1000
_PARAMS_AT_ONCE = 100
_DEEPEST_FOLDER = 10


def adopt(spool: Spool, spec: StudySpec, digests: Mapping[str, str]) -> int:
    """Receive the study from the server, if another machine wrote it last there; return the number of its runs.

    Finished trainings that only this machine has are sent first; its own record of the study is then replaced. The
    caller holds the lease on the study.

    Parameters
    ----------
    spool
        The spool of the server.
    spec
        The resolved study.
    digests
        As in :func:`harness.tracking.session.find_study_run`.

    Raises
    ------
    TrackingError
        When the server or the spool cannot be read or written.
    """
    server, local = open_store(spool.server, create=True), open_store(spool.uri, create=True)
    receipts = Receipts(spool.folder)
    with server.guard("receive the study from it"):
        there = server.experiment(spec.study.name)
        theirs = find_study_run(server, there, spec, digests) if there is not None else None
        if there is None or theirs is None:
            return 0
        here = local.ensure_experiment(spec.study.name, spec.study.question)
        _drop_unfinished(local, here)
        mine = find_study_run(local, here, spec, digests)
        if mine is not None:
            mirror = Mirror(local, server, receipts)
            continued = mirror.continued_elsewhere(mine)
            if continued is None:
                return 0
            mirror.send_study(mine)
            theirs = server.client.get_run(continued.info.run_id)
        runs = [*descendants(server, there, theirs.info.run_id)]
        _receive(server, local, here, theirs, runs, receipts)
        for run in study_runs(local, mine) if mine is not None else ():
            # MLflow keeps what was deleted.
            local.client.delete_run(run.info.run_id)
    return 1 + len(runs)


def _receive(server: Store, local: Store, experiment: str, study: Run, runs: list[Run], receipts: Receipts) -> None:
    """Copy a study run and ``runs`` below it; the copy becomes a study run last, when it is complete."""
    from mlflow.entities import RunTag

    ids: dict[str, str] = {}

    def tags_of(run: Run) -> dict[str, str]:
        tags = dict(run.data.tags)
        return tags | {name: ids[tags[name]] for name in (PARENT_TAG, STUDY_RUN_TAG) if tags.get(name) in ids}

    def create(run: Run, tags: dict[str, str]) -> str:
        copy = local.client.create_run(
            experiment, start_time=run.info.start_time, tags=tags, run_name=run.info.run_name
        )
        ids[run.info.run_id] = copy.info.run_id
        return str(copy.info.run_id)

    def complete(run: Run) -> None:
        copy_id = ids[run.info.run_id]
        _receive_values(server, local, run, copy_id)
        _receive_files(server, local, run, local.client.get_run(copy_id))
        if run is study:
            tags = [RunTag(name, value) for name, value in tags_of(run).items()]
            local.client.log_batch(copy_id, tags=tags)
            local.client.delete_tag(copy_id, _UNFINISHED)
        if run.info.status == FINISHED:
            copy = local.client.get_run(copy_id)
            with fetched(local, copy) as file:
                ensure_model(local, copy, file, study_set(study))
        if run.info.status != RUNNING:
            local.client.set_terminated(copy_id, run.info.status, run.info.end_time)
        copy = local.client.get_run(copy_id)
        files = dict(artifact_files(local, copy))
        receipts.put(copy_id, Receipt(run.info.run_id, content_digest(copy, files)))

    create(study, {_UNFINISHED: "yes"})
    # Parents before their children, whose tags name them.
    for run in sorted(runs, key=lambda run: run.data.tags.get(PARENT_TAG) != study.info.run_id):
        create(run, tags_of(run))
        complete(run)
    complete(study)


def _receive_values(server: Store, local: Store, run: Run, copy_id: str) -> None:
    from mlflow.entities import Param

    params = [Param(*item) for item in run.data.params.items()]
    metrics = [each for name in run.data.metrics for each in server.client.get_metric_history(run.info.run_id, name)]
    while params or metrics:
        some, params = params[:_PARAMS_AT_ONCE], params[_PARAMS_AT_ONCE:]
        room = _VALUES_AT_ONCE - len(some)
        local.client.log_batch(copy_id, metrics[:room], some)
        metrics = metrics[room:]
    if run.inputs and run.inputs.dataset_inputs:
        local.client.log_inputs(copy_id, run.inputs.dataset_inputs)


def _receive_files(server: Store, local: Store, run: Run, copy: Run) -> None:
    folder = local.artifact_folder(copy)
    with fetched(server, run) as file:
        for name in _artifacts(server, run.info.run_id):
            source = file(name)
            if source is not None and folder is not None:
                write_atomically(inside_file(folder, name), _copier(source))


def _copier(source: Path) -> Writer:
    return lambda target: shutil.copyfile(source, target)


def _artifacts(server: Store, run_id: str, folder: str | None = None, depth: int = 0) -> Iterator[str]:
    """Yield the artifacts of a run, without names that lead out of its folder."""
    for each in server.client.list_artifacts(run_id, folder):
        parts = PurePosixPath(each.path).parts
        if ".." in parts or each.path.startswith("/") or "\\" in each.path:
            continue
        if not each.is_dir:
            yield each.path
        elif depth < _DEEPEST_FOLDER:
            yield from _artifacts(server, run_id, each.path, depth + 1)


def _drop_unfinished(local: Store, experiment: str) -> None:
    """Delete what an interrupted reception left behind."""
    for left in local.search([experiment], f"tags.`{_UNFINISHED}` = 'yes'"):
        for run in [*descendants(local, experiment, left.info.run_id), left]:
            local.client.delete_run(run.info.run_id)
