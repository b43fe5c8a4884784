"""Ctrl-C: the first closes what is open and says what is saved and how to go on, the second ends at once."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from types import FrameType, TracebackType
from typing import NoReturn, Self

EXIT_CODE = 130


class Interrupted(KeyboardInterrupt):
    """A KeyboardInterrupt whose message says what is saved and how to go on."""


class Saved:
    """Around work that can be interrupted: turns KeyboardInterrupt into :class:`Interrupted`.

    ``what`` is called only then; it changes as the work goes on. ``command`` is how to go on.
    """

    def __init__(self, command: str, what: Callable[[], str]) -> None:
        self.what = what
        self._command = command

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, KeyboardInterrupt) and not isinstance(error, Interrupted):
            way = f"go on with: {self._command}" if self._command else "the same command goes on from there"
            raise Interrupted(f"{self.what()}; {way}") from None


@contextmanager
def second_ends_at_once() -> Iterator[None]:
    """Within this, the first Ctrl-C raises KeyboardInterrupt as ever, and a second ends this process and its workers.

    Outside the main thread, where signals cannot be set, nothing changes.
    """

    def first(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
        signal.signal(signal.SIGINT, second)
        sys.stderr.write("stopping; Ctrl-C again ends at once\n")
        raise KeyboardInterrupt

    def second(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
        for worker in multiprocessing.active_children():
            worker.kill()
        os._exit(EXIT_CODE)

    try:
        before = signal.signal(signal.SIGINT, first)
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def workers_hear_no_ctrl_c() -> Iterator[None]:
    """Within this, processes are started that never hear of Ctrl-C, which a terminal sends to a whole group.

    Ignoring it is not enough where a worker would do that itself: it may come while the worker is still importing.
    """
    if sys.platform == "win32":
        yield
        return
    # Starting the tracker, which the first worker does, would let the signal through again.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
