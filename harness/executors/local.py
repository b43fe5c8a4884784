"""Fold tasks on this machine: in this process, or in worker processes that take tasks one by one."""

from __future__ import annotations

import multiprocessing
import traceback
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any, Self

from harness.executors.events import Epoch, Event, Failed, Finished, Started
from harness.executors.failures import failure_message, release_memory
from harness.interrupt import workers_hear_no_ctrl_c
from harness.training.task import FoldTask


class InProcessExecutor:
    """Runs tasks one after another in the calling process."""

    def run(self, tasks: Sequence[FoldTask], on_event: Callable[[Event], bool]) -> None:
        """Run ``tasks`` in order; see :class:`harness.executors.events.Executor`."""
        from harness.training.loop import train_fold

        for task in tasks:

            def tell(row: dict[str, float], task: FoldTask = task) -> None:
                if not on_event(Epoch(task, row)):
                    raise _DroppedError

            if not on_event(Started(task)):
                return
            try:
                result = train_fold(task, tell)
            except _DroppedError:
                return
            except Exception as error:
                event: Event = Failed(task, failure_message(error, task), traceback.format_exc())
                release_memory()
            else:
                event = Finished(task, result)
            if not on_event(event):
                return

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None


class ProcessExecutor:
    """Runs tasks in ``workers`` processes of this machine, kept from one call of :meth:`run` to the next.

    Each worker has a pipe of its own, so a worker that dies takes only its task with it: the task is told as failed
    and another worker takes its place.
    """

    def __init__(self, workers: int) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._workers: list[_Worker] = []
        self._wanted = workers

    def run(self, tasks: Sequence[FoldTask], on_event: Callable[[Event], bool]) -> None:
        """Run ``tasks``; see :class:`harness.executors.events.Executor`."""
        waiting = list(tasks)
        while len(self._workers) < min(self._wanted, len(waiting)):
            self._workers.append(_Worker(self._context))
        while True:
            for worker in self._workers:
                if worker.task is None and waiting:
                    worker.take(waiting.pop(0))
            busy = [worker for worker in self._workers if worker.task is not None]
            if not busy:
                return
            ready = wait([worker.pipe for worker in busy])
            for worker in busy:
                if worker.pipe not in ready:
                    continue
                event = worker.receive()
                if not worker.alive:
                    self._workers[self._workers.index(worker)] = _Worker(self._context)
                elif worker.task is None and waiting:
                    # It trains on while the caller writes down what it did.
                    worker.take(waiting.pop(0))
                if not on_event(event):
                    self._drop()
                    return

    def _drop(self) -> None:
        """Let busy workers abandon their tasks at the end of the epoch they are in, and swallow what they still say."""
        for worker in [worker for worker in self._workers if worker.task is not None]:
            worker.drop()
            while worker.task is not None:
                worker.receive()
            if not worker.alive:
                self._workers.remove(worker)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.stop()
        self._workers.clear()


class _DroppedError(Exception):
    """The caller no longer wants the task."""


class _Worker:
    """One process and the parent's end of its pipe."""

    def __init__(self, context: Any) -> None:
        self.task: FoldTask | None = None
        self.alive = True
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        with workers_hear_no_ctrl_c():
            self._process.start()
        theirs.close()

    def take(self, task: FoldTask) -> None:
        self.task = task
        try:
            self.pipe.send(task)
        except OSError:
            # The worker died while idle; receive() will say so of this task.
            return

    def drop(self) -> None:
        try:
            self.pipe.send(None)
        except OSError:
            return

    def receive(self) -> Event:
        """Return the worker's next event; a worker that died yields a Failed."""
        assert self.task is not None
        try:
            kind, content = self.pipe.recv()
        except (EOFError, OSError):
            task, self.task, self.alive = self.task, None, False
            self._process.join()
            return Failed(
                task,
                f"the worker process of {task.key} ended without a word (exit code {self._process.exitcode}); "
                "exit code -9 usually means that memory ran out: try fewer --workers or a smaller train.batch_size",
                "",
            )
        task = self.task
        if kind == "started":
            return Started(task)
        if kind == "epoch":
            return Epoch(task, content)
        self.task = None
        return Finished(task, content) if kind == "finished" else Failed(task, *content)

    def stop(self) -> None:
        self.pipe.close()
        self._process.terminate()
        self._process.join(10)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _serve(pipe: Connection) -> None:
    """Train what comes through ``pipe`` until it closes. A None between tasks' ends means: drop the current one."""
    from harness.training.loop import train_fold

    def hear() -> FoldTask | None:
        try:
            task: FoldTask | None = pipe.recv()
        except (EOFError, OSError):
            # The parent is gone, and with it everybody who wanted the result.
            raise SystemExit from None
        return task

    def say(kind: str, content: object) -> None:
        try:
            pipe.send((kind, content))
        except OSError:
            raise SystemExit from None

    def tell(row: dict[str, float]) -> None:
        if pipe.poll():
            hear()
            raise _DroppedError
        say("epoch", row)

    while True:
        task = hear()
        if task is None:
            # The drop order crossed the end of its task on the way.
            continue
        try:
            say("started", None)
            result = train_fold(task, tell)
        except _DroppedError:
            say("failed", ("dropped", ""))
        except Exception as error:
            say("failed", (failure_message(error, task), traceback.format_exc()))
            release_memory()
        else:
            say("finished", result)


def local_executor(workers: int, device: str = "cpu") -> InProcessExecutor | ProcessExecutor:
    """Return an executor with ``workers`` processes.

    One worker trains in this process, which takes the least memory; on a GPU in one of its own, so that the GPU goes on
    while results are written down.
    """
    if workers < 1:
        raise ValueError(f"workers must be at least 1, received {workers}")
    return InProcessExecutor() if workers == 1 and device == "cpu" else ProcessExecutor(workers)
