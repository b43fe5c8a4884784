"""The quickstart and the start of the command line, as a user meets them."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.processes import measure
from benchmarks.record import spread, write

ROOT = Path(__file__).parents[1]
HARNESS = str(Path(sys.executable).parent / "harness")
HELPS = ("--help", "run-study --help", "data check --help")


def quickstart(repeats: int = 1) -> None:
    """Time the quickstart from nothing but the installation, with its peak memory (targets: 240 s, 2 GiB)."""
    runs = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            command = [HARNESS, "run-study", str(ROOT / "studies" / "quickstart.toml"), "--workers", "1"]
            command += ["--data-root", str(folder / "data"), "--cache", str(folder / "cache")]
            runs.append(measure(command, folder))
    write(
        "quickstart",
        {
            "seconds": spread([run.seconds for run in runs]),
            "peak_gib": spread([round(run.peak_bytes / 2**30, 3) for run in runs]),
        },
    )


def start_up(repeats: int = 10) -> None:
    """Time `harness --help` and the help of commands (target: 0.5 s), in turns with a bare interpreter."""
    commands = {
        "python": [sys.executable, "-c", "pass"],
        **{arguments: [HARNESS, *arguments.split()] for arguments in HELPS},
    }
    rounds = [{name: _seconds(command) for name, command in commands.items()} for _ in range(repeats + 1)][1:]
    write(
        "start_up",
        {
            "seconds": {name: spread([run[name] for run in rounds]) for name in HELPS},
            "bare_python_seconds": spread([run["python"] for run in rounds]),
            "over_bare_python": {name: spread([run[name] / run["python"] for run in rounds]) for name in HELPS},
        },
    )


def _seconds(command: Sequence[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began
