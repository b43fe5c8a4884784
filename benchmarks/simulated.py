"""Workers that need no time: trainings end in the order of a simulated clock."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from typing import Self

import numpy as np
import pandas as pd

from harness.executors.events import Epoch, Event, Finished, Group, Started, Take
from harness.training.task import FoldResult, FoldTask, stopped_after


class SimulatedExecutor:
    """An executor whose workers take simulated time, in one thread.

    Parameters
    ----------
    workers
        How many trainings run at once.
    seconds
        Returns how long a worker, given by its number from 0, takes for a training.
    train
        Returns the results of a training, when it ends.
    epochs
        Whether each epoch is reported, when the training ends.

    Attributes
    ----------
    clock
        Simulated seconds since the start.
    spans
        Start and end of each training, with its first task.
    """

    def __init__(
        self,
        workers: int,
        seconds: Callable[[int, Group], float],
        train: Callable[[Group], Sequence[FoldResult]],
        *,
        epochs: bool = False,
    ) -> None:
        self.capacity = workers
        self.clock = 0.0
        self.spans: list[tuple[float, float, Group]] = []
        self._seconds = seconds
        self._train = train
        self._epochs = epochs

    def run(self, take: Take, on_event: Callable[[Event], None]) -> None:
        """Run what ``take`` gives; see :class:`harness.executors.events.Executor`."""
        arms = dict.fromkeys(range(self.capacity), "")
        running: list[tuple[float, int, Group]] = []
        while True:
            busy = {worker for _, worker, _ in running}
            for worker in arms:
                if worker in busy:
                    continue
                group = take(arms[worker])
                if group is None:
                    break
                arms[worker] = group[0].arm
                end = self.clock + self._seconds(worker, group)
                self.spans.append((self.clock, end, group))
                heapq.heappush(running, (end, worker, group))
                for task in group:
                    on_event(Started(task))
            if not running:
                return
            self.clock, _, ended = heapq.heappop(running)
            for task, result in zip(ended, self._train(ended), strict=True):
                for row in result.history.to_dict("records") if self._epochs else ():
                    on_event(Epoch(task, {str(name): float(value) for name, value in row.items()}))
                on_event(Finished(task, result))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None


def made_up_results(group: Group) -> list[FoldResult]:
    """Return results that a training might have had: one item per clip, drawn from the digest of each task, which the
    task's floor stops."""
    return [_made_up(task, tuple(other.key for other in group if other is not task)) for task in group]


def _made_up(task: FoldTask, others: tuple[str, ...]) -> FoldResult:
    chance = np.random.default_rng(int(task.digest[:16], 16))
    epochs = task.settings.train.epochs
    quality = chance.uniform(0.2, 0.9)
    curve: list[float] = []
    while len(curve) < epochs:
        curve.append(quality * (1 - 0.5 ** (len(curve) + 1)))
        if stopped := stopped_after(curve, task.floor, epochs):
            break
    parts = {"validation": task.split.validation.clips}
    if task.phase == "final":
        parts["test"] = task.split.test.clips
    tables = []
    for part, clips in parts.items():
        labels = task.labels[clips]
        scores = chance.uniform(size=(len(clips), task.n_classes))
        scores[np.arange(len(clips)), labels] += quality
        probabilities = (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)
        table = pd.DataFrame({"part": part, "clip": clips, "segment": 0, "y_true": labels})
        tables.append(table.join(pd.DataFrame(probabilities, columns=[f"p_{k}" for k in range(task.n_classes)])))
    history = {
        "epoch": range(1, len(curve) + 1),
        "lr": task.settings.train.lr,
        "train_loss": [1 - value for value in curve],
        "train_segment_accuracy": curve,
        "validation_loss": [1 - value for value in curve],
        "validation_macro_accuracy": curve,
        "validation_clip_accuracy": curve,
    }
    times = ("total", "load", "train", "evaluate", "segments_per_second")
    return FoldResult(
        task_key=task.key,
        predictions=pd.concat(tables, ignore_index=True),
        history=pd.DataFrame(history),
        best_epoch=len(curve),
        weights={},
        timing=dict.fromkeys(times, 1.0),
        conditions={"device": "simulated", "threads": "1", "torch": "none", "precision": "float32"},
        trained_with=others,
        stopped=stopped,
    )
