"""Reading and reporting a recorded study of hundreds and thousands of fold runs, in a process of its own each time.

The study is recorded once a size (benchmarks/recorded.py). Seconds of the processor, user and system, are what counts
on a machine with other work; wall time stands with them. LaTeX is measured apart: it works in processes of its own.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.record import spread, write
from benchmarks.recorded import NAME, fold_runs, inputs_of, record, study_of

_ROOT = Path(__file__).parents[1]


def load(repeats: int = 3, seeds: Sequence[int] = (10, 40), *, pdf: bool = True) -> None:
    """Measure reading, reporting and LaTeX for studies with 50 fold runs a seed."""
    rows = []
    for count in seeds:
        with tempfile.TemporaryDirectory() as folder:
            record(f"sqlite:///{folder}/mlruns/mlflow.db", inputs_of(study_of(count)))
            runs = [_measured(folder, pdf) for _ in range(repeats)]
        rows.append(
            {"fold_runs": fold_runs(study_of(count))} | {name: spread([run[name] for run in runs]) for name in runs[0]}
        )
    write("load", {"sizes": rows})


def _measured(folder: str, pdf: bool) -> dict[str, float]:
    command = [sys.executable, "-c", f"from benchmarks.load import one; one({folder!r}, pdf={pdf})"]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(_ROOT)}
    )
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


def one(folder: str, *, pdf: bool) -> None:
    """Read and report the study recorded in ``folder``; print the seconds and the peak memory as JSON."""
    from harness.report.typeset.pdf import compile_pdf
    from harness.report.write import write_report
    from harness.tracking.study_reader import read_study

    reports = Path(folder) / "reports" / NAME
    began = [_clock()]
    study = read_study(f"sqlite:///{folder}/mlruns/mlflow.db", NAME)
    began.append(_clock())
    write_report(study, reports, pdf=False)
    began.append(_clock())
    if pdf:
        files = {
            path.relative_to(reports).as_posix(): path.read_bytes() for path in reports.rglob("*") if path.is_file()
        }
        compile_pdf(files, reports, say=lambda text: print(text, file=sys.stderr))
    began.append(_clock())
    measured: dict[str, Any] = {}
    for name, first, last in zip(("read", "report", "latex"), began, began[1:], strict=False):
        measured |= {f"{name}_seconds": last[0] - first[0], f"{name}_processor_seconds": last[1] - first[1]}
    print(json.dumps({**measured, "peak_megabytes": _peak_megabytes()}))


def _peak_megabytes() -> float:
    """Return the peak of this process alone; ``ru_maxrss`` also counts the memory of the process that started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    [kilobytes] = re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return int(kilobytes) * 1024 / 1e6


def _clock() -> tuple[float, float]:
    times = os.times()
    return time.perf_counter(), times.user + times.system + times.children_user + times.children_system
