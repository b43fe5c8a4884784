"""What a driver is asked to train, and its conversation with the benchmark: only the standard library.

A driver says ``waiting`` before each epoch and begins when it reads ``go``; after the epoch it says the mean training
loss. So the benchmark decides when each program works, and only one works at a time. Whatever else a program prints
goes to its log.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Job:
    """One training.

    Attributes
    ----------
    network
        ``"su4"`` or ``"resnet18"``.
    items
        Folder with the items; see :mod:`benchmarks.peers.made_items`.
    shuffled
        Whether each epoch has a new order; otherwise the items come as they are stored.
    scratch
        Folder that the program may fill.
    """

    network: str
    items: str
    epochs: int
    batch: int
    threads: int
    loader_workers: int
    lr: float
    momentum: float
    weight_decay: float
    dropout: float
    shuffled: bool
    scratch: str


class Conversation:
    """The lines between this driver and the benchmark."""

    def __init__(self) -> None:
        self._lines = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
        os.dup2(2, 1)

    def begin_epoch(self) -> None:
        """Wait for the benchmark's ``go``; end the process when there is none."""
        self._lines.write("waiting\n")
        if sys.stdin.readline().strip() != "go":
            os._exit(1)

    def end_epoch(self, loss: float) -> None:
        """Say that an epoch is over."""
        self._lines.write(json.dumps({"loss": loss}) + "\n")


@cache
def job() -> Job:
    """Return the job in the file that the command line names."""
    return Job(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))


@cache
def conversation() -> Conversation:
    """Return the conversation of this process."""
    return Conversation()
