"""The quickstart and the start of commands, as a user meets them."""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from benchmarks.processes import measure
from benchmarks.record import spread, write

ROOT = Path(__file__).parents[1]
HARNESS = str(Path(sys.executable).parent / "harness")
_SET_CHILD_SUBREAPER = 36
HELPS = ("--help", "run-study --help", "data check --help")


def quickstart(repeats: int = 1) -> None:
    """Measure the quickstart from nothing but the installation (targets: 60 s of processor time, 2 GiB): processor time
    and peak memory in runs of their own, since sampling memory takes processor time."""
    seconds, runs = [], []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
            seconds.append(processor_seconds_of(_quickstart(Path(first)), Path(first)))
            runs.append(measure(_quickstart(Path(second)), Path(second)))
    write(
        "quickstart",
        {
            "processor_seconds": spread(seconds),
            "seconds": spread([run.seconds for run in runs]),
            "peak_gib": spread([round(run.peak_bytes / 2**30, 3) for run in runs]),
        },
    )


def _quickstart(folder: Path) -> list[str]:
    command = [HARNESS, "run-study", str(ROOT / "studies" / "quickstart.toml"), "--workers", "1"]
    return [*command, "--data-root", str(folder / "data"), "--cache", str(folder / "cache")]


def start_up(repeats: int = 10, commands: int = 3) -> None:
    """Time `harness --help` and the help of commands (target: 0.15 s), in turns with a bare interpreter, and the
    processor time of `compare` (target: 1 s) and `plan` (5 s), ``commands`` times each."""
    helps = {
        "python": [sys.executable, "-c", "pass"],
        **{arguments: [HARNESS, *arguments.split()] for arguments in HELPS},
    }
    rounds = [{name: _seconds(command) for name, command in helps.items()} for _ in range(repeats + 1)][1:]
    with tempfile.TemporaryDirectory() as name:
        whole = _whole_commands(Path(name))
        processor = [{name: processor_seconds_of(command) for name, command in whole.items()} for _ in range(commands)]
    write(
        "start_up",
        {
            "seconds": {name: spread([run[name] for run in rounds]) for name in HELPS},
            "bare_python_seconds": spread([run["python"] for run in rounds]),
            "over_bare_python": {name: spread([run[name] / run["python"] for run in rounds]) for name in HELPS},
            "processor_seconds": {name: spread([run[name] for run in processor]) for name in whole},
        },
    )


def _whole_commands(folder: Path) -> dict[str, list[str]]:
    """Return a comparison of ten folds with a claim, and the plan of the quickstart, whose sounds are made before."""
    scores, data = folder / "scores.csv", folder / "data"
    rows = [f"{fold},{80 + fold}" for fold in range(1, 11)]
    scores.write_text("\n".join(["fold,accuracy", *rows]) + "\n", encoding="utf-8")
    plan = [HARNESS, "plan", str(ROOT / "studies" / "quickstart.toml"), "--device", "cpu", "--data-root", str(data)]
    subprocess.run(plan, check=True, capture_output=True)
    return {"compare": [HARNESS, "compare", "--scores", str(scores), "--claim", "su2019:T2/TSCNN-DS"], "plan": plan}


def _seconds(command: Sequence[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def processor_seconds_of(command: Sequence[str], folder: Path | None = None) -> float:
    """Run ``command`` in ``folder``; return the processor time, user and system, of it and of all that it starts.

    The server that starts a study's workers ends after the study. This process adopts it, to wait for its time too.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1)
    # A server of this process, which an earlier benchmark started, lives on.
    own = set(psutil.Process().children())
    before = _spent()
    subprocess.run(command, check=True, capture_output=True, cwd=folder)
    while adopted := set(psutil.Process().children()) - own:
        for child in adopted:
            with suppress(ChildProcessError):
                os.waitpid(child.pid, 0)
    return _spent() - before


def _spent() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
