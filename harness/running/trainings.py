"""The trainings: every fold task is trained once, recorded, and identified by its digest from then on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter

import pandas as pd

from harness.data.clips import ClipTable
from harness.executors.events import Epoch, Event, Executor, Failed, Finished, Started
from harness.report.topics.classes import confusion_png
from harness.report.topics.training import curves_png
from harness.terminal.progress import Progress, duration
from harness.tracking.study_recorder import StudyRecorder
from harness.training.metrics import clip_predictions, predicted_classes, table_scores
from harness.training.task import FoldResult, FoldTask

_FOLDS = "folds"


@dataclass(frozen=True)
class Ended:
    """An ended training.

    Attributes
    ----------
    run_id
        Id of its run.
    accuracies
        Macro accuracy by part ("validation", "test").
    curve
        Validation macro accuracy by epoch, if it was trained in this process.
    error
        Why it failed; empty if it did not.
    """

    run_id: str
    accuracies: dict[str, float] = field(default_factory=dict)
    curve: tuple[float, ...] = ()
    error: str = ""


class Trainings:
    """Runs tasks on an executor and records each event; tasks that the store has finished are not run again.

    Parameters
    ----------
    recorder
        The open study run.
    executor
        Runs the trainings.
    clips
        The clips of the data set.
    progress
        Shows the progress of trainings.
    pictures
        Whether to draw curves and confusion matrices of final trainings for their runs.
    """

    def __init__(
        self,
        recorder: StudyRecorder,
        executor: Executor,
        clips: ClipTable,
        progress: Progress,
        *,
        pictures: bool = True,
    ) -> None:
        self._recorder = recorder
        self._executor = executor
        self._clips = clips
        self._progress = progress
        self._draws = pictures
        self._open: dict[str, str] = {}
        self._ended = {
            digest: Ended(fold.run_id, fold.accuracies) for digest, fold in recorder.finished_folds().items()
        }

    def ended(self, task: FoldTask) -> Ended | None:
        """Return how ``task`` ended, or None if it has not."""
        return self._ended.get(task.digest)

    def curve(self, task: FoldTask) -> tuple[float, ...]:
        """Return the validation macro accuracy by epoch of a finished training of a search."""
        ended = self._ended[task.digest]
        return ended.curve or _curve(self._recorder.load_result(ended.run_id).history)

    def run(self, tasks: Sequence[FoldTask], parents: Mapping[str, str]) -> None:
        """Train those of ``tasks`` that have not ended; ``parents`` maps each task's key to its trial run."""
        due = [task for task in tasks if self.ended(task) is None]
        ended = 0
        began = perf_counter()

        def on_event(event: Event) -> None:
            nonlocal ended
            if not isinstance(event, Finished | Failed):
                self._write(event, parents[event.task.key])
                return
            ended += 1
            self._progress.advance(_FOLDS, ended)
            others = len(self._open.keys() - {event.task.digest})
            pace = _pace(event.task, ended, others, len(due), perf_counter() - began)
            self._write(event, parents[event.task.key], pace)

        if due:
            self._progress.begin(_FOLDS, "folds", len(due))
            self._executor.run(due, on_event)
            self._progress.end(_FOLDS)

    def _write(self, event: Event, parent: str, pace: str = "") -> None:
        task = event.task
        digest = task.digest
        match event:
            case Started():
                self._open[digest] = self._recorder.start_fold(parent, task)
                self._progress.begin(digest, _title(task), task.settings.train.epochs)
            case Epoch(row=row):
                self._recorder.log_epoch(self._open[digest], row)
                self._progress.advance(digest, int(row["epoch"]), _note(row))
            case Finished(result=result):
                run_id = self._open.pop(digest)
                self._ended[digest] = Ended(run_id, self._finish(run_id, task, result, pace), _curve(result.history))
                self._progress.end(digest)
            case Failed(error=error, traceback=traceback):
                # A worker that dies before it begins has no run yet.
                run_id = self._open.pop(digest, "") or self._recorder.start_fold(parent, task)
                self._recorder.fail_fold(run_id, error, traceback)
                self._ended[digest] = Ended(run_id, error=error)
                self._progress.end(digest)
                self._progress.line(f"{_title(task)} failed ({pace}): {error}")

    def _finish(self, run_id: str, task: FoldTask, result: FoldResult, pace: str) -> dict[str, float]:
        classes = self._clips.classes
        tables = {
            str(part): clip_predictions(segments, self._clips)
            for part, segments in result.predictions.groupby("part", sort=True)
        }
        measured = {part: table_scores(table, len(classes)) for part, table in tables.items()}
        # Drawing dominates the time of recording, and a search has many trainings, whose curves MLflow shows itself.
        pictures = _pictures(task, result, tables, classes) if self._draws and task.phase == "final" else {}
        self._recorder.finish_fold(run_id, result, tables, measured, pictures)
        accuracies = {part: measured[part].macro_accuracy for part in measured}
        summary = ", ".join(f"{part} {accuracy:.1%}" for part, accuracy in sorted(accuracies.items()))
        if result.stopped:
            summary += f", stopped after epoch {len(result.history)}"
        self._progress.line(f"{_title(task)}: macro accuracy {summary} in {result.timing['total']:.0f} s ({pace})")
        return accuracies


def _curve(history: pd.DataFrame) -> tuple[float, ...]:
    return tuple(float(value) for value in history.get("validation_macro_accuracy", ()))


def _pace(task: FoldTask, ended: int, running: int, total: int, seconds: float) -> str:
    """Return how many of the trainings have ended and the time left, for log files, which have no bars."""
    counted = f"{ended} of {total}"
    # A trial is a small part of its search, whose end is unknown because trials may be pruned.
    if task.phase != "final" or ended == total:
        return counted
    # Trainings in progress count as half done.
    done = ended + running / 2
    return f"{counted}, about {duration(seconds / done * (total - done))} left"


def _pictures(
    task: FoldTask, result: FoldResult, tables: dict[str, pd.DataFrame], classes: Sequence[str]
) -> dict[str, bytes]:
    pictures = {"curves.png": curves_png(result.history, _title(task))}
    for part, table in tables.items():
        pictures[f"confusion_{part}.png"] = confusion_png(
            table["y_true"].to_numpy(), predicted_classes(table), classes, f"{_title(task)}, {part}"
        )
    return pictures


def _title(task: FoldTask) -> str:
    stage = "" if task.phase == "final" else f" trial {task.trial}"
    return f"{task.arm}{stage} fold {task.fold} seed {task.seed_index}"


def _note(row: dict[str, float]) -> str:
    accuracy = row.get("validation_macro_accuracy")
    return f"loss {row['train_loss']:.3f}" + (f" val {accuracy:.1%}" if accuracy is not None else "")
