"""The share of a real study's wall time outside training: search, tracking, report and everything between.

ESC-10, the 4-layer network on LMC, official folds, one trial and the final training of each fold, one worker. The
features are built before the clock starts, so that the study only opens them. Outside is the wall time less the sum of
the trainings' own seconds, each from loading the features to the last prediction.

A full training, as earlier replications ran it, has 50 epochs, which would take hours here. What is outside does not
grow with epochs but for a row of history each; so its share there is computed: the seconds of the steps, as the
trainings recorded them, count 50 / epochs times, all else once. That neglects the validation after each epoch and so
overstates the share.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.growth import measure
from benchmarks.record import spread, write
from harness.data.data_root import resolve_data_root
from harness.running.study_inputs import study_inputs
from harness.study import StudySpec
from harness.study.study_file import parse_study
from harness.terminal.progress import Silent

EPOCHS = 3
FULL_EPOCHS = 50
"""Of a full training: what earlier replications of the paper and the ResNet-18 practical used."""


def outside(epochs: int = EPOCHS, repeats: int = 1, folds: Sequence[int] = (1, 2, 3, 4, 5)) -> None:
    """Measure the study from an empty store."""
    root = resolve_data_root(None)
    with TemporaryDirectory() as name:
        folder, spec = Path(name), esc10(epochs, folds)
        began = time.perf_counter()
        prepared = study_inputs(spec, root, folder / "cache", 1, "cpu", Silent())
        features = time.perf_counter() - began
        runs = [measure(spec, folder, f"run-{repeat}", root) for repeat in range(repeats)]
    (reference,) = prepared.features.values()
    segments = [reference.segments_per_clip()[split.train.clips].sum() for split in prepared.splits.values()]
    for run in runs:
        run["step_seconds"] = epochs * float(np.mean(segments)) * run["seconds_a_segment"]
    write("outside", {"dataset": "esc10", "epochs": epochs, "feature_seconds": features, **summary(runs, epochs)})


def summary(runs: Sequence[dict[str, float]], epochs: int) -> dict[str, Any]:
    """Return seconds and shares of ``runs``, as measured and in a full training."""
    more = FULL_EPOCHS / epochs - 1
    names = ("seconds", "training_seconds", "step_seconds", "outside_seconds", "report_seconds")
    return {
        "trainings": runs[0]["trainings"],
        "workers": 1,
        **{name: spread([run[name] for run in runs]) for name in names},
        "outside_seconds_a_training": spread([run["outside_seconds"] / run["trainings"] for run in runs]),
        "share": spread([run["outside_seconds"] / run["seconds"] for run in runs]),
        f"share_at_{FULL_EPOCHS}_epochs_computed": spread(
            [run["outside_seconds"] / (run["seconds"] + more * run["step_seconds"]) for run in runs]
        ),
    }


def esc10(epochs: int, folds: Sequence[int]) -> StudySpec:
    """Return LMCNet's part of studies/su2019-esc10.toml with few epochs and one trial."""
    return parse_study(
        {
            "study": {"name": "outside", "seed": 1},
            "data": {"dataset": "esc10", "folds": list(folds)},
            "features": {"clip_seconds": 5.0},
            "train": {"epochs": epochs, "batch_size": 32, "precision": "bfloat16"},
            "arms": [{"name": "LMCNet", "model": "su4", "features": "LMC"}],
            "search": {"trials": 1, "sampler": "random", "space": {"train.lr": {"low": 1e-4, "high": 1e-2}}},
        },
        "benchmark",
    )
