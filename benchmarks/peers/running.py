"""A contestant's processes, from their start to their end, and the conversation with them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO

from benchmarks.peers.contestants import Contestant
from benchmarks.peers.drivers.job import Job
from benchmarks.peers.environments import ROOT
from harness.errors import HarnessError

LINES_SHOWN = 12


class Running:
    """The processes of one contestant; each says ``waiting`` before an epoch.

    Parameters
    ----------
    contestant
        Who.
    python
        Its interpreter.
    job
        The training; ``scratch`` is replaced by a folder for each process.
    folder
        Where logs and scratch folders go.
    """

    def __init__(self, contestant: Contestant, python: Path, job: Job, folder: Path) -> None:
        self.contestant = contestant
        self._folder = folder
        self.processes: list[subprocess.Popen[str]] = []
        began = time.perf_counter()
        try:
            for number in range(contestant.processes):
                scratch = folder / f"scratch{number}"
                scratch.mkdir(parents=True)
                asked = scratch.with_suffix(".json")
                asked.write_text(json.dumps(asdict(replace(job, scratch=str(scratch)))), encoding="utf-8")
                self.processes.append(self._started(python, asked))
            self.ready()
        except BaseException:
            self.close()
            raise
        self.start_seconds = time.perf_counter() - began

    @property
    def pids(self) -> list[int]:
        """The processes that were started here."""
        return [process.pid for process in self.processes]

    def epoch(self) -> tuple[float, list[float]]:
        """Run one epoch in every process at once; return the seconds until the last is done, and the losses."""
        began = time.perf_counter()
        for process in self.processes:
            self._pipe(process.stdin).write("go\n")
            self._pipe(process.stdin).flush()
        losses = [float(json.loads(self._line(process))["loss"]) for process in self.processes]
        return time.perf_counter() - began, losses

    def ready(self) -> None:
        """Wait until every process could begin its next epoch."""
        for process in self.processes:
            if (line := self._line(process)) != "waiting":
                raise HarnessError(f"{self.contestant.name} said {line!r} where 'waiting' was expected")

    def close(self) -> None:
        """End the processes."""
        for process in self.processes:
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    pipe.close()
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()

    def _started(self, python: Path, asked: Path) -> subprocess.Popen[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "MKL_", "PYTHON"))}
        # No GPU, no downloads, and as many threads as the contestant's users would have.
        offline = {"CUDA_VISIBLE_DEVICES": "", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
        threads = {"OMP_NUM_THREADS": str(self.contestant.threads)}
        module = f"benchmarks.peers.drivers.{self.contestant.driver}"
        with asked.with_suffix(".log").open("w", encoding="utf-8") as log:
            return subprocess.Popen(
                [str(python), "-m", module, str(asked)],
                cwd=asked.parent,
                env={**kept, **offline, **threads, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )

    def _line(self, process: subprocess.Popen[str]) -> str:
        if line := self._pipe(process.stdout).readline().strip():
            return line
        logs = sorted(self._folder.glob("*.log"))
        text = "\n".join(log.read_text(encoding="utf-8", errors="replace") for log in logs)
        last = text.strip().splitlines()[-LINES_SHOWN:]
        raise HarnessError(
            f"{self.contestant.name} ended before its training was over; the last lines of its log:", *last
        )

    @staticmethod
    def _pipe(pipe: IO[str] | None) -> IO[str]:
        assert pipe is not None
        return pipe


def interpreter_of_the_harness() -> Path:
    """Return the interpreter that runs this."""
    return Path(sys.executable)
