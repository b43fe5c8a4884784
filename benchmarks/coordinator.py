"""How many workers one process can lead: it schedules, asks Optuna, and records every start, epoch and result.

Workers are simulated and take no time, so the process is as busy as it can be; store and Optuna's storage are real
(SQLite). What counts are its seconds of CPU time for one training: 1,000 workers need trainings of at least 1,000 times
as long.
"""

from __future__ import annotations

import resource
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from benchmarks.record import write
from benchmarks.scheduling import N_FOLDS, inputs_of, study_of
from benchmarks.simulated import SimulatedExecutor, made_up_results
from harness.data.leakage import leakage_report
from harness.running.arm_chains import StudyArms
from harness.running.trainings import Trainings
from harness.terminal.progress import Silent
from harness.tracking.study_recorder import StudyRecorder

PER_FOLD = 40


def lead(workers: int, arms: int, parallel_trials: int) -> dict[str, Any]:
    """Return what it costs to lead ``workers`` through one batch of each arm's search, and its final trainings."""
    spec = study_of(arms, parallel_trials, parallel_trials)
    inputs = inputs_of(spec, PER_FOLD)
    statements: Counter[str] = Counter()

    def count(_: Any, __: Any, statement: str, *___: Any) -> None:
        statements[statement.split(maxsplit=1)[0].upper()] += 1

    executor = SimulatedExecutor(workers, lambda *_: 1.0, made_up_results, epochs=True)
    with tempfile.TemporaryDirectory() as folder:
        uri = f"sqlite:///{Path(folder) / 'mlflow.db'}"
        recorder = StudyRecorder.open(
            uri,
            spec,
            clips=inputs.clips,
            leakage=[leakage_report(inputs.clips, split, "train") for split in inputs.splits.values()],
            digests=inputs.digests,
            command="python -m benchmarks coordinator",
        )
        with recorder:
            total = spec.expected_trainings(spec.arms)
            trainings = Trainings(recorder, executor, inputs.clips, Silent(), total, pictures=False)
            event.listen(Engine, "before_cursor_execute", count)
            before, began = _megabytes(), (time.process_time(), time.perf_counter())
            trainings.run(StudyArms(inputs, recorder, trainings, uri, Silent(), inputs.spec.arms).chains())
            cpu, wall = time.process_time() - began[0], time.perf_counter() - began[1]
            event.remove(Engine, "before_cursor_execute", count)
    writes = sum(statements[kind] for kind in ("INSERT", "UPDATE", "DELETE"))
    events = total * (2 + spec.train.epochs)
    return {
        "workers": workers,
        "most_at_once": min(workers, arms * N_FOLDS * parallel_trials),
        "trainings": total,
        "cpu_seconds_per_training": round(cpu / total, 4),
        "wall_seconds_per_training": round(wall / total, 4),
        "events_per_cpu_second": round(events / cpu, 1),
        "statements_per_training": round(sum(statements.values()) / total, 1),
        "writes_per_training": round(writes / total, 1),
        "memory_grown_mb": round(_megabytes() - before, 1),
        "peak_memory_mb": round(_megabytes(), 1),
        "least_seconds_of_a_training": round(workers * cpu / total, 1),
    }


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def coordinator(workers: tuple[int, ...] = (10, 100, 1000), most: int = 10) -> None:
    """Measure several numbers of workers, each with a study that has as many trainings at once, of ``most`` arms."""
    rows = []
    for number in workers:
        batch = max(1, number // (most * N_FOLDS))
        rows.append(lead(number, min(most, max(1, number // N_FOLDS)), batch))
    write("coordinator", {"clips": PER_FOLD * N_FOLDS, "epochs": study_of(1, 1, 1).train.epochs, "rows": rows})
