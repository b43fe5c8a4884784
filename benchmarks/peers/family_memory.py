"""Memory of a process and all that it has started, whatever else runs on the machine.

Proportional set size divides the pages of a library among all processes that use it, other contestants included. Here
pages of files count once for the family: the largest share of any member, plus what is the members' own (anonymous and
shared memory, divided among those that share it, which only a family does).
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Member:
    """One process: its own bytes, and those of files that it has mapped."""

    own: int
    files: int

    @property
    def total(self) -> int:
        """Resident bytes, its share of what is shared."""
        return self.own + self.files


def family_bytes(members: Sequence[Member]) -> int:
    """Return the bytes of all ``members`` together."""
    return sum(member.own for member in members) + max((member.files for member in members), default=0)


def member_of(rollup: str, status: str) -> Member:
    """Return what ``/proc/PID/smaps_rollup`` and ``/proc/PID/status`` say of a process."""
    own = sum(_kilobytes(rollup, name) for name in ("Pss_Anon", "Pss_Shmem"))
    return Member(1024 * own, 1024 * _kilobytes(status, "RssFile"))


def _kilobytes(text: str, name: str) -> int:
    line = next((line for line in text.splitlines() if line.startswith(f"{name}:")), f"{name}: 0 kB")
    return int(line.split()[1])


def members_of(pids: Sequence[int]) -> list[Member]:
    """Return the processes ``pids`` and all that they have started, the largest first."""
    found = []
    for pid in pids:
        try:
            root = psutil.Process(pid)
            family = [root, *root.children(recursive=True)]
        except psutil.Error:
            continue
        for process in family:
            folder = Path("/proc", str(process.pid))
            try:
                found.append(member_of(*((folder / name).read_text() for name in ("smaps_rollup", "status"))))
            except OSError:
                continue
    return sorted(found, key=lambda member: -member.total)


@dataclass
class Watch:
    """Samples the memory of a family until it is left; ``peak`` holds the members at the largest moment."""

    pids: Sequence[int]
    every: float = 0.25
    peak: list[Member] = field(default_factory=list)

    def __enter__(self) -> Watch:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _sample(self) -> None:
        while True:
            members = members_of(self.pids)
            if family_bytes(members) > family_bytes(self.peak):
                self.peak = members
            if self._over.wait(self.every):
                return
