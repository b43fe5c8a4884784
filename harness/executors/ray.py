"""Fold tasks on a Ray cluster: one actor for each training at a time, on every node that the driver can use.

The driver alone takes tasks, records and decides; Ray starts processes and carries tasks and results. Ray exchanges
pickles within its cluster, the stated exception to the rule that nothing is unpickled; therefore the cluster is one of
this program's own, on the loopback address, or one whose address is given, with a token that each process must have.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import logging
import os
import platform
import queue
import re
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import platformdirs

from harness.devices import device_kind, release_memory
from harness.errors import HarnessError, TrainingError
from harness.executors.events import Epoch, Event, Failed, Finished, Group, Started, Take
from harness.executors.failures import failure_message
from harness.executors.node_files import Content, Contents, NodeFiles, missing_code
from harness.training.task import FoldTask, placed

# Before Ray is imported: it reads them once.
_ENVIRONMENT = {
    "RAY_AUTH_MODE": "token",
    "RAY_USAGE_STATS_ENABLED": "0",
    # `uv run` would otherwise resolve the environment again in every worker.
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DEDUP_LOGS": "0",
}
_NODE_CACHE = "HARNESS_NODE_CACHE"
_ATTEMPTS = 4
_LOOK_AGAIN = 5.0
_ADDRESS = re.compile(r"(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):(\d{1,5})")

_logger = logging.getLogger(__name__)


def ray_library(*, loopback: bool = False) -> Any:
    """Return the module ``ray``, with its environment set; ``loopback`` keeps a cluster of this process to itself.

    Raises
    ------
    TrainingError
        When it is not installed.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if loopback:
        # What Ray does by itself only on Windows and macOS: all its servers listen on 127.0.0.1.
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    # A cluster that somebody's environment names is never joined.
    os.environ.pop("RAY_ADDRESS", None)
    try:
        import ray
    except ImportError:
        raise TrainingError(
            "--executor ray: Ray is not installed; install it with: pip install 'harness[ray]'"
        ) from None
    return ray


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
    if address is not None and _ADDRESS.fullmatch(address) is None:
        raise TrainingError(f"--address {address}: expected HOST:PORT of a running Ray cluster, such as 10.0.0.1:6379")
    number = workers or (len(devices) if address is None else None)
    return RayExecutor(device_kind(devices[0]), address, number, threads, cache)


class RayExecutor:
    """Runs tasks on the nodes of a Ray cluster.

    A node that dies loses its trainings, which run again elsewhere with the same results; a node that joins is used. A
    node with another version of the harness, torch or Python, or without the user's own code, is refused by name.

    Parameters
    ----------
    kind
        ``"cpu"`` or ``"cuda"``.
    address, workers, threads, cache
        As in :func:`ray_executor`.
    """

    def __init__(self, kind: str, address: str | None, workers: int | None, threads: int, cache: Path | None) -> None:
        self._ray = ray_library(loopback=address is None)
        self._kind = kind
        self._address = address
        self._workers = workers
        self._threads = threads
        self._cache = str(cache) if cache is not None else None
        self._folder: Path | None = None
        self._hands: list[_Hand] = []
        self._refused: dict[str, str] = {}
        self._again: list[_Work] = []
        self._contents = Contents()
        self._stored: dict[Content, Any] = {}
        self._own = conditions()
        self._looked = 0.0

    @property
    def capacity(self) -> int:
        """How many trainings the cluster has room for now, at most as many as were asked for."""
        room = sum(self._room_on(node) for node in self._ray.nodes() if node["Alive"])
        return room if self._workers is None else min(room, self._workers)

    def __enter__(self) -> Self:
        ray = self._ray
        given = {"logging_level": logging.ERROR, "log_to_driver": False, "configure_logging": False}
        handler = signal.getsignal(signal.SIGTERM)
        try:
            if self._address is None:
                _use_own_token()
                # Paths of sockets below it must stay under 107 bytes.
                self._folder = Path(tempfile.mkdtemp(prefix="hray-", dir="/tmp" if os.name == "posix" else None))
                ray.init(
                    address="local",
                    num_cpus=max(self._threads * (self._workers or 1), 1),
                    num_gpus=0 if self._kind == "cpu" else None,
                    include_dashboard=False,
                    _node_ip_address="127.0.0.1",
                    _temp_dir=str(self._folder),
                    **given,
                )
            else:
                _require_token()
                _require_answer(self._address)
                ray.init(address=self._address, **given)
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            raise TrainingError(
                f"--executor ray: cannot {'start a cluster' if self._address is None else f'join {self._address}'}: "
                f"{str(error).strip().splitlines()[0]}"
            ) from error
        finally:
            # Ray ends the process on SIGTERM; ours closes what is open first.
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, handler)
        return self

    def __exit__(self, *_: object) -> None:
        for hand in self._hands:
            with suppress(Exception):
                self._ray.kill(hand.actor)
        self._hands.clear()
        self._stored.clear()
        self._ray.shutdown()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def run(self, take: Take, on_event: Callable[[Event], None]) -> None:
        """Run what ``take`` gives; see :class:`harness.executors.events.Executor`.

        Raises
        ------
        TrainingError
            When no node is left, or none may be used.
        """
        ray = self._ray
        while True:
            self._look_for_nodes()
            idle = False
            for hand in self._hands:
                if hand.ready and hand.work is None:
                    work = self._again.pop(0) if self._again else self._taken(take(hand.arm))
                    if work is None:
                        idle = True
                        break
                    self._begin(hand, work)
            waiting = {hand.pending: hand for hand in self._hands if hand.pending is not None}
            if not waiting or (idle and all(hand.work is None for hand in self._hands)):
                if idle:
                    return
                self._require_nodes()
                time.sleep(0.2)
                continue
            ready, _ = ray.wait(list(waiting), num_returns=1, timeout=_LOOK_AGAIN)
            for pending in ready:
                self._hear(waiting[pending], on_event)

    def _taken(self, group: Group | None) -> _Work | None:
        return None if group is None else _Work(placed(group, self._kind))

    def _begin(self, hand: _Hand, work: _Work) -> None:
        contents = self._contents.of(work.group)
        stored = {content: [self._stored[content]] for content in contents if content in self._stored}
        hand.work, hand.arm = work, work.group[0].arm
        hand.pending = hand.actor.train.remote(work.group, contents, stored)

    def _hear(self, hand: _Hand, on_event: Callable[[Event], None]) -> None:
        """Take the next message of ``hand``, or note that it has died."""
        ray = self._ray
        try:
            if hand.work is None:
                self._greet(hand, ray.get(hand.pending))
                return
            kind, content = ray.get(next(hand.pending))
        except StopIteration:
            hand.pending, hand.work = None, None
            return
        except ray.exceptions.RayError as error:
            self._bury(hand, error, on_event)
            return
        work = hand.work
        if kind == "refused":
            self._refuse(hand, content)
            self._again.append(work)
        elif kind == "lacks":
            for each in content:
                if each not in self._stored:
                    self._stored[each] = ray.put(Path(each.path).read_bytes())
            self._begin(hand, work)
        else:
            if kind in ("finished", "failed"):
                hand.pending, hand.work = None, None
            for event in work.events(kind, content):
                on_event(event)

    def _greet(self, hand: _Hand, found: dict[str, str]) -> None:
        differs = [f"{name} {found[name]}, here {mine}" for name, mine in self._own.items() if found[name] != mine]
        if differs:
            self._refuse(hand, f"it has {'; '.join(differs)}: install the same versions there")
        else:
            hand.pending, hand.ready = None, True

    def _bury(self, hand: _Hand, error: Exception, on_event: Callable[[Event], None]) -> None:
        """Forget a worker that has died; its training begins again elsewhere, unless it has killed several."""
        self._hands.remove(hand)
        self._looked = 0.0
        work = hand.work
        if work is None:
            reason = str(error).strip().splitlines()[-1]
            _logger.warning("node %s: no worker could be started: %s", hand.name, reason)
            if "ModuleNotFoundError" in str(error):
                self._refused[hand.node] = f"node {hand.name} is not used: {reason}; install the harness there"
            return
        work.attempts += 1
        if work.attempts < _ATTEMPTS:
            _logger.warning("node %s: the worker of %s died; it runs again", hand.name, work.group[0].key)
            self._again.append(work)
            return
        message = (
            f"the worker process of {{}} died {_ATTEMPTS} times, last on node {hand.name}, which usually means out of "
            "memory: try fewer --workers or a smaller train.batch_size"
        )
        for task in work.group:
            on_event(Failed(task, message.format(task.key), str(error)))

    def _refuse(self, hand: _Hand, reason: str) -> None:
        self._refused[hand.node] = f"node {hand.name} is not used: {reason}"
        _logger.warning("%s", self._refused[hand.node])
        for each in [each for each in self._hands if each.node == hand.node]:
            with suppress(Exception):
                self._ray.kill(each.actor)
            self._hands.remove(each)
            if each is not hand and each.work is not None:
                self._again.append(each.work)

    def _look_for_nodes(self) -> None:
        """Start workers on nodes that have room, up to the number that was asked for."""
        if time.monotonic() - self._looked < _LOOK_AGAIN:
            return
        self._looked = time.monotonic()
        for node in self._ray.nodes():
            if not node["Alive"] or node["NodeID"] in self._refused:
                continue
            here = sum(hand.node == node["NodeID"] for hand in self._hands)
            for _ in range(self._room_on(node) - here):
                if self._workers is not None and len(self._hands) >= self._workers:
                    return
                self._hands.append(self._hire(node["NodeID"], node["NodeManagerHostname"]))

    def _room_on(self, node: dict[str, Any]) -> int:
        resources = node["Resources"]
        return int(resources.get("GPU", 0) if self._kind == "cuda" else resources.get("CPU", 0) // self._threads)

    def _hire(self, node: str, name: str) -> _Hand:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        actor = (
            self._ray.remote(Trainer)
            .options(
                num_cpus=self._threads,
                num_gpus=1 if self._kind == "cuda" else 0,
                scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False),
                max_restarts=0,
            )
            .remote(self._cache)
        )
        return _Hand(actor, node, f"{name} ({node[:8]})", pending=actor.conditions.remote())

    def _require_nodes(self) -> None:
        """Raise TrainingError when no node may be used and none can be expected."""
        if self._hands:
            return
        alive = [node["NodeID"] for node in self._ray.nodes() if node["Alive"]]
        if not [node for node in alive if node not in self._refused]:
            reasons = "; ".join(self._refused.values()) or "the cluster has no node"
            raise TrainingError(f"--executor ray: no node can train: {reasons}")


@dataclass(eq=False)
class _Hand:
    """A worker: its actor and node, what is awaited from it, and what it trains."""

    actor: Any
    node: str
    name: str
    pending: Any = None
    ready: bool = False
    work: _Work | None = None
    arm: str = ""


@dataclass(eq=False)
class _Work:
    """A training, and what has been reported of it: a repetition reports only what is new."""

    group: Group
    attempts: int = 0
    started: bool = False
    epochs: int = 0
    repeated: int = field(default=0, init=False)

    def events(self, kind: str, content: Any) -> list[Event]:
        if kind == "started":
            new = not self.started
            self.started, self.repeated = True, 0
            return [Started(task) for task in self.group] if new else []
        if kind == "epoch":
            self.repeated += 1
            if self.repeated <= self.epochs:
                return []
            self.epochs = self.repeated
            return [Epoch(task, row) for task, row in zip(self.group, content, strict=True)]
        if kind == "finished":
            return [Finished(task, result) for task, result in zip(self.group, content, strict=True)]
        return [Failed(task, *content) for task in self.group]


class Trainer:
    """The actor: one process of a node, which trains one group of tasks at a time.

    Parameters
    ----------
    cache
        Folder of features; None for that of the user who runs Ray here.
    """

    def __init__(self, cache: str | None) -> None:
        default = Path(platformdirs.user_cache_dir("harness")) / "features"
        self._files = NodeFiles(Path(os.environ.get(_NODE_CACHE) or cache or default))

    def conditions(self) -> dict[str, str]:
        """Return what must be the same on all machines."""
        return conditions()

    def train(
        self, tasks: Group, contents: tuple[Content, ...], stored: dict[Content, list[Any]]
    ) -> Iterator[tuple[str, Any]]:
        """Train ``tasks``, and yield the steps: a kind and its content.

        Parameters
        ----------
        tasks
            Tasks of one trajectory.
        contents
            The files that they need.
        stored
            Those that are in Ray's object store, each a reference in a list, so that only those that are missing here
            are fetched.
        """
        if reason := missing_code(tasks[0].code):
            yield "refused", reason
            return
        lacking = [content for content in contents if self._files.find(content) is None]
        if absent := [content for content in lacking if content not in stored]:
            yield "lacks", absent
            return
        try:
            for content in lacking:
                self._files.receive(content, ray_library().get(stored[content][0]))
            local = self._files.localised(tasks, contents)
        except (HarnessError, OSError) as error:
            yield "failed", (failure_message(error, tasks[0]), traceback.format_exc())
            return
        yield from _trained(local)


def _trained(tasks: tuple[FoldTask, ...]) -> Iterator[tuple[str, Any]]:
    """Train ``tasks`` in a thread, since epochs are reported while the next one trains."""
    from harness.training.loop import train_together

    said: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()

    def work() -> None:
        try:
            results = train_together(tasks, lambda rows: said.put(("epoch", rows)))
        except Exception as error:
            said.put(("failed", (failure_message(error, tasks[0]), traceback.format_exc())))
            release_memory()
        else:
            said.put(("finished", results))

    yield "started", None
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    kind = ""
    while kind not in ("finished", "failed"):
        kind, content = said.get()
        yield kind, content
    thread.join()


def conditions() -> dict[str, str]:
    """Return the versions that the nodes of a cluster must share, by name."""
    import torch

    root = Path(__file__).parents[1]
    sources = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        sources.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return {
        "Python": f"{sys.version_info[0]}.{sys.version_info[1]}",
        "torch": torch.__version__,
        "numpy": importlib.metadata.version("numpy"),
        "harness": f"{importlib.metadata.version('harness')} (sources {sources.hexdigest()[:12]})",
        "machine": platform.machine(),
    }


def _use_own_token() -> None:
    """Use a token of this process for a cluster of its own."""
    if os.environ["RAY_AUTH_MODE"] == "token" and not _has_token():
        import secrets

        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)


def _require_token() -> None:
    if os.environ["RAY_AUTH_MODE"] == "token" and not _has_token():
        raise TrainingError(
            "--executor ray: there is no token for the cluster; write the one that it was started with to "
            "~/.ray/auth_token (ray get-auth-token --generate makes one), or name its file in RAY_AUTH_TOKEN_PATH"
        )


def _require_answer(address: str) -> None:
    """Raise TrainingError when nothing listens at ``address``; Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()
    except (OSError, OverflowError) as error:
        raise TrainingError(
            f"--address {address}: nothing answers there ({error}); start the cluster (ray start --head), and use the "
            "address that it prints"
        ) from None


def _has_token() -> bool:
    named = os.environ.get("RAY_AUTH_TOKEN") or os.environ.get("RAY_AUTH_TOKEN_PATH")
    return bool(named) or (Path.home() / ".ray" / "auth_token").is_file()
