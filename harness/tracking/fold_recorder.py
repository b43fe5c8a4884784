"""FoldRecorder: records the trainings of a study run, one run each; the part of StudyRecorder in use while it runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from harness.data.clips import ClipTable
from harness.errors import TrackingError
from harness.study import Arm, StudySpec
from harness.system.writing import Writer
from harness.tracking import names
from harness.tracking.digests import predictions_digest
from harness.tracking.files import bytes_file, fetched, history_file, picture_files, predictions_file, segments_file
from harness.tracking.live_curves import Curves
from harness.tracking.logged_models import ensure_model
from harness.tracking.run_writer import RunWriter
from harness.tracking.runs import (
    RunTags,
    flat_settings,
    fold_note,
    metrics_of,
    score_values,
    split_inputs,
    study_input,
    timing_values,
)
from harness.tracking.store import Store
from harness.tracking.stored_folds import FinishedFold, StoredFold, read_fold, run_digest
from harness.tracking.study_lease import StudyLease
from harness.tracking.sync.delivery import Courier
from harness.training.metrics import Scores
from harness.training.task import FoldResult, FoldTask

if TYPE_CHECKING:
    from mlflow.entities import Run

    from harness.training.trained import TrainedNetwork


class FoldRecorder:
    """Writes the fold runs below one study run.

    Parameters
    ----------
    store
        The open tracking store.
    experiment
        Id of the experiment that holds the study's runs.
    run
        The study run, already created.
    spec
        The resolved study.
    digests
        Digests of the study's inputs by name: ``spec``, ``data``, ``features.<set>``, ``lock``.
    clips
        The clips of the data set.

    Attributes
    ----------
    run_id
        Id of the study run.
    spec_digest
        Digest of the study and its inputs: equal digests mean equal outcomes.
    """

    def __init__(
        self, store: Store, experiment: str, run: Run, spec: StudySpec, digests: Mapping[str, str], clips: ClipTable
    ) -> None:
        self.run_id: str = run.info.run_id
        self.spec_digest = digests["spec"]
        self._store = store
        self._tags = RunTags(spec, digests)
        self._clips = clips
        self._writer = RunWriter(store, experiment)
        self._writer.remember(run)
        self._finished: dict[str, FinishedFold] = {}
        self._fused: dict[tuple[str, str, str], FinishedFold] = {}
        self._curves = Curves(self._writer)
        self._courier: Courier | None = None
        self._lease: StudyLease | None = None

    def finished_folds(self) -> dict[str, FinishedFold]:
        """Return the FINISHED trainings below this study run by ``FoldTask.digest``; they need not run again."""
        return dict(self._finished)

    def load_predictions(self, run_id: str) -> pd.DataFrame:
        """Return the segment predictions of a finished training, as ``FoldResult.predictions`` had them.

        Raises
        ------
        TrackingError
            When the run or its file is missing or damaged.
        """
        segments = self.load_result(run_id).segments
        if segments is None:
            raise TrackingError(f"{self._store.shown}: run {run_id} has no {names.SEGMENTS_FILE}")
        return segments

    def load_result(self, run_id: str) -> StoredFold:
        """Return the complete result of a finished fold run; raises as :meth:`load_predictions`."""
        with self._store.guard(f"read the fold run {run_id}"):
            return read_fold(self._store, self._store.client.get_run(run_id))

    def start_fold(self, trial_run_id: str, task: FoldTask) -> str:
        """Open the run of one training below its trial, with tags, hyperparameters and data set inputs."""
        with self._recording(f"record the training {task.key}"):
            tags = self._tags.fold(self.run_id, task)
            title = f"fold {task.fold} seed {task.seed_index} {task.arm} {task.phase}"
            inputs = split_inputs(self._clips, task.split)
            return self._writer.create(trial_run_id, title, tags, flat_settings(task.settings), inputs)

    def log_epoch(self, run_id: str, row: Mapping[str, float]) -> None:
        """Record one row of ``FoldResult.history``; the UI shows it within a second, or together with the next row."""
        with self._recording("record an epoch"):
            self._curves.add(run_id, row)

    def finish_fold(
        self,
        run_id: str,
        result: FoldResult,
        clips: Mapping[str, pd.DataFrame],
        measured: Mapping[str, Scores],
        pictures: Mapping[str, Path | bytes] | None = None,
    ) -> None:
        """Write a training's result and end its run as FINISHED.

        Parameters
        ----------
        run_id
            Id of the fold run, from :meth:`start_fold`.
        result
            The training's result: predictions, history, timing and, where kept, weights.
        clips
            Clip predictions by part (``validation``, ``test``), as
            :func:`harness.training.metrics.clip_predictions` returns them.
        measured
            Scores of ``clips`` by part.
        pictures
            Pictures by file name, as in :meth:`add_pictures`; None for none.

        Raises
        ------
        TrackingError
            When the store cannot be written.
        """
        files: dict[str, Writer] = {
            names.SEGMENTS_FILE: segments_file(result.predictions),
            names.HISTORY_FILE: history_file(result.history),
            **picture_files(pictures or {}),
        }
        if result.weights:
            network = self._network(run_id, result, measured)
            files |= {name: bytes_file(content) for name, content in network.files().items()}
        tags = {names.DEVICE_TAG: result.conditions.get("device", names.NOT_APPLICABLE)}
        tags |= {f"{names.CONDITIONS_TAG}.{name}": value for name, value in result.conditions.items()}
        if result.warnings:
            tags[names.WARNINGS_TAG] = "\n".join(result.warnings)
        if result.stopped:
            tags[names.STOPPED_TAG] = str(len(result.history))
        if result.trained_with:
            tags[names.TRAINED_WITH_TAG] = "\n".join(result.trained_with)
        values = timing_values(result.timing) | {names.BEST_EPOCH: float(result.best_epoch)}
        with self._recording(f"record the result of {result.task_key}"):
            self._curves.end(run_id, result.history)
            self._finish(run_id, files, clips, measured, values, tags)

    def log_fused_fold(
        self,
        trial_run_id: str,
        arm: Arm,
        fold: int,
        seed: int,
        segments: pd.DataFrame,
        clips: pd.DataFrame,
        measured: Scores,
        streams: Sequence[str] = (),
    ) -> str:
        """Write a fused arm's predictions for one fold and seed as a finished fold run, and return its id.

        If the same predictions are already recorded, nothing is written and the id of their run is returned.

        Parameters
        ----------
        trial_run_id
            Id of the run of the arm's final trainings, the parent of the new run.
        arm
            The fused arm.
        fold
            The test fold.
        seed
            Index of the seed, from 0.
        segments
            Fused predictions, as :func:`harness.training.fuse.fuse_predictions` returns them.
        clips
            The test part of ``segments`` by clip, as :func:`harness.training.metrics.clip_predictions` returns it.
        measured
            Scores of ``clips``.
        streams
            Ids of the fold runs whose predictions were fused, by which :meth:`fused_fold` finds this one.

        Raises
        ------
        TrackingError
            When the store cannot be written.
        """
        parts = {"test": clips}
        tags = self._tags.fused_fold(
            self.run_id, arm, fold, seed, predictions_digest(f"{arm.name}/{fold}/{seed}", parts)
        )
        known = self._finished.get(tags[names.DIGEST_TAG])
        if known is not None:
            return known.run_id
        with self._recording(f"record fold {fold} of arm {arm.name!r}"):
            title = f"fold {fold} seed {seed} {arm.name} {names.FINAL}"
            tags[names.FUSED_FROM_TAG] = " ".join(streams)
            run_id = self._writer.create(trial_run_id, title, tags, {})
            self._finish(run_id, {names.SEGMENTS_FILE: segments_file(segments)}, parts, {"test": measured}, {}, {})
        return run_id

    def fused_fold(self, arm: Arm, fold: int, seed: int, streams: Sequence[str]) -> FinishedFold | None:
        """Return the finished run of a fusion, or None if there is none.

        Parameters
        ----------
        arm
            The fused arm.
        fold
            Its test fold.
        seed
            Its seed.
        streams
            Ids of the fold runs that must have been fused, by the arm's rule.
        """
        tags = self._tags.fused_fold(self.run_id, arm, fold, seed, "")
        return self._fused.get((tags[names.TASK_KEY_TAG], tags["model"], " ".join(streams)))

    def fail_fold(self, run_id: str, error: BaseException | str, trace: str = "") -> None:
        """End a training's run as FAILED, with its error as a tag and, with the traceback, as ``error.txt``."""
        with self._recording("record a failure"):
            self._curves.end(run_id)
            self._writer.fail(run_id, error, trace)
            self._writer.end(run_id, names.FAILED)
        self._offer(run_id)

    def add_pictures(self, run_id: str, pictures: Mapping[str, Path | bytes]) -> None:
        """Add pictures to any run, by file name (``confusion.png``), as bytes or as the file to copy."""
        with self._recording("add figures"):
            self._writer.put(run_id, picture_files(pictures))

    def _finish(
        self,
        run_id: str,
        files: Mapping[str, Writer],
        clips: Mapping[str, pd.DataFrame],
        measured: Mapping[str, Scores],
        values: Mapping[str, float],
        tags: Mapping[str, str],
    ) -> None:
        for part, found in measured.items():
            values = {**values, **score_values(part, found, clips[part])}
        files = {**files, names.PREDICTIONS_FILE: predictions_file(clips)}
        self._writer.put(run_id, files)
        if self._writer.tags(run_id)["phase"] == names.FINAL:
            tags = {**tags, names.NOTE_TAG: fold_note(files)}
        self._writer.log(run_id, metrics_of(values, 0, self._writer.now()), tags)
        if names.WEIGHTS_FILE in files:
            run = self._store.client.get_run(run_id)
            with fetched(self._store, run) as file:
                ensure_model(self._store, run, file, study_input(self._clips).dataset)
        self._writer.end(run_id, names.FINISHED)
        self._note_finished(self._writer.run(run_id), values)
        self._offer(run_id)

    @contextmanager
    def _recording(self, doing: str) -> Iterator[None]:
        """Explain errors of the store, after making sure that this process is still the only writer."""
        if self._lease is not None:
            self._lease.check()
        with self._store.guard(doing):
            yield

    def _network(self, run_id: str, result: FoldResult, measured: Mapping[str, Scores]) -> TrainedNetwork:
        from harness import __version__
        from harness.training.trained import TrainedNetwork

        tags = self._writer.tags(run_id)
        return TrainedNetwork(
            spec=self._tags.spec,
            arm=tags["arm"],
            values=json.loads(tags[names.SET_TAG]),
            fold=int(tags["fold"]),
            seed=int(tags["seed"]),
            classes=tuple(self._clips.classes),
            clip_seconds=float(self._clips.frame["duration"].median()),
            longest_seconds=float(self._clips.frame["duration"].max()),
            normaliser=result.normaliser,
            weights=result.weights,
            conditions={**result.conditions, "harness": __version__},
            run_id=run_id,
            accuracies={part: found.macro_accuracy for part, found in measured.items()},
        )

    def _offer(self, run_id: str) -> None:
        """Offer an ended run for sending to the study's server, if it has one."""
        if self._courier is not None:
            self._courier.offer(run_id)

    def _note_finished(self, run: Run, values: Mapping[str, float]) -> None:
        keys = {part: f"{part}_macro_accuracy" for part in ("validation", "test")}
        accuracies = {part: values[key] for part, key in keys.items() if key in values}
        tags = run.data.tags
        found = FinishedFold(run.info.run_id, tags[names.TASK_KEY_TAG], accuracies)
        self._finished[run_digest(run)] = found
        if streams := tags.get(names.FUSED_FROM_TAG):
            self._fused[found.task_key, tags["model"], streams] = found
