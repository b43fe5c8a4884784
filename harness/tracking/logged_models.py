"""The network of a final training as one of MLflow's logged models, to be found, compared and used from its UI.

It holds the two files of the trained network (``weights.safetensors``, ``network.json``) and no pickle. In a local
store they are hard links to the files of the run, so that nothing is kept twice; a server, which knows no links, holds
the settings alone, and the weights are in the run that the model names.

Everything in a logged model follows from its run, so the copy of a run on a server gets its own model in the same way.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import TrackingError
from harness.system.writing import Writer, write_atomically
from harness.tracking import names
from harness.tracking.artifact_places import inside_file
from harness.tracking.runs import one_word
from harness.tracking.store import Store, open_store

if TYPE_CHECKING:
    from mlflow.entities import Dataset, LoggedModel, Metric, Run

ADDRESS = re.compile(r"(?:models:/)?(m-[0-9a-f]{32})")
"""Address of a logged model, or its id alone."""

_FILES = (names.NETWORK_FILE, names.WEIGHTS_FILE)
_TAGS = ("study", "dataset", "arm", "model", "features", "split", "epoch_rule", "fold", "seed", "study_run")
_SCORES = ("test_", "validation_")
_NO_SUCH_PLACE = "error code 404"


def ensure_model(store: Store, run: Run, file: Callable[[str], Path | None], dataset: Dataset | None) -> None:
    """Make the logged model of a final training whose files, metrics and inputs are complete.

    A model that an interruption left unfinished is completed. One that was made is not made again, even if it was
    deleted since. A server without logged models (before MLflow 3) is left as it is.

    Parameters
    ----------
    store
        The store of ``run``.
    run
        The run of the training.
    file
        Finds a file of the run on this machine; a training that kept no network has no model.
    dataset
        The data set of the study. The scores of all models are shown under it: MLflow has one column for each score and
        data set, and those of different test folds could not be compared. The parts are inputs of the run.
    """
    from mlflow.entities import LoggedModelOutput
    from mlflow.exceptions import MlflowException

    run_id, found = str(run.info.run_id), [file(name) for name in _FILES]
    if None in found or (run.outputs and run.outputs.model_outputs):
        return
    client = store.client
    try:
        model = next(iter(models_of(store, run)), None)
    except MlflowException as error:
        if _unknown_there(error):
            return
        raise
    if model is None:
        model = client.create_logged_model(
            run.info.experiment_id, _name(run), run_id, params=dict(run.data.params), model_type="classifier"
        )
    model_id = str(model.model_id)
    _put(store, model, [path for path in found if path is not None])
    own = {name: run.data.tags[name] for name in _TAGS if name in run.data.tags}
    client.set_logged_model_tags(model_id, {**own, names.NOTE_TAG: _note(run, model_id, store.home is not None)})
    metrics = _metrics(run, model_id, dataset)
    if metrics:
        client.log_batch(run_id, metrics=metrics)
    client.finalize_logged_model(model_id, "READY")
    # Last: a run that names its model has it complete.
    client.log_outputs(run_id, [LoggedModelOutput(model_id, 0)])


def models_of(store: Store, run: Run) -> list[LoggedModel]:
    """Return the logged models of a run, without deleted ones."""
    where = f"source_run_id = '{run.info.run_id}'"
    return list(store.client.search_logged_models([run.info.experiment_id], filter_string=where))


def drop_models(store: Store, run: Run) -> None:
    """Delete the logged models of a run that ended without a result."""
    if (run.data.tags["level"], run.data.tags["phase"]) == (names.FOLD, names.FINAL):
        for model in models_of(store, run):
            store.client.delete_logged_model(model.model_id)


def run_of_model(uri: str, address: str) -> str:
    """Return the id of the run whose network a logged model is; any other ``address`` is returned as it is.

    Raises
    ------
    TrackingError
        When the store has no such model, or it was not made by this harness.
    """
    match = ADDRESS.fullmatch(address)
    if match is None:
        return address
    store = open_store(uri, create=False)
    with store.guard(f"read the logged model {match[1]}"):
        model = store.client.get_logged_model(match[1])
    if not model.source_run_id or model.tags.get("study") is None:
        raise TrackingError(
            f"{store.shown}: the logged model {match[1]} is not a network of this harness; choose one of a final "
            "training, or a run id"
        )
    return str(model.source_run_id)


def _put(store: Store, model: LoggedModel, files: Iterable[Path]) -> None:
    folder = store.model_folder(model) if store.home is not None else None
    if folder is not None:
        for path in files:
            write_atomically(inside_file(folder, path.name), _linker(path))
        return
    for path in files:
        if path.name == names.NETWORK_FILE:
            store.client.log_model_artifact(model.model_id, str(path))


def _linker(source: Path) -> Writer:
    def link(target: Path) -> None:
        target.unlink()
        try:
            os.link(source, target)
        except OSError:
            # Some file systems have no hard links.
            shutil.copyfile(source, target)

    return link


def _name(run: Run) -> str:
    tags = run.data.tags
    (arm,) = names.metric_names([tags["arm"]]).values()
    return f"{arm} fold {tags['fold']} seed {tags['seed']}"


def _note(run: Run, model_id: str, is_here: bool) -> str:
    """Return the description on the model's page, as Markdown."""
    place = "its files are also artifacts of" if is_here else f"its weights ({names.WEIGHTS_FILE}) are an artifact of"
    return (
        f"Network of fold {run.data.tags['fold']}, which it was not trained on; {place} the run `{run.info.run_id}`. "
        "There is no pickle in it, and MLflow's own loaders do not read it.\n\n"
        f"    harness predict models:/{model_id} FILE.wav\n"
        f"    harness export models:/{model_id} --output DIR\n"
    )


def study_set(study: Run) -> Dataset | None:
    """Return the data set of a study run; None if a writer that died has not recorded it."""
    return next((each.dataset for each in (study.inputs.dataset_inputs if study.inputs else ())), None)


def _metrics(run: Run, model_id: str, dataset: Dataset | None) -> list[Metric]:
    """Return the scores of a run as those of its model."""
    from mlflow.entities import Metric

    return [
        Metric(
            metric.key,
            metric.value,
            metric.timestamp,
            metric.step,
            model_id=model_id,
            dataset_name=None if dataset is None else one_word(dataset.name),
            dataset_digest=None if dataset is None else dataset.digest,
            run_id=run.info.run_id,
        )
        for metric in run.data._metric_objs
        if metric.key.startswith(_SCORES)
    ]


def _unknown_there(error: Exception) -> bool:
    """Return whether a server has no logged models."""
    return getattr(error, "error_code", "") == "ENDPOINT_NOT_FOUND" or _NO_SUCH_PLACE in str(error)
