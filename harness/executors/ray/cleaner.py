"""Ends what is left of a Ray cluster when the process that started it has ended, however it ended.

Ray itself ends most of its processes, but two agents of a node outlive a killed driver, with their ports, and its
folder remains (Ray 2.60). This file runs as a program of its own, which needs psutil alone; its standard input is a
pipe that closes when the other process ends.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Collection, Iterator
from contextlib import suppress

import psutil

_ATTEMPTS = 20


def end_cluster(folder: str, others: Collection[int] = ()) -> None:
    """Kill the processes that write files below ``folder``, except ``others``, and remove it."""
    # A process that is killed may have started another one in the meantime.
    for _ in range(_ATTEMPTS):
        found = list(_writing(folder, others))
        for process in found:
            with suppress(psutil.Error):
                process.kill()
        if not found:
            break
        psutil.wait_procs(found, timeout=0.5)
    shutil.rmtree(folder, ignore_errors=True)


def _writing(folder: str, others: Collection[int]) -> Iterator[psutil.Process]:
    """Yield the processes that write logs below ``folder``: some of Ray's have no command line or environment."""
    for process in psutil.process_iter():
        # Another account's processes cannot be read.
        with suppress(psutil.Error, OSError):
            written = (file.path for file in process.open_files() if getattr(file, "mode", "r") != "r")
            if process.pid not in others and any(path.startswith(folder + os.sep) for path in written):
                yield process


if __name__ == "__main__":
    driver = os.getppid()
    sys.stdin.buffer.read()
    end_cluster(sys.argv[1], (driver, os.getpid()))
