"""Retries while a database is busy or restarting."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from typing import Any

from harness.system.interrupts import uninterrupted

SECONDS = 60.0
"""How long to wait for a busy database, in s."""

_LONGEST_PAUSE = 5.0
_TRANSIENT = (
    "database is locked",
    "database table is locked",
    "server closed the connection",
    "terminating connection",
    "the database system is",  # starting up, shutting down, in recovery mode
    "connection refused",
    "connection reset",
    "connection already closed",
    "the connection is closed",
    "could not connect to server",
    "connection failed",
    "lost connection",
    "gone away",
)


class Retrying:
    """A proxy that repeats method calls, for a minute, as long as the object's database is busy or restarting.

    Every method of MLflow's client that the recorder uses may be called twice with the same outcome except
    ``create_run``: a connection lost between its commit and the response leaves a run that is never filled, which is
    closed at the end of the study with the other open runs.
    """

    def __init__(self, called: object, seconds: float = SECONDS) -> None:
        self._called = called
        self._seconds = seconds

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._called, name)
        return functools.partial(retry, found, seconds=self._seconds) if callable(found) else found


def retry(
    call: Callable[..., Any],
    *args: Any,
    seconds: float = SECONDS,
    errors: tuple[type[Exception], ...] = (Exception,),
    **named: Any,
) -> Any:
    """Return what ``call`` returns, calling it again as long as it fails with a transient error.

    A signal is handled after the call, or in the pause between two.

    Parameters
    ----------
    call
        The function to call.
    *args
        Its positional arguments.
    seconds
        How long to keep trying, in s.
    errors
        Types of the errors that may be transient.
    **named
        Its keyword arguments.

    Raises
    ------
    Exception
        The last error of ``call``, when it is not transient or the time is up.
    """
    deadline = time.monotonic() + seconds
    pause = 0.1
    while True:
        try:
            with uninterrupted():
                return call(*args, **named)
        except errors as error:
            if not is_transient(error) or time.monotonic() + pause > deadline:
                raise
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


def is_transient(error: Exception) -> bool:
    """Return whether an error means that a database is busy or unavailable for a moment."""
    chain = list(_causes(error))
    text = " ".join(str(each) for each in chain).lower()
    return any("sqlalchemy" in type(each).__module__ for each in chain) and any(words in text for words in _TRANSIENT)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and its causes: MLflow and Optuna wrap those of the database, Optuna without their text."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
