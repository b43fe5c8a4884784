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

from harness.devices import release_memory
from harness.errors import HarnessError
from harness.executors.events import Group
from harness.executors.failures import failure_message
from harness.executors.node_files import Content, NodeFiles, missing_code
from harness.executors.ray.cluster import ray_library
from harness.executors.ray.conditions import conditions
from harness.training.task import FoldTask

_NODE_CACHE = "HARNESS_NODE_CACHE"


class Trainer:
    """The actor.

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
