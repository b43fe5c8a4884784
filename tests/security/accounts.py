"""Another account of this machine, as which a test does what such an account could do."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

STRANGER = 65534
"""Number of the account ``nobody``, which every system has."""

needs_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root, to act as another account"
)


@contextmanager
def umask(mask: int) -> Iterator[None]:
    """Set the umask."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def as_stranger(act: Callable[[], object]) -> str:
    """Call ``act`` in a process of another account; return the name of what it raised, empty when it did not."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(STRANGER)
            os.setuid(STRANGER)
            act()
        except BaseException as error:
            os.write(write, type(error).__name__.encode())
        finally:
            os._exit(0)
    os.close(write)
    said = os.read(read, 1000).decode()
    os.close(read)
    os.waitpid(child, 0)
    return said


def open_to_others(folder: Path) -> list[str]:
    """Return what below ``folder`` another account can read or write, by folders that let it in."""
    found = []
    for path in folder.iterdir():
        mode = path.stat().st_mode
        if path.is_dir() and mode & 0o011:
            found += [path.name, *(f"{path.name}/{each}" for each in open_to_others(path))]
        elif not path.is_dir() and mode & 0o066:
            found.append(path.name)
    return found
