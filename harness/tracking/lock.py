"""One writer per study run: a lock file, released by the system when its process ends; other processes wait for it."""

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

        ``tell`` is called once with a message that names the study run, ``what``, if the lock has to be waited for.

        Raises
        ------
        TrackingError
            When the folder is not writable.
        """
        self._file = file
        self._handle: BinaryIO | None = None
        announced = False
        try:
            make_private(file.parent)
            while (handle := _locked(file)) is None:
                if not announced:
                    tell(f"{what} is being written by another process{_holder(file)}; waiting for it to end")
                announced = True
                time.sleep(_SECONDS_BETWEEN_LOOKS)
            handle.truncate(0)
            handle.write(str(os.getpid()).encode())
            handle.flush()
        except OSError as error:
            raise TrackingError(f"{what}: cannot write {file}: {error.strerror or error}") from None
        self._handle = handle

    def release(self) -> None:
        """Release the lock and remove the file; a second call does nothing."""
        if self._handle is not None:
            self._file.unlink(missing_ok=True)
            self._handle.close()
            self._handle = None


def _holder(file: Path) -> str:
    try:
        number = file.read_bytes().decode(errors="replace").strip()
    except OSError:
        # It was removed in the meantime.
        number = ""
    return f" (id {number})" if number else ""


def _locked(file: Path) -> BinaryIO | None:
    """Return ``file`` opened and locked, or None if another process has the lock."""
    while True:
        handle = open(file, "a+b", opener=_not_through_a_link)  # noqa: SIM115
        share_with_group(file)
        if not _take(handle):
            handle.close()
            return None
        # The last holder may have removed the file after it was opened here: then no other process can see this lock.
        if file.exists() and file.stat().st_ino == os.fstat(handle.fileno()).st_ino:
            return handle
        handle.close()


def _not_through_a_link(path: str, flags: int) -> int:
    """Open a file that only this account can read; fails on a symbolic link, which others could have planted."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), stat.S_IRUSR | stat.S_IWUSR)


def _take(handle: BinaryIO) -> bool:
    if sys.platform == "win32":
        # No POSIX locks on this platform: a second writer goes unnoticed.
        return True
    import fcntl

    try:
        # lockf instead of flock: a worker forked from this process must not inherit the lock.
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
