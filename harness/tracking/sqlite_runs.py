"""The runs of a study read from the tables of a SQLite store: MLflow's search takes 2 ms a run, for objects that nobody
needs."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.system.garbage import no_collection
from harness.tracking import names
from harness.tracking.database import connect

if TYPE_CHECKING:
    from mlflow.entities import Run

_BELOW = """
    FROM runs
    JOIN tags AS study ON study.run_uuid = runs.run_uuid AND study.key = 'study_run' AND study.value = :study_run
    JOIN tags AS level ON level.run_uuid = runs.run_uuid AND level.key = 'level' AND level.value != :level
    {more}
    WHERE runs.experiment_id = :experiment AND runs.lifecycle_stage = 'active'
"""
_RUNS = (
    "SELECT runs.run_uuid, runs.user_id, runs.status, runs.start_time, runs.end_time, runs.artifact_uri, runs.name"
    + _BELOW.format(more="")
    + "ORDER BY runs.start_time, runs.run_uuid"
)
_TAGS = "SELECT runs.run_uuid, own.key, own.value" + _BELOW.format(
    more="JOIN tags AS own ON own.run_uuid = runs.run_uuid"
)
_METRICS = "SELECT runs.run_uuid, own.key, CASE WHEN own.is_nan THEN NULL ELSE own.value END" + _BELOW.format(
    more="JOIN latest_metrics AS own ON own.run_uuid = runs.run_uuid"
)


def read_runs_below(file: Path, experiment: str, study_run: str) -> list[Run]:
    """Return the trial and fold runs below a study run, oldest first, as MLflow's search does.

    They have their tags and the latest values of their metrics, but neither parameters nor inputs and outputs.

    Parameters
    ----------
    file
        The database, of a schema that the installed MLflow has opened.
    experiment
        Id of the experiment.
    study_run
        Id of the study run.

    Raises
    ------
    sqlite3.Error
        When it cannot be read.
    """
    from mlflow.entities import Metric, Run, RunData, RunInfo, RunTag

    asked = {"study_run": study_run, "level": names.STUDY, "experiment": int(experiment)}
    with no_collection(), connect(file) as database:
        # One transaction, so that a writer changes nothing in between.
        database.execute("BEGIN")
        rows = database.execute(_RUNS, asked).fetchall()
        tags = _by_run(database.execute(_TAGS, asked))
        metrics = _by_run(database.execute(_METRICS, asked))
        database.execute("COMMIT")
        return [
            Run(
                RunInfo(run_id, experiment, user, status, start, end, "active", artifact_uri=place, run_name=name),
                RunData(
                    [Metric(key, math.nan if value is None else value, 0, 0) for key, value in metrics[run_id]],
                    [],
                    [RunTag(key, value) for key, value in tags[run_id]],
                ),
            )
            for run_id, user, status, start, end, place, name in rows
        ]


def _by_run(rows: Iterable[tuple[str, str, Any]]) -> defaultdict[str, list[tuple[str, Any]]]:
    found: defaultdict[str, list[tuple[str, Any]]] = defaultdict(list)
    for run_id, key, value in rows:
        found[run_id].append((key, value))
    return found
