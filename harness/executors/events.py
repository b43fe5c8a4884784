"""The protocol of executors, and the events that they report while fold tasks run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

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


Group = tuple[FoldTask, ...]
"""Tasks of one trajectory, which one training serves."""

Take = Callable[[str], Group | None]
"""Gives a free worker its next training, or None while there is none; called with the name of the arm that the worker
trained last, empty for a new one."""


class Executor(Protocol):
    """Where fold tasks run: a context manager, entered before the first task and exited after the last one.

    Results do not depend on the executor or its capacity.
    """

    @property
    def capacity(self) -> int:
        """How many tasks run at once."""
        ...

    def run(self, take: Take, on_event: Callable[[Event], None]) -> None:
        """Run what ``take`` gives, and call ``on_event`` with each step in the caller's thread; return when nothing
        runs and ``take`` has nothing more, not even after the last event."""
        ...

    def __enter__(self) -> Self:
        """Acquire resources."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End every task that is still running, and release resources."""
        ...


OpenExecutor = Callable[[Sequence[str]], Executor]
"""Creates an executor from the device of each worker."""
