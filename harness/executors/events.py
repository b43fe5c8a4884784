"""What an executor tells while it runs fold tasks, and what it is asked to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.training.task import FoldResult, FoldTask


@dataclass(frozen=True)
class Started:
    """The task's training began."""

    task: FoldTask


@dataclass(frozen=True)
class Epoch:
    """One epoch ended; ``row`` is a row of ``FoldResult.history``."""

    task: FoldTask
    row: dict[str, float]


@dataclass(frozen=True)
class Finished:
    """The task ended with a result."""

    task: FoldTask
    result: FoldResult


@dataclass(frozen=True)
class Failed:
    """The task ended with an error: its message, and the traceback where there is one."""

    task: FoldTask
    error: str
    traceback: str


Event = Started | Epoch | Finished | Failed


class Executor(Protocol):
    """Where fold tasks run. Results never depend on which executor, or how many workers, it has."""

    def run(self, tasks: Sequence[FoldTask], on_event: Callable[[Event], None]) -> None:
        """Run ``tasks``, telling ``on_event`` of each step in the caller's thread."""
        ...
