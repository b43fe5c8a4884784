"""A command measured from outside: wall time, and the largest memory of it and all its children at one moment."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Measured:
    """``seconds`` of wall time; ``peak_bytes`` of proportional set size, shared pages divided among their users."""

    seconds: float
    peak_bytes: int


def measure(command: Sequence[str], folder: Path, every: float = 0.5) -> Measured:
    """Run ``command`` in ``folder``, sampling the memory of the whole family of processes.

    Raises
    ------
    RuntimeError
        When the command fails; its output is in the message.
    """
    began = time.perf_counter()
    with (folder / "output.txt").open("w+", encoding="utf-8") as output:
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
        peak = 0
        while process.poll() is None:
            peak = max(peak, _family_bytes(process.pid))
            time.sleep(every)
        seconds = time.perf_counter() - began
        output.seek(0)
        if process.returncode:
            raise RuntimeError(f"{' '.join(command)} exited with code {process.returncode}:\n{output.read()}")
    return Measured(seconds, peak)


def _family_bytes(pid: int) -> int:
    total = 0
    try:
        root = psutil.Process(pid)
        for member in [root, *root.children(recursive=True)]:
            memory = member.memory_full_info()
            total += getattr(memory, "pss", memory.uss)
    except psutil.Error:
        return total
    return total
