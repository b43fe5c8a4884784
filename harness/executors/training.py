"""A training that an executor is to run, which may have to begin more than once."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from harness.executors.events import Epoch, Event, Failed, Finished, Group, Started
from harness.executors.packing import memory_kind
from harness.executors.worker import OUT_OF_MEMORY


@dataclass(eq=False)
class Training:
    """A training of ``group``, and what has been reported of it: a repetition reports only what is new.

    Attributes
    ----------
    group
        Its tasks.
    deaths
        How often its worker has died.
    """

    group: Group
    deaths: int = 0

    @property
    def kind(self) -> Hashable:
        """Its kind by use of memory."""
        return memory_kind(self.group[0])

    _started: bool = field(default=False, init=False)
    _reported: int = field(default=0, init=False)
    _epochs: int = field(default=0, init=False)

    def events(self, kind: str, content: Any) -> list[Event]:
        """Return the events of a worker's message (:mod:`harness.executors.worker`), one for each task if any."""
        if kind == "started":
            new = not self._started
            self._started, self._epochs = True, 0
            return [Started(task) for task in self.group] if new else []
        if kind == "epoch":
            self._epochs += 1
            if self._epochs <= self._reported:
                return []
            self._reported = self._epochs
            return [Epoch(task, row) for task, row in zip(self.group, content, strict=True)]
        if kind == "finished":
            return [Finished(task, result) for task, result in zip(self.group, content, strict=True)]
        return [Failed(task, *content) for task in self.group] if kind in ("failed", OUT_OF_MEMORY) else []
