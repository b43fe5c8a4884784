"""One writer a study run: a lock file, let go by the system when its process ends; a second process waits for it."""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from harness.errors import TrackingError
from harness.system.accounts import make_private, share_with_group

_SECONDS_BETWEEN_LOOKS = 1.0


class WriterLock:
    """Held while a study run is written."""

    def __init__(self, file: Path, what: str, tell: Callable[[str], object]) -> None:
        """Take the lock on ``file``, waiting as long as another process holds it.

        ``what`` names the study run in what ``tell`` is told once when there is something to wait for.

        Raises
        ------
        TrackingError
            When the folder cannot be written.
        """
        self._file = file
        self._handle: BinaryIO | None = None
        told = False
        try:
            make_private(file.parent)
            while (handle := _locked(file)) is None:
                if not told:
                    tell(f"{what} is being written by another process{_holder(file)}; waiting for it to end")
                told = True
                time.sleep(_SECONDS_BETWEEN_LOOKS)
            handle.truncate(0)
            handle.write(str(os.getpid()).encode())
            handle.flush()
        except OSError as error:
            raise TrackingError(f"{what}: cannot write {file}: {error.strerror or error}") from None
        self._handle = handle

    def release(self) -> None:
        """Let go and remove the file; a second call does nothing."""
        if self._handle is not None:
            self._file.unlink(missing_ok=True)
            self._handle.close()
            self._handle = None


def _holder(file: Path) -> str:
    try:
        number = file.read_bytes().decode(errors="replace").strip()
    except OSError:
        # It went in this moment.
        number = ""
    return f" (id {number})" if number else ""


def _locked(file: Path) -> BinaryIO | None:
    """Return ``file`` opened and locked, None when another process has the lock."""
    while True:
        handle = open(file, "a+b", opener=_not_through_a_link)  # noqa: SIM115
        share_with_group(file)
        if not _take(handle):
            handle.close()
            return None
        # Its last holder may have removed the file after we opened it: then we locked what nobody else will see.
        if file.exists() and file.stat().st_ino == os.fstat(handle.fileno()).st_ino:
            return handle
        handle.close()


def _not_through_a_link(path: str, flags: int) -> int:
    """Open a file that only this account can read; fails where somebody planted a link to another one."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), stat.S_IRUSR | stat.S_IWUSR)


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
