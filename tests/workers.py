"""The worker processes of a process, however they began (harness.terminal.worker_processes)."""

from __future__ import annotations

import psutil


def workers_of(parent: psutil.Process) -> list[psutil.Process]:
    """Return the workers of ``parent``: interpreters of their own, and forks of the server with the libraries."""
    found = []
    for child in parent.children():
        started = " ".join(child.cmdline())
        if "multiprocessing.spawn" in started:
            found.append(child)
        elif "multiprocessing.forkserver" in started:
            found += child.children()
    return found
