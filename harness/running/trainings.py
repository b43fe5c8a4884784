"""The trainings: every fold task is trained once, recorded, and identified by its digest from then on."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import TypeVar

import pandas as pd

from harness.data.clips import ClipTable
from harness.executors.events import Epoch, Event, Executor, Failed, Finished, Started
from harness.executors.queue import Queue
from harness.report.topics.classes import confusion_png
from harness.terminal.progress import Progress, duration
from harness.tracking.study_recorder import StudyRecorder
from harness.training.metrics import clip_predictions, predicted_classes, table_scores
from harness.training.task import FINAL, SURVEY, FoldResult, FoldTask

_FOLDS = "folds"


_T = TypeVar("_T")

Condition = Callable[[], bool]
"""Whether something has happened."""

Chain = Generator[Condition, None, _T]
"""Work that depends on trainings; it yields the condition under which it can go on."""


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
        What :meth:`Trainings.curve` returns, if it was trained in this process.
    error
        Why it failed; empty if it did not.
    """

    run_id: str
    accuracies: dict[str, float] = field(default_factory=dict)
    curve: tuple[float, ...] = ()
    error: str = ""


@dataclass(frozen=True)
class _Asked:
    """Where a training is recorded, and how many its chain still needs one after another."""

    parent: str
    rounds: int


class Speeds:
    """How long trainings take, as far as can be known from those of this run."""

    def __init__(self) -> None:
        self._rates: dict[str, float] = {}

    def learn(self, task: FoldTask, result: FoldResult) -> None:
        """Take note of a finished training."""
        if result.timing.get("total") and len(result.history):
            self._rates[task.arm] = result.timing["total"] / (_items(task) * len(result.history))

    def seconds(self, task: FoldTask) -> float:
        """Return the expected seconds of a training: as its arm's last one, or else as the mean of other arms."""
        others = sum(self._rates.values()) / len(self._rates) if self._rates else 1.0
        return self._rates.get(task.arm, others) * _items(task) * task.settings.train.epochs


def _items(task: FoldTask) -> int:
    return max(1, len(task.split.train))


@dataclass
class _Count:
    """How many of the ``total`` trainings were recorded before or shared, and how many ended since ``began``."""

    total: int
    recorded: int = 0
    trained: int = 0
    began: float = 0.0

    @property
    def ended(self) -> int:
        return self.recorded + self.trained

    def pace(self, running: int) -> str:
        """Return how many trainings have ended and the time left, for log files, which have no bars."""
        counted = f"{self.ended} of {self.total}"
        if self.ended >= self.total:
            return counted
        # Trainings in progress count as half done.
        done = self.trained + running / 2
        left = (perf_counter() - self.began) / done * (self.total - self.recorded - done)
        return f"{counted}, about {duration(left)} left"


class Trainings:
    """Runs chains of trainings on an executor and records each event; tasks that the store has finished are not run
    again.

    A chain is a generator that asks for trainings (:meth:`train`), yields until they have ended, and goes on from their
    results. All chains proceed at the same time, in the caller's thread, and the trainings that they ask for wait in
    one queue: those first that the longest remaining chain waits for.

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
    total
        How many trainings all chains will ask for.
    pictures
        Whether to draw curves and confusion matrices of final trainings for their runs.
    """

    def __init__(
        self,
        recorder: StudyRecorder,
        executor: Executor,
        clips: ClipTable,
        progress: Progress,
        total: int,
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
        self._queue = Queue()
        self._waiting: dict[Chain[None], Condition] = {}
        self._asked: dict[str, _Asked] = {}
        self._new: list[FoldTask] = []
        self._speeds = Speeds()
        self._count = _Count(total)

    def ended(self, task: FoldTask) -> Ended | None:
        """Return how ``task`` ended, or None if it has not."""
        return self._ended.get(task.digest)

    def curve(self, task: FoldTask) -> tuple[float, ...]:
        """Return by epoch what a finished training of a search or a survey was judged by: the macro accuracy of the
        validation part, or that of the test part."""
        ended = self._ended[task.digest]
        return ended.curve or _curve(task, self._recorder.load_result(ended.run_id).history)

    def run(self, chains: Iterable[Chain[None]]) -> None:
        """Run all ``chains`` to their end."""
        self._start(chains)
        self._count.began = perf_counter()
        self._progress.begin(_FOLDS, "trainings", self._count.total)
        self._go_on()
        self._executor.run(self._queue.take, self._on_event)
        self._progress.end(_FOLDS)
        if self._waiting:
            raise RuntimeError(f"{len(self._waiting)} chains of trainings wait for something that never happens")

    def train(self, tasks: Sequence[FoldTask], parent: str, rounds: int = 1) -> Condition:
        """Ask for ``tasks``, and return the condition that they have ended; those that have are not trained again.

        Parameters
        ----------
        tasks
            The trainings.
        parent
            Id of the trial run that they belong to.
        rounds
            How many trainings, including this one, its chain still needs one after another.
        """
        for task in tasks:
            if task.digest in self._ended or task.digest in self._asked:
                self._count.recorded += 1
                continue
            self._asked[task.digest] = _Asked(parent, rounds)
            self._new.append(task)
        digests = {task.digest for task in tasks}
        return lambda: digests <= self._ended.keys()

    def together(self, chains: Sequence[Chain[None]]) -> Condition:
        """Start further ``chains``, and return the condition that they have ended."""
        self._start(chains)
        return lambda: self._waiting.keys().isdisjoint(chains)

    def give_up(self, number: int) -> None:
        """Expect ``number`` trainings fewer: they will not be asked for."""
        self._count.total -= number

    def _start(self, chains: Iterable[Chain[None]]) -> None:
        self._waiting |= dict.fromkeys(chains, lambda: True)

    def _go_on(self) -> None:
        """Resume the chains whose condition is met until there are none, then queue the trainings that they ask for.

        Trainings that are asked for at the same time share one if they are of one trajectory.
        """
        while ready := [chain for chain, condition in self._waiting.items() if condition()]:
            for chain in ready:
                try:
                    self._waiting[chain] = next(chain)
                except StopIteration:
                    del self._waiting[chain]
        self._queue.add(self._new, lambda task: self._asked[task.digest].rounds * self._speeds.seconds(task))
        self._new = []
        self._progress.advance(_FOLDS, self._count.ended)

    def _on_event(self, event: Event) -> None:
        if not isinstance(event, Finished | Failed):
            self._write(event)
            return
        self._count.trained += 1
        if isinstance(event, Finished):
            self._speeds.learn(event.task, event.result)
        self._write(event, self._count.pace(len(self._open.keys() - {event.task.digest})))
        self._go_on()

    def _write(self, event: Event, pace: str = "") -> None:
        task = event.task
        digest = task.digest
        parent = self._asked[digest].parent
        match event:
            case Started():
                self._open[digest] = self._recorder.start_fold(parent, task)
                self._progress.begin(digest, _title(task), task.settings.train.epochs)
            case Epoch(row=row):
                self._recorder.log_epoch(self._open[digest], row)
                self._progress.advance(digest, int(row["epoch"]), _note(row))
            case Finished(result=result):
                run_id = self._open.pop(digest)
                self._ended[digest] = Ended(
                    run_id, self._finish(run_id, task, result, pace), _curve(task, result.history)
                )
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
        # Drawing dominates the time of recording: only what MLflow does not show itself, and only of final trainings.
        pictures = {}
        if self._draws and task.phase == FINAL and "test" in tables:
            true, predicted = tables["test"]["y_true"].to_numpy(), predicted_classes(tables["test"])
            pictures["confusion_test.png"] = confusion_png(true, predicted, classes, f"{_title(task)}, test")
        self._recorder.finish_fold(run_id, result, tables, measured, pictures)
        accuracies = {part: measured[part].macro_accuracy for part in measured}
        summary = ", ".join(f"{part} {accuracy:.1%}" for part, accuracy in sorted(accuracies.items()))
        if result.stopped:
            summary += f", stopped after epoch {len(result.history)}"
        self._progress.line(f"{_title(task)}: macro accuracy {summary} in {result.timing['total']:.0f} s ({pace})")
        return accuracies


def _curve(task: FoldTask, history: pd.DataFrame) -> tuple[float, ...]:
    part = "test" if task.phase == SURVEY else "validation"
    return tuple(float(value) for value in history.get(f"{part}_macro_accuracy", ()))


def _title(task: FoldTask) -> str:
    stage = {FINAL: "", SURVEY: " survey"}.get(task.phase, f" trial {task.trial}")
    return f"{task.arm}{stage} fold {task.fold} seed {task.seed_index}"


def _note(row: dict[str, float]) -> str:
    accuracy = row.get("validation_macro_accuracy")
    return f"loss {row['train_loss']:.3f}" + (f" val {accuracy:.1%}" if accuracy is not None else "")
