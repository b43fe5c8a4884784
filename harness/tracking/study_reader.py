"""From the store to a StudyRecord: reads everything a report contains from artifacts, tags and metrics."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from numpy.typing import NDArray

from harness.errors import TrackingError
from harness.record import FOLD_COLUMNS, StudyRecord
from harness.study import StudySpec
from harness.tracking import names
from harness.tracking.files import fetched, read_json, read_weights
from harness.tracking.fold_tables import gather_tables
from harness.tracking.session import active_seconds, runs_below
from harness.tracking.store import Store, open_store
from harness.tracking.stored_folds import (
    StoredFold,
    belongs,
    in_order,
    latest,
    needed,
    plain_metrics,
    read_fold,
    study_of,
    whole_or_none,
)

if TYPE_CHECKING:
    from mlflow.entities import Run

    from harness.training.trained import TrainedNetwork


@dataclass(frozen=True)
class StudySummary:
    """One study run in a list: ``started`` is UTC; ``folds`` counts its fold runs by status."""

    name: str
    run_id: str
    status: str
    started: datetime
    seconds: float
    folds: dict[str, int]


def list_studies(uri: str) -> list[StudySummary]:
    """Return every study run in the store at ``uri``, newest first.

    Raises
    ------
    TrackingError
        When there is no store; none is created.
    """
    store = open_store(uri, create=False)
    with store.guard("list the studies"):
        experiments = [each.experiment_id for each in store.client.search_experiments()]
        runs = store.search(experiments, f"tags.level = '{names.STUDY}'") if experiments else []
        summaries = []
        for run in runs:
            below = runs_below(store, run)
            folds = Counter(each.info.status for each in below if each.data.tags["level"] == names.FOLD)
            summaries.append(
                StudySummary(
                    name=run.data.tags["study"],
                    run_id=run.info.run_id,
                    status=run.info.status,
                    started=datetime.fromtimestamp(run.info.start_time / 1000, UTC),
                    seconds=active_seconds(run),
                    folds=dict(folds),
                )
            )
    return summaries


def read_study(uri: str, name: str, run_id: str | None = None) -> StudyRecord:
    """Return a study as recorded in the store at ``uri``.

    By default this is the newest FINISHED study run named ``name``. With ``run_id`` it is that study run of this name,
    whatever its status (the record's ``status``): the results so far of a run in progress can be read, too.

    A training that was attempted more than once is one row of ``folds``: the finished attempt if there is one. The
    other attempts remain in the store.

    Raises
    ------
    TrackingError
        When the store, the study or the run does not exist, none has finished, an artifact is missing or damaged, or
        this version cannot read the recorded study. The message names what is available. Reading creates nothing.
    """
    store = open_store(uri, create=False)
    with store.guard(f"read the study {name!r}"):
        run = _chosen(store, name, run_id)
        below = runs_below(store, run)
        with fetched(store, run) as file:
            who = f"study run {run.info.run_id}"
            advice = ", or run the study again: it goes on in this run and writes the file anew"
            content = {
                name: read_json(needed(store, run, file, name, who, advice))
                for name in (names.SPEC_FILE, names.DATA_FILE, names.LEAKAGE_FILE, names.ENVIRONMENT_FILE)
            }
            recorded = file(names.CLAIMS_FILE)
            claims = read_json(recorded) if recorded else {}
            spec = study_of(run, content[names.SPEC_FILE], content[names.ENVIRONMENT_FILE])
            searches = _searches(file, spec)
        data = content[names.DATA_FILE]
        found = latest(each for each in below if each.data.tags["level"] == names.FOLD and belongs(each, spec))
        folds = in_order(found, spec)
        final = [
            each for each in folds if each.info.status == names.FINISHED and each.data.tags["phase"] == names.FINAL
        ]
        predictions, history = gather_tables(store, final, len(data["classes"]))
    return StudyRecord(
        name=name,
        run_id=str(run.info.run_id),
        status=str(run.info.status),
        spec=spec,
        classes=tuple(data["classes"]),
        predictions=predictions,
        history=history,
        folds=_fold_table(folds),
        leakage=_leakage(content[names.LEAKAGE_FILE]),
        environment=content[names.ENVIRONMENT_FILE],
        seconds=active_seconds(run),
        searches=searches,
        claims=claims,
    )


def _searches(file: Callable[[str], Path | None], spec: StudySpec) -> dict[str, Any]:
    found = {arm.name: file(f"{names.SEARCH_FOLDER}/{arm.name}.json") for arm in spec.arms}
    return {name: read_json(path) for name, path in found.items() if path is not None}


def load_fold(uri: str, run_id: str) -> StoredFold:
    """Return the result of a finished fold run. Raises TrackingError if it is missing or damaged."""
    store = open_store(uri, create=False)
    with store.guard(f"read the fold run {run_id}"):
        return read_fold(store, store.client.get_run(run_id))


def load_weights(uri: str, run_id: str) -> dict[str, NDArray[Any]] | None:
    """Return the weights of a fold run by torch's parameter names, or None if it kept none.

    Raises
    ------
    TrackingError
        When the run is missing or the file is damaged.
    """
    store = open_store(uri, create=False)
    with store.guard(f"read the weights of run {run_id}"), fetched(store, store.client.get_run(run_id)) as file:
        weights = file(names.WEIGHTS_FILE)
        return None if weights is None else read_weights(weights)


def load_network(uri: str, run_id: str) -> TrainedNetwork:
    """Return the network of a final training.

    Raises
    ------
    TrackingError
        When the run is missing, or kept no network.
    TrainingError
        When a file of it is damaged.
    """
    from harness.training.trained import read_network

    store = open_store(uri, create=False)
    with store.guard(f"read the network of run {run_id}"), fetched(store, store.client.get_run(run_id)) as file:
        network, weights = file(names.NETWORK_FILE), file(names.WEIGHTS_FILE)
        if weights is None:
            raise TrackingError(
                f"{store.shown}: run {run_id} kept no network: only final trainings do, of studies with "
                "tracking.weights = true; train it again, for example by `harness run-study` in another store"
            )
        if network is None:
            raise TrackingError(
                f"{store.shown}: run {run_id} has weights without {names.NETWORK_FILE}, which the version that "
                "recorded it did not write; train it again, for example by `harness run-study` in another store"
            )
        return read_network(network, weights)


def _chosen(store: Store, name: str, run_id: str | None) -> Run:
    experiment = store.experiment(name)
    if experiment is None:
        known = sorted({each.name for each in store.client.search_experiments() if each.name != "Default"})
        raise TrackingError(
            f"{store.shown}: no study {name!r}; "
            + (f"available: {', '.join(known)}" if known else "the store contains no studies yet")
        )
    runs = store.search([experiment], f"tags.level = '{names.STUDY}'")
    for run in runs:
        if run.info.run_id == run_id or (run_id is None and run.info.status == names.FINISHED):
            return run
    there = "; ".join(f"{run.info.run_id} {run.info.status}, started {_when(run)}" for run in runs) or "none"
    if run_id is not None:
        raise TrackingError(f"{store.shown}: study {name!r} has no study run {run_id!r}; available: {there}")
    raise TrackingError(
        f"{store.shown}: study {name!r} has no finished run; available: {there}. Run the study again to complete it, "
        "or choose one of these runs with --run-id to report its results so far"
    )


def _fold_table(runs: list[Run]) -> pd.DataFrame:
    rows = []
    for run in runs:
        tags, metrics = run.data.tags, plain_metrics(run)
        finished = run.info.status == names.FINISHED
        rows.append(
            {
                "arm": tags["arm"],
                "phase": tags["phase"],
                "trial": whole_or_none(tags["trial"]),
                "fold": int(tags["fold"]),
                "seed": int(tags["seed"]),
                "run_id": run.info.run_id,
                "status": run.info.status,
                "error": "" if finished else tags.get(names.ERROR_TAG, ""),
                "best_epoch": int(metrics[names.BEST_EPOCH]) if names.BEST_EPOCH in metrics else None,
                "seconds": metrics.get(names.SECONDS),
                "segments_per_second": metrics.get(names.SEGMENTS_PER_SECOND),
                "device": tags.get(names.DEVICE_TAG, ""),
                "params": json.loads(tags.get(names.SET_TAG, "{}")),
                "validation_macro_accuracy": metrics.get("validation_macro_accuracy"),
            }
        )
    types = {
        "trial": "Int64",
        "fold": "int64",
        "seed": "int64",
        "best_epoch": "Int64",
        "seconds": "float64",
        "segments_per_second": "float64",
        "validation_macro_accuracy": "float64",
    }
    return pd.DataFrame(rows, columns=list(FOLD_COLUMNS)).astype(types)


def _leakage(rows: list[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame([{**row, "recordings": tuple(row["recordings"])} for row in rows])


def _when(run: Run) -> str:
    return datetime.fromtimestamp(run.info.start_time / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
