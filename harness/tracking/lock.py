"""One writer a study run: a lock file beside a local store, let go by the system when its process ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import BinaryIO

from harness.errors import TrackingError


class WriterLock:
    """Held while a study run is written; a second process that wants it is told so at once."""

    def __init__(self, file: Path, what: str) -> None:
        """Take the lock on ``file``; ``what`` names the study run in the message.

        Raises
        ------
        TrackingError
            When another process holds it, or the folder cannot be written.
        """
        self._file = file
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._handle: BinaryIO | None = _locked(file)
        except OSError as error:
            raise TrackingError(f"{what}: cannot write {file}: {error.strerror or error}") from None
        if self._handle is None:
            holder = file.read_bytes().decode(errors="replace").strip() if file.exists() else ""
            raise TrackingError(
                f"{what} is being written by another process{f' (id {holder})' if holder else ''}; "
                "wait for it to end, or stop it and run the same command to go on from there"
            )
        self._handle.truncate(0)
        self._handle.write(str(os.getpid()).encode())
        self._handle.flush()

    def release(self) -> None:
        """Let go and remove the file; a second call does nothing."""
        if self._handle is not None:
            self._file.unlink(missing_ok=True)
            self._handle.close()
            self._handle = None


def _locked(file: Path) -> BinaryIO | None:
    """Return ``file`` opened and locked, None when another process has the lock."""
    while True:
        handle = file.open("a+b")
        if not _take(handle):
            handle.close()
            return None
        # Its last holder may have removed the file after we opened it: then we locked what nobody else will see.
        if file.exists() and file.stat().st_ino == os.fstat(handle.fileno()).st_ino:
            return handle
        handle.close()


def _take(handle: BinaryIO) -> bool:
    if sys.platform == "win32":
        # No POSIX locks there: a second writer goes unnoticed.
        return True
    import fcntl

    try:
        # lockf and not flock: a worker forked from this process must not inherit the lock.
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
