"""Fold tasks on this machine: in this process, or in worker processes that take them one by one.

Tasks that differ only in how a training is evaluated share it (:func:`harness.training.task.trajectories`); each has
its own events.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any, NamedTuple, Self

from harness.devices import device_kind, use_device
from harness.executors.events import Event, Executor, Group, Take
from harness.executors.gpu_memory import Measure, MemoryUse, measure_gpu
from harness.executors.packing import Packing
from harness.executors.training import Training
from harness.executors.worker import ENDS, OUT_OF_MEMORY, train
from harness.terminal.interrupt import workers_hear_no_signals
from harness.terminal.printing import guard_streams
from harness.terminal.worker_processes import worker_context
from harness.training.task import placed


class InProcessExecutor:
    """Runs tasks one after another in the calling process."""

    capacity = 1

    def run(self, take: Take, on_event: Callable[[Event], None]) -> None:
        """Run what ``take`` gives; see :class:`harness.executors.events.Executor`."""
        arm = ""
        while (group := take(arm)) is not None:
            arm = group[0].arm
            training = Training(placed(group, "cpu"))
            train(
                training.group,
                lambda kind, content, training=training: _tell(training.events(kind, content), on_event),  # type: ignore[misc]
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None


class ProcessExecutor:
    """Runs tasks in processes of this machine, one for each of ``devices``, which persist between calls of :meth:`run`.

    Each worker has its own pipe, so a worker that dies affects only its task: the task is reported as failed and
    another worker takes its place.

    Parameters
    ----------
    devices
        The device of each worker.
    gpus
        For each worker, the GPU of which it has a share: those of one GPU train at the same time as far as its memory
        suffices (:mod:`harness.executors.packing`). None if nothing is shared.
    measure
        Measures the memory of a training on a shared GPU.
    """

    def __init__(
        self, devices: Sequence[str], gpus: Sequence[Hashable] | None = None, measure: Measure = measure_gpu
    ) -> None:
        self._measure = measure if gpus is not None else None
        self._packing = Packing()
        self._workers: list[_Worker] = []
        self._unused = [*map(_Place, devices, range(len(devices)) if gpus is None else gpus)]
        self._waiting: list[Training] = []
        self.capacity = len(devices)

    def run(self, take: Take, on_event: Callable[[Event], None]) -> None:
        """Run what ``take`` gives; see :class:`harness.executors.events.Executor`."""
        while busy := self._employ(take):
            ready = wait([worker.pipe for worker in busy])
            events = [event for worker in busy if worker.pipe in ready for event in self._hear(worker)]
            # Workers continue to train while the caller records their results.
            self._employ(take)
            _tell(events, on_event)

    def _employ(self, take: Take) -> list[_Worker]:
        """Give every free worker a training, starting workers as needed, and return those that train."""
        while True:
            free = [worker for worker in self._workers if worker.training is None]
            if not free and not self._unused:
                break
            training = self._waiting.pop(0) if self._waiting else _taken(take(free[0].arm if free else ""))
            if training is None:
                break
            places = [*(worker.place for worker in free), *self._unused]
            chosen = self._packing.choose([place.gpu for place in places], training.kind)
            if chosen is None:
                # It is the most urgent one, so it does not wait behind others for memory.
                self._waiting.insert(0, training)
                break
            if chosen < len(free):
                worker = free[chosen]
            else:
                # A signal that arrives here is handled when the worker is known, so that it is stopped.
                with workers_hear_no_signals():
                    worker = _Worker(self._unused.pop(chosen - len(free)), self._measure)
                    self._workers.append(worker)
            self._packing.begin(worker.place.gpu, training, training.kind)
            worker.take(training)
        return [worker for worker in self._workers if worker.training is not None]

    def _hear(self, worker: _Worker) -> list[Event]:
        """Return the events of the worker's next message."""
        training = worker.training
        if training is None:
            return []
        kind, content = worker.receive()
        if kind in ENDS:
            worker.training = None
            again = self._packing.end(worker.place.gpu, training, worker.use, out_of_memory=kind == OUT_OF_MEMORY)
            if not worker.alive:
                self._workers.remove(worker)
                self._unused.insert(0, worker.place)
            if again:
                self._waiting.append(training)
                return []
        return training.events(kind, content)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.stop()
            self._unused.append(worker.place)
            if worker.training is not None:
                self._packing.end(worker.place.gpu, worker.training)
        self._workers.clear()


def _taken(group: Group | None) -> Training | None:
    return None if group is None else Training(group)


def _tell(events: Sequence[Event], on_event: Callable[[Event], None]) -> None:
    for event in events:
        on_event(event)


class _Place(NamedTuple):
    device: str
    gpu: Hashable


class _Worker:
    """One process at ``place``, and the parent's end of its pipe; made while signals are blocked."""

    def __init__(self, place: _Place, measure: Measure | None) -> None:
        self.place = place
        self.training: Training | None = None
        self.use: MemoryUse | None = None
        self.arm = ""
        self.alive = True
        context = worker_context(place.device)
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, place.device, measure), daemon=True)
        self._process.start()
        theirs.close()

    def take(self, training: Training) -> None:
        training.group = placed(training.group, self.place.device)
        self.training, self.use = training, None
        self.arm = training.group[0].arm
        try:
            self.pipe.send(training.group)
        except OSError:
            # The worker died while idle; receive() reports it for this task.
            return

    def receive(self) -> tuple[str, Any]:
        """Return the worker's next message; that it failed if it died."""
        try:
            kind, content = self.pipe.recv()
        except (EOFError, OSError):
            self.alive = False
            self._process.join()
            error = (
                f"the worker process exited unexpectedly (exit code {self._process.exitcode}); exit code -9 usually "
                "means out of memory: try fewer --workers or a smaller train.batch_size"
            )
            return "failed", (error, "")
        if kind == "used":
            self.use = content
        return kind, content

    def stop(self) -> None:
        self.pipe.close()
        # It reacts to no other signal, and has nothing to close.
        self._process.kill()
        self._process.join()


def _serve(pipe: Connection, device: str, measure: Measure | None) -> None:
    """Train the tasks received through ``pipe`` on ``device`` until it closes."""
    guard_streams()
    use_device(device)

    def send(kind: str, content: object) -> None:
        try:
            pipe.send((kind, content))
        except OSError:
            # The parent has exited, so the result is not needed.
            raise SystemExit from None

    while True:
        try:
            tasks = pipe.recv()
        except (EOFError, OSError):
            raise SystemExit from None
        train(tasks, send, measure)


def local_executor(devices: Sequence[str]) -> Executor:
    """Return an executor with a worker process on each of ``devices``, where one may be named several times.

    A single worker on the CPU trains in this process, which takes the least memory; on a GPU in a separate one, so that
    the GPU stays busy while results are recorded. A GPU that is named several times is shared.
    """
    if not devices:
        raise ValueError("devices must name the device of at least one worker, received none")
    if list(devices) == ["cpu"]:
        return InProcessExecutor()
    shared = device_kind(devices[0]) == "cuda" and len(set(devices)) < len(devices)
    return ProcessExecutor(devices, devices if shared else None)
