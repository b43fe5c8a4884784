"""Ctrl-C, SIGTERM and SIGHUP (a closed terminal): the first closes what is open and reports what is saved and how to
resume, the second ends the process at once."""

from __future__ import annotations

import multiprocessing
import os
import signal
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from types import FrameType, TracebackType
from typing import NoReturn, Self

from harness.system.interrupts import interrupt
from harness.terminal.printing import say

EXIT_CODE = 130
"""Exit code after Ctrl-C: 128 plus the number of the signal, as in shells."""

_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Stopped(KeyboardInterrupt):
    """A KeyboardInterrupt that knows the ``exit_code`` of the signal it came from."""

    def __init__(self, message: str = "", exit_code: int = EXIT_CODE) -> None:
        super().__init__(*([message] if message else []))
        self.exit_code = exit_code


class Interrupted(Stopped):
    """A Stopped whose message says what is saved and how to resume."""


def exit_code_of(interrupt: KeyboardInterrupt) -> int:
    """Return the exit code of a process ended by ``interrupt``."""
    return interrupt.exit_code if isinstance(interrupt, Stopped) else EXIT_CODE


class Saved:
    """Context of work that can be interrupted: turns KeyboardInterrupt into :class:`Interrupted`.

    ``what`` is called only then; it changes as the work proceeds. ``command`` is the command that resumes the work.
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
            way = f"resume with: {self._command}" if self._command else "run the same command to resume"
            raise Interrupted(f"{self.what()}; {way}", exit_code_of(error)) from None


@contextmanager
def second_ends_at_once() -> Iterator[None]:
    """Within this context, the first signal raises KeyboardInterrupt (after a call that must not be left half done,
    :func:`harness.system.interrupts.uninterrupted`), and a second one ends this process and its workers.

    SIGTERM and SIGHUP stay ignored if they are ignored already (nohup). A terminal that closes may send SIGHUP twice,
    from the shell and from the kernel: after the first, it is ignored until the process ends.

    Outside the main thread, where signals cannot be handled, nothing changes.
    """

    def first(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        for each in before:
            signal.signal(each, second)
        if number == hangup:
            signal.signal(number, signal.SIG_IGN)
            del before[number]
            _leave_terminal()
        with suppress(OSError):  # The reader may have exited.
            say("stopping; press Ctrl-C again to exit immediately", err=True)
        interrupt(Stopped(exit_code=128 + number))

    def second(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
        for worker in multiprocessing.active_children():
            worker.kill()
        os._exit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    hangup = getattr(signal, "SIGHUP", None)
    heard = [each for each in _SIGNALS if each == signal.SIGINT or signal.getsignal(each) != signal.SIG_IGN]
    before = {each: signal.signal(each, first) for each in heard}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _leave_terminal() -> None:
    """Discard further output to a terminal: it has been closed, and writing to it fails."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        if stat.S_ISCHR(os.fstat(stream).st_mode):
            os.dup2(nowhere, stream)
    os.close(nowhere)


@contextmanager
def workers_hear_no_signals() -> Iterator[None]:
    """Within this context, processes are started that do not receive Ctrl-C and similar signals.

    A terminal, a batch system or a service manager sends these to a process group; the process that started the workers
    ends them. Ignoring the signal in the worker is not enough: it may arrive while the worker is still importing.
    """
    if sys.platform == "win32":
        yield
        return
    # The first worker starts the resource tracker, which would unblock the signal again.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
