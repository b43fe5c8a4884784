"""The actor that trains: one process of a node, which trains one group of tasks at a time."""

from __future__ import annotations

import os
import queue
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import platformdirs

from harness.errors import HarnessError
from harness.executors.events import Group
from harness.executors.failures import failure_message
from harness.executors.gpu_memory import Measure
from harness.executors.node_files import Content, NodeFiles, missing_code
from harness.executors.ray.cluster import ray_library
from harness.executors.ray.cluster_conditions import conditions
from harness.executors.worker import ENDS, train

_NODE_CACHE = "HARNESS_NODE_CACHE"


class Trainer:
    """The actor.

    Parameters
    ----------
    cache
        Folder of features; None for that of the user who runs Ray here.
    measure
        Measures the memory of a training, if its GPU is shared.
    """

    def __init__(self, cache: str | None, measure: Measure | None = None) -> None:
        self._measure = measure
        default = Path(platformdirs.user_cache_dir("harness")) / "features"
        self._files = NodeFiles(Path(os.environ.get(_NODE_CACHE) or cache or default))

    def conditions(self) -> tuple[dict[str, str], tuple[str, ...]]:
        """Return what must be the same on all machines, and the GPUs that Ray has given to this process."""
        given = ray_library().get_runtime_context().get_accelerator_ids()["GPU"]
        return conditions(), tuple(map(str, given))

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
        yield from _trained(local, self._measure)


def _trained(tasks: Group, measure: Measure | None) -> Iterator[tuple[str, Any]]:
    """Train ``tasks`` in a thread, since epochs are reported while the next one trains."""
    sent: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
    thread = threading.Thread(
        target=train, args=(tasks, lambda kind, content: sent.put((kind, content)), measure), daemon=True
    )
    thread.start()
    kind = ""
    while kind not in ENDS:
        kind, content = sent.get()
        yield kind, content
    thread.join()
