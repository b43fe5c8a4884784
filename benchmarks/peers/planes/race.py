"""Every plane by every program that has it: from WAV and from OGG, in one process and in one per core.

Counted for each is the time from the question to the last answer: reading, decoding, resampling and computing, into
memory. Not counted for any: starting processes, importing, compiling, and writing planes. All processes are warm and of
one thread; each of two has every second clip. Programs alternate on the same clips, the order reversed in every second
round, and only ratios within a round count. The clips are ESC-10's, encoded again as 16-bit WAV and as OGG (Vorbis).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import soundfile

from benchmarks.peers.environments import ROOT, environment
from benchmarks.peers.planes.ours import SETS
from benchmarks.record import spread, write
from harness.data.data_root import resolve_data_root
from harness.data.load_clips import load_clips
from harness.errors import HarnessError
from harness.study import DataSection

HARNESS = "harness"
DRIVERS = {
    HARNESS: "ours",
    "librosa": "with_librosa",
    "torchaudio": "with_torchaudio",
    "speechbrain": "with_speechbrain",
}
FORMATS = {"WAV": "PCM_16", "OGG": "VORBIS"}
CLIPS = 64
WARM_UP = 8
"""Clips that each process computes before anything counts."""
FULL = "all five"


def planes(repeats: int = 4, clips: int = CLIPS, cores: int | None = None) -> None:
    """Race every plane (targets: each as fast as the fastest of librosa and torchaudio, all five 5 times librosa)."""
    counts = sorted({1, cores or os.cpu_count() or 1})
    brain = environment("speechbrain")
    pythons = {name: brain.python if name == "speechbrain" else Path(sys.executable) for name in DRIVERS}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        paths = encoded(Path(folder), clips)
        servers = {
            name: stack.enter_context(Servers(name, pythons[name], max(counts), Path(folder))) for name in DRIVERS
        }
        for one in servers.values():
            one.warm_up(paths["WAV"][:WARM_UP])
        rounds: list[dict[tuple[str, str, int, str], Taken]] = []
        for repeat in range(repeats):
            began, taken = time.perf_counter(), {}
            for plane in SETS:
                names = [name for name in servers if plane in servers[name].planes][:: 1 if repeat % 2 else -1]
                for form, count, name in [(f, c, n) for f in FORMATS for c in counts for n in names]:
                    taken[plane, form, count, name] = servers[name].compute(plane, paths[form], count)
            rounds.append(taken)
            left = (repeats - repeat - 1) * (time.perf_counter() - began)
            print(f"planes: round {repeat + 1} of {repeats}, about {left / 60:.1f} minutes to go", flush=True)
    write("planes", {"clips": clips, "dataset": "esc10", "speechbrain": brain.versions, **summary(rounds, clips)})


def summary(rounds: Sequence[Mapping[tuple[str, str, int, str], Taken]], clips: int) -> dict[str, Any]:
    """Return speeds, costs and ratios by plane and then by format, processes and program."""
    speeds: dict[str, dict[str, Any]] = {}
    processor: dict[str, dict[str, Any]] = {}
    faults: dict[str, dict[str, Any]] = {}
    over: dict[str, dict[str, Any]] = {}
    for plane, form, count, name in rounds[0]:
        case = f"{form}, {count} process{'es' if count > 1 else ''}, {name}"
        theirs = [taken[plane, form, count, name] for taken in rounds]
        speeds.setdefault(plane, {})[case] = spread([clips / taken.seconds for taken in theirs])
        processor.setdefault(plane, {})[case] = spread([1e3 * taken.processor_seconds / clips for taken in theirs])
        faults.setdefault(plane, {})[case] = spread([taken.page_faults / clips for taken in theirs])
        if name != HARNESS:
            ours = [taken[plane, form, count, HARNESS] for taken in rounds]
            over.setdefault(plane, {})[case] = spread(
                [a.seconds / b.seconds for a, b in zip(theirs, ours, strict=True)]
            )
    return {
        "clips_a_second": speeds,
        "processor_milliseconds_a_clip": processor,
        "page_faults_a_clip": faults,
        "times_as_fast": over,
    }


def encoded(folder: Path, n: int) -> dict[str, list[str]]:
    """Return ``n`` clips of ESC-10 in each format, written into ``folder``."""
    frame = load_clips(DataSection(dataset="esc10"), resolve_data_root(None)).frame
    originals = [Path(path) for path in frame["path"].iloc[:: max(1, len(frame) // n)][:n]]
    paths: dict[str, list[str]] = {form: [] for form in FORMATS}
    for number, original in enumerate(originals):
        samples, rate = soundfile.read(original)
        for form, subtype in FORMATS.items():
            path = folder / f"{number}.{form.lower()}"
            soundfile.write(path, samples, rate, subtype=subtype)
            paths[form].append(str(path))
    return paths


@dataclass(frozen=True)
class Taken:
    """What some clips took: ``seconds`` from question to last answer, the rest summed over the processes."""

    seconds: float
    processor_seconds: float
    page_faults: int


@dataclass
class Servers:
    """The processes of one program; each computes what it is asked for."""

    name: str
    python: Path
    count: int
    folder: Path
    planes: list[str] = field(default_factory=list)

    def __enter__(self) -> Servers:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "MKL_", "PYTHON"))}
        self._log = (self.folder / f"{self.name}.log").open("w+", encoding="utf-8")
        self._processes = [
            subprocess.Popen(
                [str(self.python), "-m", f"benchmarks.peers.planes.{DRIVERS[self.name]}"],
                env={**kept, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(ROOT)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                text=True,
            )
            for _ in range(self.count)
        ]
        for process in self._processes:
            self.planes = json.loads(self._line(process))["planes"]
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.communicate()
        self._log.close()

    def warm_up(self, paths: Sequence[str]) -> None:
        """Compute every plane of the clips at ``paths`` in every process."""
        for plane in self.planes:
            # One process compiles for all: numba's cache is corrupted by processes that fill it together.
            self.compute(plane, paths[:1], 1)
            self.compute(plane, [path for path in paths for _ in range(self.count)], self.count)

    def compute(self, plane: str, paths: Sequence[str], count: int) -> Taken:
        """Return what ``count`` processes take for ``plane`` of the clips at ``paths``."""
        began = time.perf_counter()
        chosen = self._processes[:count]
        for number, process in enumerate(chosen):
            assert process.stdin is not None
            process.stdin.write(json.dumps({"plane": plane, "paths": list(paths[number::count])}) + "\n")
            process.stdin.flush()
        answers = [json.loads(self._line(process)) for process in chosen]
        seconds = time.perf_counter() - began
        return Taken(
            seconds,
            sum(answer["processor_seconds"] for answer in answers),
            sum(answer["page_faults"] for answer in answers),
        )

    def _line(self, process: subprocess.Popen[str]) -> str:
        assert process.stdout is not None
        if line := process.stdout.readline():
            return line
        self._log.seek(0)
        codes = ", ".join(str(process.poll()) for process in self._processes)
        raise HarnessError(
            f"{self.name} ended while computing planes (exit codes {codes}):",
            *self._log.read().strip().splitlines()[-12:],
        )
