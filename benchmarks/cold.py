"""Processor time of a cold study outside its trainings: five folds of one small arm, with an empty cache and store.

The embedded sounds, `harness run-study` as a user runs it, with a worker on every core and the complete report. The
processor time of the command and all it starts is measured with some epochs and with twice as many: the difference is
what the epochs cost, and the rest is outside. Processor time is disturbed less than wall time by other programs.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.record import spread, write
from benchmarks.whole import HARNESS, processor_seconds_of

STUDY = """
[study]
name = "cold"
seed = 1

[data]
dataset = "synthetic"

[data.synthetic]
clips_per_class_and_fold = 4

[train]
epochs = {epochs}
batch_size = 16

[[arms]]
name = "small"
model = "su4"
features = "LM"

[search]
trials = 0
"""


def cold(repeats: int = 2, epochs: int = 2) -> None:
    """Measure the study from nothing (target: 20 s of processor time outside its trainings)."""
    runs = [summary(*(_run(epochs * times) for times in (1, 2))) for _ in range(repeats)]
    write("cold", {"epochs": epochs, "folds": 5, **{name: spread([run[name] for run in runs]) for name in runs[0]}})


def summary(once: float, twice: float) -> dict[str, float]:
    """Return where the processor seconds of a study went, from those with some epochs and with twice as many."""
    return {
        "processor_seconds": once,
        "processor_seconds_of_epochs": twice - once,
        "processor_seconds_outside_training": 2 * once - twice,
    }


def _run(epochs: int) -> float:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        study = folder / "cold.toml"
        study.write_text(STUDY.format(epochs=epochs), encoding="utf-8")
        command = [HARNESS, "run-study", str(study), "--quiet", "--device", "cpu"]
        command += ["--tracking-uri", f"sqlite:///{folder}/mlruns/mlflow.db"]
        places = {"--data-root": "data", "--cache": "cache", "--reports": "reports"}
        command += [part for option, place in places.items() for part in (option, str(folder / place))]
        return processor_seconds_of(command, folder)
