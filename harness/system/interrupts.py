"""Interrupts that wait until a call has ended that must not be left half done, such as a transaction.

An exception that a signal handler raises within SQLAlchemy leaves a connection whose transaction is open. It keeps
the database locked for the very process that has to record that it was interrupted.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Calls:
    """The calls of the main thread, the only one in which Python handles signals."""

    open = 0
    waiting: BaseException | None = None


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Within this context, what :func:`interrupt` raises in the main thread waits until the context ends."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _Calls.open += 1
    try:
        yield
    finally:
        _Calls.open -= 1
        if not _Calls.open and _Calls.waiting is not None:
            waiting, _Calls.waiting = _Calls.waiting, None
            raise waiting


def interrupt(error: BaseException) -> None:
    """Raise ``error``, now or at the end of the call that must not be interrupted; for handlers of signals."""
    if not _Calls.open:
        raise error
    _Calls.waiting = error
