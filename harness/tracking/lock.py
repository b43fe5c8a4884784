"""One writer per study run: other processes wait for it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from harness.errors import TrackingError
from harness.system.locks import locked


def writer_lock(file: Path, what: str, tell: Callable[[str], object]) -> ExitStack:
    """Return the acquired lock on ``file``; closing it releases the lock and removes the file.

    ``tell`` is called once with a message that names the study run, ``what``, if the lock has to be waited for.

    Raises
    ------
    TrackingError
        When the folder is not writable.
    """

    def wait(holder: str) -> None:
        tell(f"{what} is in use by another process{holder}; waiting for it to finish")

    held = ExitStack()
    try:
        held.enter_context(locked(file, waiting=wait, temporary=True))
    except OSError as error:
        raise TrackingError(f"{what}: cannot write {file}: {error.strerror or error}") from None
    return held
