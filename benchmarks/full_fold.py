"""One fold of UrbanSound8K's size, trained in full: from features on disk to the test part's predictions.

Features are random numbers of the real shapes (8,732 clips of 4 s in ten folds): speed does not depend on their values.
Nothing is written and no study is run; the harness's own pieces are used in the order of its training loop.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.contestants import items_of, part_of
from benchmarks.training import FRAMES, HOP, N_CLASSES, SEGMENTS_PER_CLIP
from harness.features.cache.feature_store import FeatureRef
from harness.models.build import build_model
from harness.study import ModelSection, TrainSection
from harness.training.augment import Draws
from harness.training.graphs import GraphLearner
from harness.training.isolation import isolated
from harness.training.learner import Learner, batch_bounds
from harness.training.normalise import normalise
from harness.training.resident import Items, Resident

CLIPS, EPOCHS, FOLDS = 8732, 50, 10
# Rows of the three feature sets that table 2 trains on: LMC and MC alike, and MLMC.
ROWS = {"LMC": 85, "MC": 85, "MLMC": 145}


def full_fold(device: torch.device, *, graph: bool, small: bool) -> dict[str, Any]:
    """Measure one fold of LMC's shape and one of MLMC's, and what table 2 would take at that speed.

    Su et al. 2019, table 2: three networks (LMC, MC, MLMC) on ten folds; its fusions train nothing.
    """
    clips, epochs = (10, 1) if small else (CLIPS, EPOCHS)
    measured = {rows: _train(rows, clips, epochs, device, graph=graph) for rows in sorted(set(ROWS.values()))}
    found: dict[str, Any] = {
        "clips": clips,
        "epochs": epochs,
        "recorded_steps": graph,
        "measured_by_rows": {str(rows): values for rows, values in measured.items()},
    }
    if not small:
        found["table_2_extrapolated"] = {
            "seconds": FOLDS * sum(measured[rows]["total_seconds"] for rows in ROWS.values()),
            "how": (
                f"{FOLDS} folds x (LMC + MC + MLMC), each estimated from the one measured fold of its shape; one "
                "process, one seed, no search, features on disk: an extrapolation, not a measurement"
            ),
        }
    return found


def _train(rows: int, clips: int, epochs: int, device: torch.device, *, graph: bool) -> dict[str, float]:
    train = TrainSection(epochs=epochs, precision="bfloat16")
    with tempfile.TemporaryDirectory() as folder, isolated(device, 0, train.threads):
        features = _features(Path(folder), rows, clips)
        began = time.perf_counter()
        items = items_of(clips * SEGMENTS_PER_CLIP)
        fold = items.clips % FOLDS
        resident = Resident(features, device)
        # Fold 0 tests, fold 1 validates, the others train.
        trained = _where(items, fold > 1)
        normalise(resident, trained, "per-bin")
        resident.round_to_bfloat16()
        loaded = time.perf_counter()
        parts = [part_of(resident, part) for part in (trained, _where(items, fold == 1), _where(items, fold == 0))]
        model = build_model("su4", ModelSection(), resident.input_shape, N_CLASSES)
        learner = (GraphLearner if graph else Learner)(model, train, device)
        draws = Draws(train, len(trained), resident.input_shape, 0, device)
        bounds = batch_bounds(len(trained), train.batch_size)
        for _ in range(epochs):
            learner.set_rate(train.lr)
            learner.epoch(resident, parts[0], draws.epoch(), bounds)
            learner.tally()
            learner.predict(resident, parts[1])
        learner.predict(resident, parts[2])
        ended = time.perf_counter()
    return {
        "total_seconds": ended - began,
        "load_seconds": loaded - began,
        "segments_trained_on": len(trained),
        "segments_per_second": epochs * len(trained) / (ended - loaded),
    }


def _where(items: Items, chosen: np.ndarray[Any, np.dtype[np.bool_]]) -> Items:
    return Items(items.clips[chosen], items.segments[chosen], items.labels[chosen])


def _features(folder: Path, rows: int, clips: int) -> FeatureRef:
    offsets = np.arange(clips + 1, dtype=np.int64) * (FRAMES + (SEGMENTS_PER_CLIP - 1) * HOP)
    x = np.random.default_rng(0).standard_normal((int(offsets[-1]), rows), dtype=np.float32)
    np.save(folder / "x.npy", x)
    return FeatureRef("LMC", "segments", ("LM",), (str(folder / "x.npy"),), offsets, FRAMES, HOP, "")
