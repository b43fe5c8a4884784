"""Locks between processes: files that the system unlocks when the process that holds them ends, however it ends."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from harness.system.accounts import is_shared, make_private


@contextmanager
def locked(
    file: Path,
    *,
    mode: int | None = None,
    seconds: float = -1,
    waiting: Callable[[str], object] = lambda _: None,
    temporary: bool = False,
) -> Iterator[None]:
    """Hold the lock on ``file`` within the block.

    Parameters
    ----------
    file
        Created if missing, with its folder. It names the process that holds the lock.
    mode
        Permissions of a new file. By default it belongs to this account alone, below a shared folder to its group too.
    seconds
        How long to wait for another process; -1 without limit.
    waiting
        Called once if the lock has to be waited for, with its holder (`` (id 123)``, empty if that is unknown).
    temporary
        Whether the file is removed at the end.

    Raises
    ------
    TimeoutError
        When another process holds the lock for longer than ``seconds``.
    OSError
        When the file cannot be opened for writing, or is a symbolic link, which another account could have planted.
    """
    from filelock import FileLock

    make_private(file.parent)
    if mode is None:
        mode = 0o660 if is_shared(file.parent) else 0o600
    lock = FileLock(file, mode=mode, thread_local=False, on_acquired=_sign)
    try:
        lock.acquire(blocking=False)
    except TimeoutError:
        if not seconds:
            raise
        waiting(_holder(file))
        lock.acquire(timeout=seconds)
    try:
        yield
    finally:
        if temporary:
            # While it is locked: a process that waits for it finds it gone and creates a new one. Windows keeps open
            # files.
            with suppress(PermissionError):
                file.unlink(missing_ok=True)
        lock.release()


def _sign(handle: int) -> None:
    os.ftruncate(handle, 0)
    with open(handle, "wb", closefd=False) as file:
        file.write(str(os.getpid()).encode())


def _holder(file: Path) -> str:
    try:
        number = file.read_bytes().decode(errors="replace").strip()
    except OSError:
        # It was removed in the meantime.
        number = ""
    return f" (PID {number})" if number else ""
