"""FinishedFold and StoredFold: one recorded training, to resume from or to fuse."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from harness.errors import StudyError, TrackingError
from harness.study import StudySpec, read_recorded
from harness.tracking import names
from harness.tracking.files import (
    PUT_BACK,
    TRAIN_AGAIN,
    fetched,
    read_history,
    read_predictions,
    read_segments,
)
from harness.tracking.store import Store

if TYPE_CHECKING:
    from mlflow.entities import Run


@dataclass(frozen=True)
class StoredFold:
    """A finished fold run.

    Attributes
    ----------
    run_id, task_key
        Its run, and the training as in messages.
    segments
        ``FoldResult.predictions``; None for a fused arm.
    clips
        Clip predictions by part, as given to the recorder.
    history
        ``FoldResult.history``; empty for a fused arm.
    """

    run_id: str
    task_key: str
    segments: pd.DataFrame | None
    clips: Mapping[str, pd.DataFrame]
    history: pd.DataFrame


@dataclass(frozen=True)
class FinishedFold:
    """A training that need not run again: its run, and its macro accuracy by part ("validation", "test")."""

    run_id: str
    task_key: str
    accuracies: dict[str, float]


def read_fold(store: Store, run: Run) -> StoredFold:
    """Return the result of a finished fold ``run``.

    Raises
    ------
    TrackingError
        When the run is not a finished fold, or a file is missing or damaged.
    """
    tags = run.data.tags
    run_id = str(run.info.run_id)
    if tags.get("level") != names.FOLD or run.info.status != names.FINISHED:
        raise TrackingError(
            f"{store.shown}: run {run_id} is a {tags.get('level', 'foreign')} run with status {run.info.status}; "
            "a finished fold run is needed"
        )
    with fetched(store, run) as file:
        predictions = predictions_of(store, run, file)
        segments, history = file(names.SEGMENTS_FILE), file(names.HISTORY_FILE)
        return StoredFold(
            run_id=run_id,
            task_key=tags[names.TASK_KEY_TAG],
            segments=None if segments is None else read_segments(segments),
            clips=read_predictions(predictions),
            history=pd.DataFrame() if history is None else read_history(history),
        )


def predictions_of(store: Store, run: Run, file: Callable[[str], Path | None]) -> Path:
    """Return the file of a finished training's clip predictions, found by ``file``; TrackingError if there is none."""
    who = f"run {run.info.run_id} ({run.data.tags[names.TASK_KEY_TAG]})"
    return needed(store, run, file, names.PREDICTIONS_FILE, who, f"; {TRAIN_AGAIN}")


def needed(store: Store, run: Run, file: Callable[[str], Path | None], name: str, who: str, advice: str = "") -> Path:
    """Return the file ``name`` of ``run`` in ``store``, found by ``file``.

    Raises TrackingError about ``who``, with ``advice``, if there is none.
    """
    found = file(name)
    if found is None:
        raise TrackingError(f"{store.shown}: {who} has no {name} in {store.artifact_place(run)}; {PUT_BACK}{advice}")
    return found


def run_digest(run: Run) -> str:
    """Return the digest of what a run is: of a study and its inputs, or of a training; ``-`` for a trial."""
    tags = run.data.tags
    earlier = names.EARLIER_DIGEST_TAGS.get(tags["level"], "")
    return str(tags.get(names.DIGEST_TAG) or tags.get(earlier, names.NOT_APPLICABLE))


def data_digest(run: Run, environment: Mapping[str, Any]) -> str:
    """Return the digest of the audio that a ``run`` used, from the environment of its study run; ``-`` if unknown."""
    # Earlier versions recorded it as a tag of every run.
    return str(run.data.tags.get("data_digest") or environment.get("digests", {}).get("data", names.NOT_APPLICABLE))


def latest(folds: Iterable[Run]) -> list[Run]:
    """Return one run per training: the newest that finished, else the newest attempt. ``folds`` are ordered oldest
    first."""
    found: dict[tuple[str, ...], Run] = {}
    for run in folds:
        before = found.get(training_of(run))
        if before is None or run.info.status == names.FINISHED or before.info.status != names.FINISHED:
            found[training_of(run)] = run
    return list(found.values())


def training_of(run: Run) -> tuple[str, ...]:
    """Return what tells the training of a fold ``run`` from others of its study: arm, phase, trial, fold and seed."""
    tags = run.data.tags
    # A fold has one final training per seed, whichever trial was chosen for it.
    trial = "" if tags["phase"] == names.FINAL else tags["trial"]
    return tags["arm"], tags["phase"], trial, tags["fold"], tags["seed"]


def in_order(folds: Iterable[Run], spec: StudySpec) -> list[Run]:
    """Return ``folds`` by arm in the order of ``spec``, its search before its final trainings: a search by trial, final
    trainings by fold and seed, whichever trial each fold chose; when they were trained does not matter."""
    arms = {arm.name: position for position, arm in enumerate(spec.arms)}

    def position(run: Run) -> tuple[int, ...]:
        tags = run.data.tags
        final = tags["phase"] == names.FINAL
        trial = None if final else whole_or_none(tags["trial"])
        return (
            arms.get(tags["arm"], len(arms)),
            final,
            -1 if trial is None else trial,
            int(tags["fold"]),
            int(tags["seed"]),
            run.info.start_time,
        )

    return sorted(folds, key=position)


def plain_metrics(run: Run) -> dict[str, float]:
    """Return the metrics of a run that are not curves."""
    return {
        name: float(value)
        for name, value in run.data.metrics.items()
        if not name.startswith((names.EPOCH_PREFIX, "system/"))
    }


def whole_or_none(tag: str) -> int | None:
    """Return the integer in a tag, or None for ``-``."""
    return None if tag == names.NOT_APPLICABLE else int(tag)


def study_of(run: Run, document: Any, environment: Mapping[str, Any], name: str = names.SPEC_FILE) -> StudySpec:
    """Return the study recorded in ``document``.

    Parameters
    ----------
    run
        The study run, named in error messages.
    document
        JSON data of the recorded study.
    environment
        The environment of the session that wrote ``document``.
    name
        File name of ``document`` among the run's artifacts, named in error messages.

    Raises
    ------
    TrackingError
        When this version cannot read the recorded study.
    """
    try:
        return read_recorded(document, f"{name} of run {run.info.run_id}", environment)
    except StudyError as error:
        raise TrackingError(*error.args) from None


def belongs(fold: Run, spec: StudySpec) -> bool:
    """Return whether the study ``spec`` contains this training.

    The study run may have had other arms, or more seeds, in another session.
    """
    tags = fold.data.tags
    seeds = next((spec.seeds(arm) for arm in spec.arms if arm.name == tags["arm"]), None)
    return seeds is not None and (tags["phase"] == names.SEARCH or int(tags["seed"]) < seeds)
