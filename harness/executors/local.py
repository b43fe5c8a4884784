"""Fold tasks on this machine: in this process, or in worker processes that take them one by one.

Tasks that differ only in how a training is evaluated share it (:func:`harness.training.task.trajectories`); each has
its own events.
"""

from __future__ import annotations

import multiprocessing
import traceback
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any, Self

from harness.devices import release_memory, use_device
from harness.executors.events import Epoch, Event, Executor, Failed, Finished, Group, Started, Take
from harness.executors.failures import failure_message
from harness.terminal.interrupt import workers_hear_no_signals
from harness.terminal.printing import guard_streams
from harness.training.task import placed


class InProcessExecutor:
    """Runs tasks one after another in the calling process."""

    capacity = 1

    def run(self, take: Take, on_event: Callable[[Event], None]) -> None:
        """Run what ``take`` gives; see :class:`harness.executors.events.Executor`."""
        from harness.training.loop import train_together

        arm = ""
        while (group := take(arm)) is not None:
            arm = group[0].arm
            group = placed(group, "cpu")

            def tell(rows: list[dict[str, float]], group: Group = group) -> None:
                _tell([Epoch(task, row) for task, row in zip(group, rows, strict=True)], on_event)

            _tell([Started(task) for task in group], on_event)
            try:
                results = train_together(group, tell)
            except Exception as error:
                trace = traceback.format_exc()
                events: list[Event] = [Failed(task, failure_message(error, task), trace) for task in group]
                release_memory()
            else:
                events = [Finished(task, result) for task, result in zip(group, results, strict=True)]
            _tell(events, on_event)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None


class ProcessExecutor:
    """Runs tasks in processes of this machine, one for each of ``devices``, which persist between calls of :meth:`run`.

    Each worker has its own pipe, so a worker that dies affects only its task: the task is reported as failed and
    another worker takes its place.
    """

    def __init__(self, devices: Sequence[str]) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._workers: list[_Worker] = []
        self._unused = list(devices)
        self.capacity = len(devices)

    def run(self, take: Take, on_event: Callable[[Event], None]) -> None:
        """Run what ``take`` gives; see :class:`harness.executors.events.Executor`."""
        while busy := self._employ(take):
            ready = wait([worker.pipe for worker in busy])
            events = [event for worker in busy if worker.pipe in ready for event in worker.receive()]
            for worker in [worker for worker in self._workers if not worker.alive]:
                self._workers.remove(worker)
                self._unused.insert(0, worker.device)
            # Workers continue to train while the caller records their results.
            self._employ(take)
            _tell(events, on_event)

    def _employ(self, take: Take) -> list[_Worker]:
        """Give every free worker a training, starting workers as needed, and return those that train."""
        free = [worker for worker in self._workers if not worker.tasks]
        while free or self._unused:
            group = take(free[0].arm if free else "")
            if group is None:
                break
            if not free:
                free = [_Worker(self._context, self._unused.pop(0))]
                self._workers += free
            free.pop(0).take(group)
        return [worker for worker in self._workers if worker.tasks]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.stop()
            self._unused.append(worker.device)
        self._workers.clear()


def _tell(events: Sequence[Event], on_event: Callable[[Event], None]) -> None:
    for event in events:
        on_event(event)


class _Worker:
    """One process on ``device``, and the parent's end of its pipe."""

    def __init__(self, context: Any, device: str) -> None:
        self.device = device
        self.tasks: Group = ()
        self.arm = ""
        self.alive = True
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, device), daemon=True)
        with workers_hear_no_signals():
            self._process.start()
        theirs.close()

    def take(self, tasks: Group) -> None:
        self.tasks = placed(tasks, self.device)
        self.arm = tasks[0].arm
        try:
            self.pipe.send(self.tasks)
        except OSError:
            # The worker died while idle; receive() reports it for this task.
            return

    def receive(self) -> list[Event]:
        """Return the worker's next event of each of its tasks; a Failed if the worker died."""
        tasks = self.tasks
        try:
            kind, content = self.pipe.recv()
        except (EOFError, OSError):
            self.tasks, self.alive = (), False
            self._process.join()
            error = (
                f"exited unexpectedly (exit code {self._process.exitcode}); exit code -9 usually means out of memory: "
                "try fewer --workers or a smaller train.batch_size"
            )
            return [Failed(task, f"the worker process of {task.key} {error}", "") for task in tasks]
        if kind == "started":
            return [Started(task) for task in tasks]
        if kind == "epoch":
            return [Epoch(task, row) for task, row in zip(tasks, content, strict=True)]
        self.tasks = ()
        if kind == "finished":
            return [Finished(task, result) for task, result in zip(tasks, content, strict=True)]
        return [Failed(task, *content) for task in tasks]

    def stop(self) -> None:
        self.pipe.close()
        # It reacts to no other signal, and has nothing to close.
        self._process.kill()
        self._process.join()


def _serve(pipe: Connection, device: str) -> None:
    """Train the tasks received through ``pipe`` on ``device`` until it closes."""
    from harness.training.loop import train_together

    guard_streams()
    use_device(device)

    def say(kind: str, content: object) -> None:
        try:
            pipe.send((kind, content))
        except OSError:
            # The parent has exited, so the result is not needed.
            raise SystemExit from None

    while True:
        try:
            tasks: Group = pipe.recv()
        except (EOFError, OSError):
            raise SystemExit from None
        try:
            say("started", None)
            results = train_together(tasks, lambda rows: say("epoch", rows))
        except Exception as error:
            say("failed", (failure_message(error, tasks[0]), traceback.format_exc()))
            release_memory()
        else:
            say("finished", results)


def local_executor(devices: Sequence[str]) -> Executor:
    """Return an executor with a worker process on each of ``devices``, where one may be named several times.

    A single worker on the CPU trains in this process, which takes the least memory; on a GPU in a separate one, so that
    the GPU stays busy while results are recorded.
    """
    if not devices:
        raise ValueError("devices must name the device of at least one worker, received none")
    return InProcessExecutor() if list(devices) == ["cpu"] else ProcessExecutor(devices)
