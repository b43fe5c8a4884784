"""RecordedRun: how the trainings of a finished run came about, to repeat them or to compare runs."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import TrackingError
from harness.study import StudySpec
from harness.tracking import names
from harness.tracking.digests import document_digest
from harness.tracking.files import fetched, read_json
from harness.tracking.runs import features_digest
from harness.tracking.session import descendants
from harness.tracking.store import Store, open_store
from harness.tracking.stored_folds import (
    belongs,
    data_digest,
    in_order,
    latest,
    needed,
    run_digest,
    study_of,
    training_of,
    whole_or_none,
)

if TYPE_CHECKING:
    from mlflow.entities import Run

_PREFIX = re.compile(r"[0-9A-Za-z-]{4,}")
_NOT_INPUTS = ("spec", "lock")


@dataclass(frozen=True)
class RecordedFold:
    """A finished training (or fusion) as its run describes it.

    Attributes
    ----------
    values
        Hyperparameters that override the study's, by dotted name, as JSON values.
    settings
        Every hyperparameter by dotted name, as the text that MLflow keeps.
    digests
        ``task``, ``data``, ``features``.
    parts
        Digest of each part of the split (``train``, ``validation``, ``test``), cut to the length that MLflow keeps.
    conditions
        What it was trained on: ``device``, ``threads``, ``torch``, ``precision``; empty for a fused arm.
    floor
        ``FoldTask.floor``: when the search would have stopped it.
    until
        ``FoldTask.until``: the epoch that all test folds together chose.
    environment
        ``environment.json`` of the session that trained it; empty if not recorded.
    """

    run_id: str
    task_key: str
    arm: str
    phase: str
    trial: int | None
    fold: int
    seed: int
    values: Mapping[str, Any]
    settings: Mapping[str, str]
    digests: Mapping[str, str]
    parts: Mapping[str, str]
    conditions: Mapping[str, str]
    environment: Mapping[str, Any]
    floor: tuple[float, ...] = ()
    until: int = 0

    @property
    def is_fused(self) -> bool:
        """Whether it was fused from other trainings instead of trained."""
        return not self.settings


@dataclass(frozen=True)
class RecordedRun:
    """A finished study, trial or fold run with the study it belongs to.

    Attributes
    ----------
    level
        ``study``, ``trial`` or ``fold``.
    title
        Name of the run.
    study_run
        Id of the study run above it (or its own).
    spec
        The resolved study.
    spec_is_original
        Whether the study still has the digest that its run was created with; None if unknown.
    environment
        ``environment.json`` of the study run's last session.
    folds
        Finished trainings at or below the run, one each, as :func:`~harness.tracking.stored_folds.in_order` sorts them.
    siblings
        Finished trainings of the entire study run.
    unfinished
        How many trainings at or below the run never finished.
    """

    run_id: str
    level: str
    title: str
    study: str
    study_run: str
    spec: StudySpec
    spec_is_original: bool | None
    environment: Mapping[str, Any]
    folds: tuple[RecordedFold, ...]
    siblings: tuple[RecordedFold, ...]
    unfinished: int


def read_run(uri: str, run_id: str) -> RecordedRun:
    """Return the finished run in the store at ``uri`` whose id is, or begins with, ``run_id``.

    Raises
    ------
    TrackingError
        When no run or several have such an id, the run is not one of this harness, it has not finished, a required file
        of its study is missing or damaged, or this version cannot read the study.
    """
    store = open_store(uri, create=False)
    with store.guard(f"read the run {run_id}"):
        run = _find(store, run_id)
        tags = run.data.tags
        _check_finished(store, run)
        level, study_run = tags["level"], tags["study_run"]
        study = run if level == names.STUDY else store.client.get_run(study_run)
        found = [
            each
            for each in descendants(store, run.info.experiment_id, study_run)
            if each.data.tags["level"] == names.FOLD
        ]
        with fetched(store, study) as file:
            document = read_json(needed(store, study, file, names.SPEC_FILE, f"study run {study.info.run_id}"))
            sessions = _sessions(store, study, file)
            spec = study_of(study, document, sessions[-1])
            earlier_specs = [
                study_of(study, read_json(path), session, path.name)
                for number, session in enumerate(sessions[:-1], start=1)
                if (path := file(f"study-session-{number}.json")) is not None
            ]
        # An arm of an earlier session may have been removed since; an arm of no session means that a file was changed.
        gone = [
            each for each in found if not belongs(each, spec) and any(belongs(each, before) for before in earlier_specs)
        ]
        if level != names.STUDY and any(_is_below(each, run) for each in gone):
            raise TrackingError(
                f"{store.shown}: run {run.info.run_id} ({_name(run)}) belongs to an arm or a seed that is no longer "
                "part of the study; add it to the study file again and run the study: finished trainings are not "
                "repeated and can then be replayed"
            )
        found = [each for each in found if each not in gone]
        finished = in_order(latest(each for each in found if each.info.status == names.FINISHED), spec)
        siblings = {each.info.run_id: _fold(each, spec, sessions) for each in finished}
        below = [each for each in found if _is_below(each, run)]
        mine = [each for each in finished if _is_below(each, run)]
        if not mine:
            raise TrackingError(f"{store.shown}: no training of run {run.info.run_id} ({_name(run)}) has finished")
        lacking = {training_of(each) for each in below} - {training_of(each) for each in mine}
    return RecordedRun(
        run_id=str(run.info.run_id),
        level=level,
        title=_name(run),
        study=tags["study"],
        study_run=study_run,
        spec=spec,
        spec_is_original=_is_original(study, document, sessions[-1]),
        environment=sessions[-1],
        folds=tuple(siblings[each.info.run_id] for each in mine),
        siblings=tuple(siblings.values()),
        unfinished=len(lacking),
    )


def _find(store: Store, asked: str) -> Run:
    if not _PREFIX.fullmatch(asked):
        raise TrackingError(
            f"run id {asked!r}: expected a run id, or at least its first 4 characters; ids are shown in the report and "
            "in the MLflow UI"
        )
    experiments = [each.experiment_id for each in store.client.search_experiments()]
    runs = store.search(experiments, f"attributes.run_id LIKE '{asked}%'") if experiments else []
    if not runs:
        raise TrackingError(
            f"{store.shown}: no run has the id {asked!r} or an id that starts with it; ids are shown in the report and "
            "in the MLflow UI; use --tracking-uri for another store"
        )
    if len(runs) > 1:
        shown = "; ".join(f"{run.info.run_id} ({_name(run)})" for run in runs[:5])
        more = f" and {len(runs) - 5} more" if len(runs) > 5 else ""
        raise TrackingError(f"{store.shown}: {len(runs)} runs have an id that starts with {asked!r}: {shown}{more}")
    return runs[0]


def _check_finished(store: Store, run: Run) -> None:
    who = f"{store.shown}: run {run.info.run_id} ({_name(run)})"
    if run.data.tags.get("level") not in (names.STUDY, names.TRIAL, names.FOLD):
        raise TrackingError(f"{who} was not written by this harness; choose a study, trial or fold run")
    if run.info.status != names.FINISHED:
        raise TrackingError(
            f"{who} has the status {run.info.status}; only a finished run has a result to compare with. Run the study "
            "again to complete it, or choose one of the run's finished folds"
        )


def _sessions(store: Store, study: Run, file: Callable[[str], Path | None]) -> list[dict[str, Any]]:
    """Return the environment of each session of a study run, oldest first."""
    last = read_json(needed(store, study, file, names.ENVIRONMENT_FILE, f"study run {study.info.run_id}"))
    earlier = [file(f"environment-session-{number}.json") for number in range(1, int(last.get("session", 1)))]
    sessions = [read_json(each) for each in earlier if each is not None] + [last]
    git = last.get("git", {})
    if git.get("dirty") and "diff_digest" not in git and (diff := file(names.DIFF_FILE)) is not None:
        # Earlier versions recorded the file without its digest; only that of the last session is left.
        git["diff_digest"] = hashlib.sha256(diff.read_bytes()).hexdigest()
    return sessions


def _fold(run: Run, spec: StudySpec, sessions: list[dict[str, Any]]) -> RecordedFold:
    tags = run.data.tags
    # A session has only the feature sets of its arms; those of the same name are equal in all.
    inputs = {name: digest for session in sessions for name, digest in session.get("digests", {}).items()}
    settings = {name: value for name, value in run.data.params.items() if name.startswith(("train.", "model."))}
    prefix = f"{names.CONDITIONS_TAG}."
    return RecordedFold(
        run_id=str(run.info.run_id),
        task_key=tags[names.TASK_KEY_TAG],
        arm=tags["arm"],
        phase=tags["phase"],
        trial=whole_or_none(tags["trial"]),
        fold=int(tags["fold"]),
        seed=int(tags["seed"]),
        values=json.loads(tags.get(names.SET_TAG, "{}")),
        settings=settings,
        digests={
            "task": run_digest(run),
            "data": data_digest(run, {"digests": inputs}),
            # Earlier versions recorded it as a tag.
            "features": tags.get("features_digest") or features_digest(spec, tags["arm"], inputs),
        },
        parts=_parts(run),
        conditions={name.removeprefix(prefix): value for name, value in tags.items() if name.startswith(prefix)},
        environment=_session_of(run, sessions),
        floor=tuple(json.loads(tags.get(names.FLOOR_TAG, "[]"))),
        until=int(tags.get(names.UNTIL_TAG, 0)),
    )


def _parts(run: Run) -> dict[str, str]:
    inputs = run.inputs.dataset_inputs if run.inputs else []
    return {tag.value: each.dataset.digest for each in inputs for tag in each.tags if tag.key == "mlflow.data.context"}


def _session_of(run: Run, sessions: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the environment of the session in which ``run`` began: the last one opened by then."""
    if len(sessions) == 1:
        return sessions[0]
    if any("began_ms" not in session for session in sessions):
        return {}
    return max(
        (session for session in sessions if session["began_ms"] <= run.info.start_time),
        key=lambda session: int(session["session"]),
        default={},
    )


def _is_below(fold: Run, run: Run) -> bool:
    level = run.data.tags["level"]
    if level == names.FOLD:
        return bool(fold.info.run_id == run.info.run_id)
    return level == names.STUDY or fold.data.tags.get(names.PARENT_TAG) == run.info.run_id


def _is_original(study: Run, document: dict[str, Any], environment: Mapping[str, Any]) -> bool | None:
    inputs = {name: each for name, each in environment.get("digests", {}).items() if name not in _NOT_INPUTS}
    made_with = run_digest(study)
    # The digest also changes if a password was masked before writing.
    if made_with == names.NOT_APPLICABLE or "***" in json.dumps(document):
        return None
    return made_with in (document_digest(document, inputs), document_digest(document, inputs, comparisons=True))


def _name(run: Run) -> str:
    return str(run.info.run_name or "unnamed")
