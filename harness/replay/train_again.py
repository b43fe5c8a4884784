"""replay: repeat the trainings of a recorded run, and measure how far the new results are from the recorded ones.

    run or report -> recorded study, hyperparameters, digests -> clips, features, splits, tasks
    -> training -> comparison

Nothing is written to the tracking store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from harness.data.clips import ClipTable
from harness.data.load_clips import load_clips
from harness.devices import resolve_device
from harness.errors import HarnessError, TrackingError, TrainingError
from harness.executors.events import Epoch, Event, Failed, Finished, Started
from harness.executors.local import local_executor
from harness.executors.queue import run_all
from harness.replay.outcome import FINAL, FoldReplay, Replay, precision_of, title
from harness.replay.predictions import (
    ClipChange,
    compare_clips,
    compare_histories,
    compare_segments,
    compare_weights,
    rounded_like,
)
from harness.replay.rebuild import (
    conditions_apart,
    device_of,
    rebuild_inputs,
    rebuild_task,
    recorded_conditions,
    recorded_spec,
    replay_conditions,
    require_precision,
    workers_for,
)
from harness.replay.sources import Source, with_streams
from harness.replay.training_conditions import run_conditions
from harness.running.study_inputs import StudyInputs
from harness.study import StudySpec
from harness.terminal.progress import Progress
from harness.tracking.recorded_run import RecordedFold, RecordedRun
from harness.tracking.session_environment import collect_environment
from harness.tracking.stored_folds import StoredFold
from harness.training.fuse import fuse_predictions
from harness.training.metrics import clip_predictions
from harness.training.task import FoldResult, FoldTask

_FOLDS = "folds"

_Key = tuple[str, int, int]
"""Arm, fold and seed of a final training."""


def replay(
    source: Source,
    *,
    data_root: Path,
    cache: Path,
    device: str,
    workers: int | None,
    progress: Progress,
    arms: Sequence[str] = (),
    folds: Sequence[int] = (),
    seeds: Sequence[int] = (),
    folder: Path | None = None,
) -> Replay:
    """Repeat the trainings at or below a recorded run, and compare the results.

    A fused arm is fused again, from streams that are replayed in the same call, else from the recorded ones. Since a
    report holds no recorded streams, those are trained as well. A report is first compared with its own predictions; if
    its numbers do not follow from them, nothing is trained.

    Parameters
    ----------
    source
        The recorded run or report, from :func:`harness.replay.sources.open_source`.
    data_root
        The folder that holds the data sets.
    cache
        The folder of computed features.
    device
        ``auto``, ``cpu``, ``cuda`` or ``cuda:N``; ``recorded`` for the kind of device that each training had.
    workers
        How many trainings run at once; None for the default of ``run-study``.
    progress
        Shows the progress of features and trainings.
    arms, folds, seeds
        Names of arms, test folds and indices of seeds to repeat; empty for all.
    folder
        The folder of the study file, for a study that names files or code; None allows no code to run.

    Raises
    ------
    HarnessError
        When the run's inputs are not available. A training that fails does not raise: its row holds the error.
    """
    run = source.run
    chosen = _chosen(run, arms, folds, seeds)
    if not source.whole:
        chosen = with_streams(chosen, run)
    spec = recorded_spec(run)
    trained = [fold for fold in chosen if not fold.is_fused]
    devices: dict[str, list[RecordedFold]] = {}
    for fold in trained:
        devices.setdefault(device_of(fold, device), []).append(fold)
    require_precision(spec, devices)
    report = source.check()
    if report is not None:
        if not report.equal:
            return Replay(run, (), report)
        progress.line(f"{run.title}: the report matches its predictions; retraining them now")
    again = _Again(source, spec, chosen, progress)
    progress.begin(_FOLDS, "folds", len(chosen))
    clips = None
    for place, folds_there in devices.items():
        n_workers = workers_for(folds_there, place, workers)
        prepared = rebuild_inputs(spec, folds_there, data_root, cache, n_workers, place, progress, folder)
        again.train(prepared, folds_there, n_workers)
        clips = prepared.clips
    if len(trained) < len(chosen):
        again.fuse(clips or load_clips(spec.data, data_root, folder=folder or Path()))
    progress.end(_FOLDS)
    return Replay(run, tuple(again.done[fold.run_id] for fold in chosen), report)


def _chosen(run: RecordedRun, arms: Sequence[str], folds: Sequence[int], seeds: Sequence[int]) -> list[RecordedFold]:
    chosen = list(run.folds)
    for name, asked in (("arm", arms), ("fold", folds), ("seed", seeds)):
        there = list(dict.fromkeys(getattr(fold, name) for fold in run.folds))
        for one in asked:
            if one not in there:
                raise TrackingError(
                    f"--{name} {one}: run {run.run_id} ({run.title}) has no such finished training; available: "
                    f"{', '.join(map(str, there if name == 'arm' else sorted(there)))}"
                )
        chosen = [fold for fold in chosen if not asked or getattr(fold, name) in asked]
    if not chosen:
        raise TrackingError(
            f"run {run.run_id} ({run.title}): no finished training matches this combination of --arm, --fold and --seed"
        )
    return chosen


class _Again:
    """The repetition in progress; ``done`` holds what has ended, by the id of the recorded run."""

    def __init__(self, source: Source, spec: StudySpec, chosen: Sequence[RecordedFold], progress: Progress) -> None:
        self.done: dict[str, FoldReplay] = {}
        self._source = source
        self._spec = spec
        self._fused = [fold for fold in chosen if fold.is_fused]
        self._streams = {key for fold in self._fused for key in self._keys(fold)}
        self._replayed: dict[_Key, pd.DataFrame] = {}
        self._progress = progress
        # Loads torch, which detects GPUs in the same way as when the run was recorded.
        resolve_device("auto")
        self._environment = collect_environment("").facts

    def train(self, prepared: StudyInputs, folds: Sequence[RecordedFold], workers: int) -> None:
        """Repeat the trainings ``folds`` on the device that ``prepared`` is for."""
        tasks: list[FoldTask] = []
        recorded: dict[str, RecordedFold] = {}
        for fold in folds:
            try:
                task = rebuild_task(prepared, fold)
            except TrainingError as error:
                self._end(FoldReplay(fold, "not trained", error=str(error)))
            else:
                tasks.append(task)
                recorded[task.key] = fold

        def on_event(event: Event) -> None:
            task = event.task
            fold = recorded[task.key]
            match event:
                case Started():
                    self._progress.begin(task.key, title(fold), task.settings.train.epochs)
                case Epoch(row=row):
                    self._progress.advance(task.key, int(row["epoch"]), f"loss {row['train_loss']:.3f}")
                case Failed(error=error):
                    self._progress.end(task.key)
                    self._end(FoldReplay(fold, "not trained", error=error))
                case Finished(result=result):
                    self._progress.end(task.key)
                    now = replay_conditions(task, fold, prepared.clips.digest, self._environment, result.conditions)
                    self._end(self._compared(fold, result, prepared.clips, now | {"workers": str(workers)}))

        with local_executor([prepared.device] * workers) as executor:
            run_all(executor, tasks, on_event)

    def fuse(self, clips: ClipTable) -> None:
        """Repeat the fusions."""
        now = run_conditions(self._environment) | {"data digest": clips.digest}
        for fold in self._fused:
            arm, keys = self._spec.arm(fold.arm), self._keys(fold)
            try:
                fused = fuse_predictions([self._stream(key) for key in keys], str(arm.rule), arm.level)
                test = clip_predictions(fused[fused["part"] == "test"], clips)
                before = self._source.load(fold)
                segments = compare_segments(_segments(before), fused) if self._source.whole else None
            except (HarnessError, ValueError, IndexError) as error:
                self._end(FoldReplay(fold, "not fused", error=str(error)))
                continue
            new = sum(key in self._replayed for key in keys)
            self._end(
                FoldReplay(
                    fold,
                    f"fused again: {new} streams replayed, {len(keys) - new} from the record",
                    segments=segments,
                    clips=self._clips(before, {"test": test}),
                    differences=conditions_apart(recorded_conditions(fold), now),
                )
            )

    def _compared(self, fold: RecordedFold, result: FoldResult, clips: ClipTable, now: Mapping[str, str]) -> FoldReplay:
        key = (fold.arm, fold.fold, fold.seed)
        if fold.phase == FINAL and key in self._streams:
            self._replayed[key] = result.predictions
        try:
            before, kept = self._source.load(fold), self._source.weights(fold)
            segments = compare_segments(_segments(before), result.predictions) if self._source.whole else None
        except HarnessError as error:
            return FoldReplay(fold, "trained again", error=str(error))
        parts = {
            str(part): clip_predictions(rows, clips)
            for part, rows in result.predictions.groupby("part", sort=True)
            if self._source.whole or part in before.clips
        }
        return FoldReplay(
            fold,
            "trained again",
            segments=segments,
            clips=self._clips(before, parts),
            epoch=compare_histories(before.history, result.history) if self._source.whole else None,
            weights=compare_weights(kept, result.weights) if kept else None,
            differences=conditions_apart(recorded_conditions(fold), now),
            seconds=result.timing["total"],
        )

    def _clips(self, before: StoredFold, parts: Mapping[str, pd.DataFrame]) -> ClipChange:
        return compare_clips(before.clips, parts if self._source.whole else rounded_like(parts, before.clips))

    def _keys(self, fold: RecordedFold) -> list[_Key]:
        return [(stream, fold.fold, fold.seed) for stream in self._spec.arm(fold.arm).fuse or ()]

    def _stream(self, key: _Key) -> pd.DataFrame:
        """Return the predictions of a stream: those just replayed, else the recorded ones."""
        if key in self._replayed:
            return self._replayed[key]
        for each in self._source.run.siblings:
            if each.phase == FINAL and (each.arm, each.fold, each.seed) == key:
                return _segments(self._source.load(each))
        raise TrackingError(
            f"stream {key[0]} of fold {key[1]} seed {key[2]} is not among the finished runs of the study"
        )

    def _end(self, fold: FoldReplay) -> None:
        self.done[fold.recorded.run_id] = fold
        self._progress.advance(_FOLDS, len(self.done))
        equal = f"equal {precision_of(self._source.run)}"
        how = f"failed: {fold.error}" if fold.error else equal if fold.equal else "differs"
        seconds = f" ({fold.seconds:.0f} s)" if fold.seconds else ""
        self._progress.line(f"{title(fold.recorded)}: {how}{seconds}")


def _segments(stored: StoredFold) -> pd.DataFrame:
    if stored.segments is None:
        raise TrackingError(f"run {stored.run_id} ({stored.task_key}) has lost its segment predictions")
    return stored.segments
