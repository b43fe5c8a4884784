"""Who takes part: each as its users would run it on a machine with this many cores."""

from __future__ import annotations

import os
from dataclasses import dataclass

CORES = os.cpu_count() or 1
LOADERS = 2
HARNESS = "harness"


@dataclass(frozen=True)
class Contestant:
    """One program.

    Attributes
    ----------
    driver
        Module of :mod:`benchmarks.peers.drivers`.
    package
        Its package, in an environment of its own; "" for loops of our own.
    processes, threads
        How many processes train at once, each a network of its own, and the threads of each.
    loader_workers
        Workers of each DataLoader.
    data
        What an item is to the program.
    """

    name: str
    driver: str
    package: str = ""
    processes: int = 1
    threads: int = CORES
    loader_workers: int = LOADERS
    data: str = "ready items, mapped from one file"


_JOINED = "planes joined for each item"
CONTESTANTS = (
    Contestant(HARNESS, "ours", processes=CORES, threads=1, loader_workers=0, data="features as they are cached"),
    Contestant("naive loop, one process", "naive", data=_JOINED),
    Contestant("naive loop, a process per core", "naive", processes=CORES, threads=1, loader_workers=0, data=_JOINED),
    Contestant("loop of earlier replications", "replication", data=_JOINED),
    Contestant("Lightning", "with_lightning", "lightning"),
    Contestant("autrainer", "with_autrainer", "autrainer", data="one file for each item"),
    Contestant("speechbrain", "with_speechbrain", "speechbrain"),
)
