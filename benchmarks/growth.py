"""How a study's cost grows with clips, trials and folds, and what it costs outside training.

The embedded study runs with one worker, in this process, sizes in turns. Outside is the wall time less the sum of its
trainings' own times: reading audio headers, splitting, searching, recording in MLflow, the report. A training of it
lasts about a second, so the seconds count, not their share; shares are of real studies (benchmarks/outside.py).

Linear means that what a unit adds does not depend on how many there are: the seconds each unit adds between the middle
and the largest size, over those between the smallest and the middle one, are about 1; they would be about 2 if the cost
were quadratic. With folds, each training also learns from more clips, as the protocol wants; so there the unit is one
clip trained on, or three only predicted, for a forward pass is about a third of a step. Seconds here are of the
processor, in this process and those it starts, which other programs on the machine disturb less; wall time stands
beside them.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from benchmarks.record import spread, write
from harness.running.reports import report_run
from harness.running.study import Options, run_study
from harness.study import StudySpec
from harness.study.study_file import parse_study
from harness.terminal.progress import Silent

SIZES = {"clips": (1, 2, 4), "trials": (1, 2, 4), "folds": (3, 4, 5)}
N_CLASSES, N_FOLDS = 10, 5
CLIPS_BY_FOLDS = 4
"""Clips of each class in each fold where folds are varied."""


def growth(repeats: int = 3, sizes: dict[str, tuple[int, int, int]] = SIZES) -> None:
    """Measure the seconds of a study, and those outside training, at three sizes of each kind."""
    runs: dict[str, list[list[dict[str, float]]]] = {kind: [] for kind in sizes}
    with TemporaryDirectory() as name:
        measure(study("clips", 1), Path(name), "warm-up")
        for repeat in range(repeats):
            for kind, values in sizes.items():
                folder = Path(name)
                runs[kind].append([measure(study(kind, value), folder, f"{kind}-{value}-{repeat}") for value in values])
    write("growth", {f"by_{kind}": _summary(kind, sizes[kind], rounds) for kind, rounds in runs.items()})


def study(kind: str, value: int) -> StudySpec:
    """Return the embedded study with ``value`` trials, folds, or clips of each class in each fold."""
    searched: dict[str, Any] = {
        "search": {"trials": value, "sampler": "random", "space": {"train.lr": {"low": 1e-4, "high": 1e-2}}}
    }
    clips = {"clips": value, "folds": CLIPS_BY_FOLDS}.get(kind, 1)
    return parse_study(
        {
            "study": {"name": f"growth-{kind}-{value}", "seed": 1},
            "data": {"dataset": "synthetic", "synthetic": {"clips_per_class_and_fold": clips}}
            | ({"folds": list(range(1, value + 1))} if kind == "folds" else {}),
            "train": {"epochs": 1, "batch_size": 16},
            "arms": [{"name": "A", "model": "su8", "features": "LM"}],
            "tracking": {"system_metrics": False, "weights": False},
        }
        | (searched if kind == "trials" else {}),
        "benchmark",
    )


def measure(spec: StudySpec, folder: Path, name: str, data_root: Path | None = None) -> dict[str, float]:
    """Run ``spec`` with its data and features in ``folder`` and an empty store; return the seconds by where they went.

    ``report_seconds`` is a second writing of the report, after the clock has stopped: what it takes of the whole.
    """
    options = Options(
        data_root=data_root or folder / "data",
        cache=folder / "cache",
        reports=folder / name,
        tracking_uri=f"sqlite:///{folder / name / 'mlflow.db'}",
        device="cpu",
        workers=1,
    )
    statements: list[str] = []

    def count(_: Any, __: Any, statement: str, *___: Any) -> None:
        statements.append(statement)

    event.listen(Engine, "before_cursor_execute", count)
    processor, began = _processor_seconds(), time.perf_counter()
    outcome = run_study(spec, options, Silent())
    seconds, processor = time.perf_counter() - began, _processor_seconds() - processor
    event.remove(Engine, "before_cursor_execute", count)
    began = time.perf_counter()
    report_run(spec.study.name, outcome.record.run_id, options.tracking_uri, folder / name / "again")
    report = time.perf_counter() - began
    folds = outcome.record.folds
    trained = float(folds["seconds"].sum())
    return {
        "trainings": int((folds["status"] == "FINISHED").sum()),
        "seconds": seconds,
        "processor_seconds": processor,
        "statements": len(statements),
        "training_seconds": trained,
        "outside_seconds": seconds - trained,
        "report_seconds": report,
        # Of each training one segment's, summed.
        "seconds_a_segment": float((1 / folds["segments_per_second"]).sum()),
    }


def _processor_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _summary(kind: str, values: Sequence[int], rounds: list[list[dict[str, float]]]) -> dict[str, Any]:
    return {
        "sizes": [
            {
                kind: value * N_CLASSES * N_FOLDS if kind == "clips" else value,
                "units": unit,
                "trainings": sized[0]["trainings"],
                **{
                    name: spread([run[name] for run in sized])
                    for name in ("seconds", "processor_seconds", "statements", "training_seconds", "outside_seconds")
                },
            }
            for value, unit, sized in zip(values, units(kind, values), zip(*rounds, strict=True), strict=True)
        ],
        **{
            f"{name}_added_by_a_unit_late_over_early": spread(
                [late_over_early(units(kind, values), [run[name] for run in sized]) for sized in rounds]
            )
            for name in ("seconds", "processor_seconds", "statements")
        },
    }


def units(kind: str, values: Sequence[int]) -> list[float]:
    """Return the units of work at each size: clips, trials, or under ``folds`` the clips that pass (see the header)."""
    if kind != "folds":
        return [float(value) for value in values]
    # Of k folds, each training learns from k - 2 and predicts two.
    return [CLIPS_BY_FOLDS * N_CLASSES * k * (k - 2 + 2 / 3) for k in values]


def late_over_early(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """Return what a unit adds from the second to the third size, over what one adds from the first to the second; 1 if
    it always adds the same, also where that is nothing."""
    early = (costs[1] - costs[0]) / (sizes[1] - sizes[0])
    late = (costs[2] - costs[1]) / (sizes[2] - sizes[1])
    return 1.0 if late == early else late / early if early else math.inf
