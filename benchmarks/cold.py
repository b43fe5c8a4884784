"""Processor time of a cold study outside its trainings: five folds of one small arm, with an empty cache and store.

The embedded sounds, `harness run-study` as a user runs it, with a worker on every core and the complete report. Outside
is the processor time of the command and all it starts, less the seconds that the trainings recorded, which one thread
each took; so it needs a quiet machine, on which a thread's wall time is its processor time.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.record import spread, write
from benchmarks.whole import HARNESS, processor_seconds
from harness.tracking.study_reader import read_study

NAME = "cold"
STUDY = f"""
[study]
name = "{NAME}"
seed = 1

[data]
dataset = "synthetic"

[data.synthetic]
clips_per_class_and_fold = 4

[train]
epochs = {{epochs}}
batch_size = 16

[[arms]]
name = "small"
model = "su4"
features = "LM"

[search]
trials = 0
"""


def cold(repeats: int = 3, epochs: int = 2) -> None:
    """Measure the study from nothing (target: 20 s of processor time outside its trainings)."""
    runs = [_run(epochs) for _ in range(repeats)]
    write("cold", {"epochs": epochs, "folds": 5, **{name: spread([run[name] for run in runs]) for name in runs[0]}})


def _run(epochs: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        study = folder / "cold.toml"
        study.write_text(STUDY.format(epochs=epochs), encoding="utf-8")
        store = f"sqlite:///{folder}/mlruns/mlflow.db"
        places = {"--data-root": "data", "--cache": "cache", "--reports": "reports"}
        command = [HARNESS, "run-study", str(study), "--quiet", "--device", "cpu", "--tracking-uri", store]
        command += [part for option, place in places.items() for part in (option, str(folder / place))]
        processor, began = processor_seconds(), time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, cwd=folder)
        seconds, processor = time.perf_counter() - began, processor_seconds() - processor
        trained = float(read_study(store, NAME).folds["seconds"].sum())
    return {
        "seconds": seconds,
        "processor_seconds": processor,
        "training_seconds": trained,
        "processor_seconds_outside_training": processor - trained,
    }
