"""A Ray cluster of several nodes on this machine, for tests."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from harness.executors.events import Epoch, Event, Take
from harness.executors.ray.cluster import ray_library
from harness.executors.ray.executor import RayExecutor

if find_spec("ray") is None:
    pytest.skip("the extra ray is not installed", allow_module_level=True)

ROOT = Path(__file__).parents[1]


@contextmanager
def local_cluster(folder: Path) -> Iterator[Any]:
    """Start a cluster with a token in ``folder``, whose head trains nothing; nodes are added by :func:`add_node`."""
    (folder / "token").write_text("0123456789abcdef" * 4)
    os.environ["RAY_AUTH_TOKEN_PATH"] = str(folder / "token")
    ray_library(loopback=True)
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    try:
        yield made
    finally:
        made.shutdown()
        del os.environ["RAY_AUTH_TOKEN_PATH"]


def add_node(cluster: Any, sources: Path = ROOT, cores: int = 1, gpus: int = 0) -> Any:
    """Add a node that imports the harness from ``sources``, with room for one training; GPUs need not exist."""
    return cluster.add_node(num_cpus=cores, num_gpus=gpus, env_vars={"PYTHONPATH": str(sources)})


class Complete(RayExecutor):
    """Trains nothing before every worker is ready."""

    def _look_for_nodes(self) -> None:
        super()._look_for_nodes()
        for worker in [worker for worker in self._workers if not worker.ready]:
            self._hear(worker, lambda _: None)


class Killing(RayExecutor):
    """Kills a node that trains, as by a power failure, after ``after`` epochs.

    Parameters
    ----------
    cluster, nodes
        The cluster and its nodes.
    cache
        Folder of features on the nodes.
    after
        Number of epochs.
    """

    def __init__(self, cluster: Any, nodes: list[Any], cache: Path, after: int) -> None:
        super().__init__(["cpu"], cluster.address, None, 1, cache)
        self.killed: list[str] = []
        self._killable, self._nodes, self._left = cluster, nodes, after

    def run(self, take: Take, on_event: Callable[[Event], None]) -> None:
        def look(event: Event) -> None:
            on_event(event)
            self._left -= isinstance(event, Epoch)
            if self._left <= 0 and not self.killed:
                busy = {worker.node.id for worker in self._workers if worker.training is not None}
                victim = next(node for node in self._nodes if node.node_id in busy)
                self.killed.append(victim.node_id)
                self._nodes.remove(victim)
                self._killable.remove_node(victim, allow_graceful=False)

        super().run(take, look)
