"""The trainings that wait for a worker: the most urgent first."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Sequence

from harness.executors.events import Event, Executor, Group
from harness.training.task import FoldTask, trajectories

_LOYALTY = 0.8


class Queue:
    """Trainings that wait for a worker.

    The most urgent is taken first; of equals, the one that was added first. A worker continues with the arm of its last
    training as long as that has something nearly as urgent, because a worker on a GPU keeps the features and the
    recorded step of an arm from one training to the next.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, list[tuple[float, int, Group]]] = {}
        self._count = itertools.count()

    def add(self, tasks: Sequence[FoldTask], urgency: Callable[[FoldTask], float] = lambda _: 1.0) -> None:
        """Add ``tasks``; those of one trajectory are one training, which is as urgent as its most urgent task.

        Parameters
        ----------
        tasks : sequence of FoldTask
            The tasks.
        urgency : callable
            Returns a positive number for a task.
        """
        for group in trajectories(tasks):
            entry = (-max(map(urgency, group)), next(self._count), group)
            heapq.heappush(self._waiting.setdefault(group[0].arm, []), entry)

    def take(self, arm: str = "") -> Group | None:
        """Return the next training for a worker that trained ``arm`` last, or None; see :data:`Take`."""
        if not self._waiting:
            return None
        chosen = min(self._waiting, key=lambda name: self._waiting[name][0])
        if arm in self._waiting and self._waiting[arm][0][0] <= _LOYALTY * self._waiting[chosen][0][0]:
            chosen = arm
        entry = heapq.heappop(self._waiting[chosen])
        if not self._waiting[chosen]:
            del self._waiting[chosen]
        return entry[2]


def run_all(executor: Executor, tasks: Sequence[FoldTask], on_event: Callable[[Event], None]) -> None:
    """Run ``tasks`` on ``executor``, and call ``on_event`` with each step."""
    queue = Queue()
    queue.add(tasks)
    executor.run(queue.take, on_event)
