"""What a study costs outside training, and how it grows with trials and with clips.

The embedded study runs with one worker, in this process. Outside is the wall time of the study less the sum of its
trainings' own times: reading audio headers, splitting, searching, recording in MLflow and the report. A training of it
lasts about a second, so the seconds a training count, not their share; shares are of real studies.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.record import write
from harness.progress import Silent
from harness.run import Options, report_run, run_study
from harness.study import StudySpec
from harness.study.load import parse_study

TRIALS = (2, 4, 8)
CLIPS = (1, 2, 4)


def growth() -> None:
    """Measure the seconds outside training for more trials, and for more clips of each class and fold."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _measure(_study(2, 1), folder, "warm-up")
        by_trials = [{"trials": n, **_measure(_study(n, 1), folder, f"trials-{n}")} for n in TRIALS]
        by_clips = [{"clips": 10 * 5 * n, **_measure(_study(2, n), folder, f"clips-{n}")} for n in CLIPS]
    write("growth", {"by_trials": by_trials, "by_clips": by_clips})


def _study(trials: int, clips: int) -> StudySpec:
    return parse_study(
        {
            "study": {"name": f"growth-{trials}-{clips}", "seed": 1},
            "data": {"dataset": "synthetic", "synthetic": {"clips_per_class_and_fold": clips}},
            "train": {"epochs": 1, "batch_size": 16},
            "arms": [{"name": "A", "model": "su8", "features": "LM"}],
            "search": {"trials": trials, "sampler": "random", "space": {"train.lr": {"low": 1e-4, "high": 1e-2}}},
            "tracking": {"system_metrics": False, "weights": False},
        },
        "benchmark",
    )


def _measure(spec: StudySpec, folder: Path, name: str) -> dict[str, Any]:
    options = Options(
        data_root=folder / f"data-{spec.data.synthetic.clips_per_class_and_fold}",
        cache=folder / "cache",
        reports=folder / name,
        tracking_uri=f"sqlite:///{folder / name / 'mlflow.db'}",
        device="cpu",
        workers=1,
    )
    began = time.perf_counter()
    outcome = run_study(spec, options, Silent())
    whole = time.perf_counter() - began
    began = time.perf_counter()
    report_run(spec.study.name, outcome.record.run_id, options.tracking_uri, folder / name / "again")
    report = time.perf_counter() - began
    trained = float(outcome.record.folds["seconds"].sum())
    trainings = int((outcome.record.folds["status"] == "FINISHED").sum())
    return {
        "trainings": trainings,
        "seconds": whole,
        "training_seconds": trained,
        "report_seconds": report,
        "outside_seconds_per_training": (whole - trained - report) / trainings,
    }
