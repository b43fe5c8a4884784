"""Runs trainings on the nodes of a Ray cluster: one actor for each at a time, on every node that has room."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from harness.devices import device_kind
from harness.errors import TrainingError
from harness.executors.events import Event, Failed, Group, Take
from harness.executors.gpu_memory import Measure, MemoryUse, measure_gpu
from harness.executors.node_files import Content, Contents
from harness.executors.packing import Packing
from harness.executors.ray.cluster import Cluster, Node
from harness.executors.ray.cluster_conditions import conditions, difference
from harness.executors.ray.trainer import Trainer
from harness.executors.training import Training
from harness.executors.worker import ENDS, OUT_OF_MEMORY
from harness.training.task import placed

_ATTEMPTS = 4
_LOOK_AGAIN = 5.0
_PATIENCE = 60.0

_logger = logging.getLogger(__name__)


def ray_executor(
    devices: Sequence[str], *, address: str | None, workers: int | None, threads: int, cache: Path | None
) -> RayExecutor:
    """Return an executor on a Ray cluster.

    Parameters
    ----------
    devices
        Device of each worker of this machine, whose kind is that of the trainings.
    address
        ``HOST:PORT`` of a running cluster; None to start one on this machine alone.
    workers
        The most trainings at once; None for as many as the cluster has room for.
    threads
        CPU threads of a training.
    cache
        Folder of features, on every node; None for the cache of the user who runs Ray there.

    Raises
    ------
    TrainingError
        When Ray is not installed, or the address or the token is missing or wrong.
    """
    number = workers or (len(devices) if address is None else None)
    return RayExecutor(devices, address, number, threads, cache)


class RayExecutor:
    """Runs tasks on the nodes of a Ray cluster.

    With more workers than GPUs, trainings share GPUs as far as their memory suffices
    (:mod:`harness.executors.packing`). A node that dies loses its trainings, which run again elsewhere with the same
    results; a node that joins is used. A node with another version of the harness, torch or Python, or without the
    user's own code, is refused by name.

    Parameters
    ----------
    devices, address, workers, threads, cache
        As in :func:`ray_executor`.
    """

    def __init__(
        self, devices: Sequence[str], address: str | None, workers: int | None, threads: int, cache: Path | None
    ) -> None:
        self._kind = kind = device_kind(devices[0])
        # Ray shows a process only the GPU that it has given to it.
        self._device = kind
        gpus = tuple(dict.fromkeys(devices)) if kind == "cuda" else ()
        self._cluster = Cluster(address, max(threads * (workers or 1), 1), gpus)
        self._ray = self._cluster.ray
        self._most = workers
        self._threads = threads
        self._cache = str(cache) if cache is not None else None
        self._workers: list[_Worker] = []
        self._refused: dict[str, str] = {}
        self._waiting: list[Training] = []
        self._packing = Packing()
        self._measure: Measure = measure_gpu
        # How many trainings share a GPU at most.
        self._share = 1
        self._contents = Contents()
        self._stored: dict[Content, Any] = {}
        self._own = conditions()
        self._looked = 0.0
        self._had_workers = 0.0

    @property
    def capacity(self) -> int:
        """How many trainings the cluster has room for now, at most as many as were asked for."""
        room = sum(map(self._room_on, self._cluster.nodes()))
        return room if self._most is None else min(room, self._most)

    def __enter__(self) -> Self:
        self._cluster.__enter__()
        gpus = sum(node.gpus for node in self._cluster.nodes())
        if self._kind == "cuda" and self._most is not None and gpus:
            self._share = max(1, math.ceil(self._most / gpus))
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            self._end(worker)
        self._workers.clear()
        self._stored.clear()
        self._cluster.__exit__()

    def run(self, take: Take, on_event: Callable[[Event], None]) -> None:
        """Run what ``take`` gives; see :class:`harness.executors.events.Executor`.

        Raises
        ------
        TrainingError
            When no node is left, or none may be used.
        """
        self._had_workers = time.monotonic()
        while True:
            self._look_for_nodes()
            idle = False
            while free := [worker for worker in self._workers if worker.ready and worker.training is None]:
                training = self._waiting.pop(0) if self._waiting else self._taken(take(free[0].arm))
                if training is None:
                    idle = True
                    break
                chosen = self._packing.choose([worker.gpu for worker in free], training.kind)
                if chosen is None:
                    self._waiting.insert(0, training)
                    break
                self._packing.begin(free[chosen].gpu, training, training.kind)
                self._begin(free[chosen], training)
            waiting = {worker.pending: worker for worker in self._workers if worker.pending is not None}
            if not waiting or (idle and all(worker.training is None for worker in self._workers)):
                if idle:
                    return
                self._require_nodes()
                time.sleep(0.2)
                continue
            ready, _ = self._ray.wait(list(waiting), num_returns=1, timeout=_LOOK_AGAIN)
            for pending in ready:
                self._hear(waiting[pending], on_event)

    def _taken(self, group: Group | None) -> Training | None:
        return None if group is None else Training(placed(group, self._device))

    def _begin(self, worker: _Worker, training: Training) -> None:
        contents = self._contents.of(training.group)
        stored = {content: [self._stored[content]] for content in contents if content in self._stored}
        worker.training, worker.use, worker.arm = training, None, training.group[0].arm
        worker.pending = worker.actor.train.remote(training.group, contents, stored)

    def _hear(self, worker: _Worker, on_event: Callable[[Event], None]) -> None:
        """Take the next message of ``worker``, or note that it has died."""
        ray, training = self._ray, worker.training
        try:
            if training is None:
                self._greet(worker, *ray.get(worker.pending))
                return
            kind, content = ray.get(next(worker.pending))
        except StopIteration:
            worker.pending, worker.training = None, None
            return
        except ray.exceptions.RayError as error:
            self._bury(worker, error, on_event)
            return
        if kind == "refused":
            self._refuse(worker, content)
        elif kind == "lacks":
            for each in content:
                if each not in self._stored:
                    self._stored[each] = ray.put(Path(each.path).read_bytes())
            self._begin(worker, training)
        elif kind == "used":
            worker.use = content
        else:
            if kind in ENDS:
                worker.pending, worker.training = None, None
                if self._packing.end(worker.gpu, training, worker.use, out_of_memory=kind == OUT_OF_MEMORY):
                    self._waiting.append(training)
                    return
            for event in training.events(kind, content):
                on_event(event)

    def _greet(self, worker: _Worker, found: dict[str, str], gpus: tuple[str, ...]) -> None:
        if differs := difference(found, self._own):
            self._refuse(worker, differs)
            return
        worker.pending, worker.ready = None, True
        if self._share > 1:
            worker.gpu = (worker.node.id, gpus)

    def _bury(self, worker: _Worker, error: Exception, on_event: Callable[[Event], None]) -> None:
        """Forget a worker that has died; its training begins again elsewhere, unless it has killed several."""
        self._workers.remove(worker)
        self._looked = 0.0
        training = worker.training
        if training is None:
            reason = str(error).strip().splitlines()[-1]
            _logger.warning("node %s: no worker could be started: %s", worker.node.name, reason)
            if "ModuleNotFoundError" in str(error):
                self._refused[worker.node.id] = (
                    f"node {worker.node.name} is not used: {reason}; install the harness there"
                )
            return
        self._packing.end(worker.gpu, training)
        training.deaths += 1
        if training.deaths < _ATTEMPTS:
            key = training.group[0].key
            _logger.warning("node %s: the worker of %s died; it runs again", worker.node.name, key)
            self._waiting.append(training)
            return
        message = (
            f"the worker process of {{}} died {_ATTEMPTS} times, last on node {worker.node.name}, which usually means "
            "out of memory: try fewer --workers or a smaller train.batch_size"
        )
        for task in training.group:
            on_event(Failed(task, message.format(task.key), str(error)))

    def _refuse(self, worker: _Worker, reason: str) -> None:
        node = worker.node
        self._refused[node.id] = f"node {node.name} is not used: {reason}"
        _logger.warning("%s", self._refused[node.id])
        for each in [each for each in self._workers if each.node.id == node.id]:
            self._end(each)
            self._workers.remove(each)
            if each.training is not None:
                self._packing.end(each.gpu, each.training)
                self._waiting.append(each.training)

    def _end(self, worker: _Worker) -> None:
        with suppress(Exception):
            self._ray.kill(worker.actor)

    def _look_for_nodes(self) -> None:
        """Start workers on nodes that have room, up to the number that was asked for."""
        if time.monotonic() - self._looked < _LOOK_AGAIN:
            return
        self._looked = time.monotonic()
        if self._workers:
            self._had_workers = self._looked
        for node in self._cluster.nodes():
            if node.id in self._refused:
                continue
            here = sum(worker.node.id == node.id for worker in self._workers)
            for _ in range(self._room_on(node) - here):
                if self._most is not None and len(self._workers) >= self._most:
                    return
                self._workers.append(self._start_on(node))

    def _room_on(self, node: Node) -> int:
        trainings = int(node.cores // self._threads)
        return min(trainings, node.gpus * self._share) if self._kind == "cuda" else trainings

    def _start_on(self, node: Node) -> _Worker:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        actor = (
            self._ray.remote(Trainer)
            .options(
                num_cpus=self._threads,
                # Ray counts in ten-thousandths.
                num_gpus=10_000 // self._share / 10_000 if self._kind == "cuda" else 0,
                scheduling_strategy=NodeAffinitySchedulingStrategy(node.id, soft=False),
                max_restarts=0,
            )
            .remote(self._cache, self._measure if self._share > 1 else None)
        )
        return _Worker(actor, node, object(), pending=actor.conditions.remote())

    def _require_nodes(self) -> None:
        """Raise TrainingError when no node may be used and none can be expected."""
        with_room = [node for node in self._cluster.nodes() if self._room_on(node) and node.id not in self._refused]
        if self._workers or with_room:
            return
        # Another one may join in the place of a node that has died.
        if self._refused or time.monotonic() - self._had_workers > _PATIENCE:
            reasons = "; ".join(self._refused.values()) or "the cluster has no node with room for a training"
            raise TrainingError(f"--executor ray: no node can train: {reasons}")


@dataclass(eq=False)
class _Worker:
    """An actor and its node, what is awaited from it, and what it trains."""

    actor: Any
    node: Node
    gpu: Hashable
    pending: Any = None
    ready: bool = False
    training: Training | None = None
    use: MemoryUse | None = None
    arm: str = ""
