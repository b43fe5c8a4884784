"""Large studies outside training: the report of one on all UrbanSound8K, and stores of thousands of fold runs.

Trainings are invented (benchmarks/recorded.py). Every step is a process of its own, of which processor time (user and
system) counts, which other programs disturb less than wall time. To open is to list the studies as `harness ui` and
`harness report` find them; to resume is to run the finished study again from the present inputs until nothing is left
to train; to report is `harness report`, with every figure and the PDF if LaTeX is installed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.growth import late_over_early
from benchmarks.record import spread, write
from benchmarks.recorded import CLIPS, NAME, fold_runs, inputs_of, multiply, record, study_of
from benchmarks.whole import HARNESS, ROOT


def large(
    repeats: int = 1, shape: tuple[int, int] = (12, 3), seeds: Sequence[int] = (20, 60, 200), first: int = 4
) -> None:
    """Measure the report of ``shape`` arms and seeds on UrbanSound8K, and stores of 50 fold runs a seed, of which the
    ``first`` are recorded and the others copied."""
    write("large", {"urbansound8k": _urbansound8k(repeats, *shape), "recorded": _recorded(repeats, seeds, first)})


def _urbansound8k(repeats: int, arms: int, seeds: int) -> dict[str, Any]:
    spec = study_of(seeds, "urbansound8k", arms)
    with tempfile.TemporaryDirectory() as name:
        uri = f"sqlite:///{name}/mlruns/mlflow.db"
        began = time.process_time()
        record(uri, inputs_of(spec))
        recording = time.process_time() - began
        runs = [_measured(_report(uri), Path(name)) for _ in range(repeats)]
        empty = [_measured([sys.executable, "-c", _IMPORTS], Path(name)) for _ in range(repeats)]
    clips, folds = CLIPS["urbansound8k"]
    return {
        "arms": arms,
        "folds": folds,
        "seeds": seeds,
        "fold_runs": fold_runs(spec),
        "clips": clips,
        "recording_processor_seconds_a_run": recording / fold_runs(spec),
        **{key: spread([run[key] for run in runs]) for key in runs[0]},
        "imports": {key: spread([run[key] for run in empty]) for key in empty[0]},
    }


def _recorded(repeats: int, seeds: Sequence[int], there: int) -> dict[str, Any]:
    sizes: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "mlruns" / "mlflow.db"
        uri = f"sqlite:///{file}"
        record(uri, inputs_of(study_of(there)))
        for count in seeds:
            multiply(file, inputs_of(study_of(count)), there)
            there = count
            steps = {
                "open": [sys.executable, "-c", _OPEN.format(uri)],
                "resume": [sys.executable, "-c", f"from benchmarks.large import resumed; resumed({uri!r}, {count})"],
                "report": _report(uri),
            }
            runs = [{step: _measured(command, folder) for step, command in steps.items()} for _ in range(repeats)]
            total = [{key: sum(step[key] for step in run.values()) for key in _TIMES} for run in runs]
            sizes.append(
                {"fold_runs": fold_runs(study_of(count))}
                | {step: {key: spread([run[step][key] for run in runs]) for key in runs[0][step]} for step in steps}
                | {"all": {key: spread([each[key] for each in total]) for key in _TIMES}}
            )
    numbers = [size["fold_runs"] for size in sizes]
    return {
        "sizes": sizes,
        "processor_seconds_of_the_largest": sizes[-1]["all"]["processor_seconds"],
        "processor_seconds_added_by_a_run_late_over_early": spread(
            [late_over_early(numbers, [size["all"]["processor_seconds"]["median"] for size in sizes])]
        ),
    }


def resumed(uri: str, seeds: int) -> None:
    """Run the finished study in the store at ``uri`` again; RuntimeError when a training was missing."""
    if left := record(uri, inputs_of(study_of(seeds))):
        raise RuntimeError(f"{left} trainings of a finished study were trained again")


_IMPORTS = "import harness.report.write, mlflow.store.tracking.sqlalchemy_store"
"""What a report loads before it reads anything."""
_OPEN = "from harness.tracking.study_reader import list_studies; print(list_studies({!r}))"
_WATCH = """
import json, resource, subprocess, sys, time
began = time.perf_counter()
code = subprocess.run(sys.argv[1:]).returncode
seconds, used = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
processor, peak = used.ru_utime + used.ru_stime, used.ru_maxrss / 2**20
print(json.dumps({"processor_seconds": processor, "seconds": seconds, "peak_gib": peak}))
sys.exit(code)
"""
"""A small process between, because the peak of a process counts what the one that started it had in memory."""
_TIMES = ("processor_seconds", "seconds")


def _report(uri: str) -> list[str]:
    return [HARNESS, "report", NAME, "--tracking-uri", uri, "--reports", "reports"]


def _measured(command: Sequence[str], folder: Path) -> dict[str, float]:
    """Run ``command`` in ``folder``; return its seconds and peak memory, which is that of its largest process."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", _WATCH, *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} exited with code {done.returncode}:\n{done.stdout}{done.stderr}")
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured
