"""The quickstart and the start of the command line, as a user meets them."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from benchmarks.processes import measure
from benchmarks.record import spread, write

ROOT = Path(__file__).parents[1]
HARNESS = str(Path(sys.executable).parent / "harness")


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
    """Time `harness --help` and the help of a command (target: 0.5 s)."""
    import subprocess

    measured = {}
    for arguments in (["--help"], ["run-study", "--help"], ["data", "check", "--help"]):
        seconds = []
        for _ in range(repeats):
            began = time.perf_counter()
            subprocess.run([HARNESS, *arguments], check=True, capture_output=True)
            seconds.append(time.perf_counter() - began)
        measured[" ".join(arguments)] = spread(seconds)
    write("start_up", {"seconds": measured})
