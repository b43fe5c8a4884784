"""Peak memory of training, by batch size and by number of clips.

Each training is one epoch of the 4-layer network on made features in a process of its own, from reading the features
to the predictions, and its memory is watched from outside. Clips cost what their features occupy, which is counted and
stands beside the peak; batches cost what their activations occupy.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.processes import measure
from benchmarks.record import spread, write
from benchmarks.training import N_CLASSES, features_at, made_features
from harness.data.splits import Part, Split
from harness.study import ArmSettings, ModelSection, TrainSection
from harness.training.loop import train_fold
from harness.training.task import FoldTask

BATCHES = (8, 32, 128)
CLIPS = (100, 400, 1600)
PRECISION: Final = "bfloat16"
_ROOT = Path(__file__).parents[1]


def training_memory(repeats: int = 2, batches: Sequence[int] = BATCHES, clips: Sequence[int] = CLIPS) -> None:
    """Measure one epoch for each batch size and number of clips."""
    rows = [_row(batch, n, repeats) for batch, n in itertools.product(batches, clips)]
    by_batch = {str(batch): growth([row for row in rows if row["batch"] == batch]) for batch in batches}
    write(
        "memory",
        {"model": "su4", "precision": PRECISION, "rows": rows, "growth_beyond_features_by_batch": by_batch},
    )


def _row(batch: int, clips: int, repeats: int) -> dict[str, Any]:
    peaks = []
    with tempfile.TemporaryDirectory() as folder:
        # Made here, so that making them does not count as memory of the training.
        features = made_features(Path(folder), clips)
        megabytes = Path(features.files[0]).stat().st_size / 1e6
        for _ in range(repeats):
            script = f"from benchmarks.memory import one_epoch; one_epoch({batch}, {clips}, {folder!r})"
            command = ["env", f"PYTHONPATH={_ROOT}", sys.executable, "-c", script]
            peaks.append(measure(command, Path(folder), every=0.05).peak_bytes / 1e6)
    return {
        "batch": batch,
        "clips": clips,
        "features_megabytes": megabytes,
        "peak_megabytes": spread(peaks),
        "beyond_features_megabytes": spread([peak - megabytes for peak in peaks]),
    }


def growth(rows: Sequence[dict[str, Any]]) -> float:
    """Return the peak beyond the features with the most clips over that with the fewest."""
    ordered = sorted(rows, key=lambda row: int(row["clips"]))
    return float(ordered[-1]["beyond_features_megabytes"]["median"] / ordered[0]["beyond_features_megabytes"]["median"])


def one_epoch(batch: int, clips: int, folder: str) -> None:
    """Train for one epoch on 3 of 5 clips, validate on one and test on one, as a fold of five does."""
    labels = np.arange(clips, dtype=np.int64) % N_CLASSES
    fold = np.arange(clips, dtype=np.int64) // N_CLASSES % 5
    test, validation, train = (Part(np.flatnonzero(chosen)) for chosen in (fold == 0, fold == 1, fold > 1))
    train_fold(
        FoldTask(
            study="benchmark",
            arm="LMCNet",
            phase="final",
            trial=None,
            fold=1,
            seed_index=0,
            seed=1,
            settings=ArmSettings(
                arm="LMCNet",
                model_name="su4",
                features_name="LMC",
                model=ModelSection(),
                train=TrainSection(epochs=1, batch_size=batch, precision=PRECISION),
            ),
            epoch_rule="fixed",
            final_train="train",
            split=Split("official", 1, train, validation, test),
            labels=labels,
            n_classes=N_CLASSES,
            features=features_at(Path(folder), clips),
            normalise="per-bin",
            device="cpu",
        )
    )
