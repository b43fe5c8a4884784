"""A study of any size as the store holds it: real records of invented trainings on 400 clips of 10 classes in 5 folds.

Nothing is trained. Everything else is what a study on ESC-10 leaves: segment and clip predictions, curves of 10 epochs,
tags, hyperparameters, data set inputs and metrics of every training, written by the recorder itself.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from harness.data.clips import ClipTable
from harness.data.leakage import leakage_report
from harness.data.splits import Part, Split, make_splits
from harness.features.cache.feature_store import FeatureRef
from harness.study import StudySpec
from harness.study.study_file import parse_study
from harness.tracking.study_recorder import StudyRecorder
from harness.training.fuse import fuse_predictions
from harness.training.metrics import clip_predictions, table_scores
from harness.training.task import FoldResult, FoldTask

N_CLASSES, N_FOLDS, N_CLIPS = 10, 5, 400
SEGMENTS, EPOCHS = 8, 10
NAME = "load"
NETWORKS = ("su4", "su6", "su8")
FEATURES = ("LMC", "MC", "MLMC")
ARMS = tuple(f"{network}-{features}" for network in NETWORKS for features in FEATURES)
FUSED = "fused"
ARMS_IN_ALL = len(ARMS) + 1


def study_of(seeds: int) -> StudySpec:
    """Return a study of nine networks and one fusion, which has ``50 * seeds`` fold runs."""
    arms = [
        {"name": f"{network}-{features}", "model": network, "features": features}
        for network in NETWORKS
        for features in FEATURES
    ]
    return parse_study(
        {
            "study": {"name": NAME, "question": "How long does a report take?", "seed": 1},
            "data": {"dataset": "esc10"},
            "train": {"epochs": EPOCHS},
            "arms": [*arms, {"name": FUSED, "fuse": list(ARMS[:2]), "rule": "dempster-shafer"}],
            "evaluate": {"seeds": seeds, "margin": 2.0, "contrasts": [[FUSED, arm] for arm in ARMS[:2]]},
            "compare": [{"claim": "piczak2015cnn:ESC-10/CNN", "arm": ARMS[0], "as": "reference"}],
            "tracking": {"system_metrics": False, "weights": False},
        },
        "benchmark",
    )


def record(uri: str, seeds: int) -> int:
    """Record such a study in the store at ``uri``; return the number of its fold runs."""
    spec, clips = study_of(seeds), _clips()
    splits = {split.fold: split for split in make_splits(clips, "official", range(1, N_FOLDS + 1), 1)}
    digests = {"data": clips.digest} | {f"features.{name}": name.lower() * 8 for name in FEATURES}
    recorder = StudyRecorder.open(
        uri,
        spec,
        clips=clips,
        leakage=[leakage_report(clips, split, "train") for split in splits.values()],
        digests=digests,
        command="python -m benchmarks load",
    )
    with recorder:
        streams: dict[tuple[str, int, int], pd.DataFrame] = {}
        for position, arm in enumerate(ARMS):
            trial = recorder.trial(spec.arm(arm), "final", None)
            for fold, split in splits.items():
                for seed in range(seeds):
                    task = _task(spec, clips, split, arm, fold, seed, digests)
                    result = _result(task, position)
                    run_id = recorder.start_fold(trial, task)
                    tables = _tables(result, clips)
                    measured = {part: table_scores(table, N_CLASSES) for part, table in tables.items()}
                    recorder.finish_fold(run_id, result, tables, measured)
                    if arm in ARMS[:2]:
                        streams[arm, fold, seed] = result.predictions
        fused = spec.arm(FUSED)
        trial = recorder.trial(fused, "final", None)
        for fold in splits:
            for seed in range(seeds):
                joined = fuse_predictions([streams[arm, fold, seed] for arm in ARMS[:2]], "dempster-shafer", "clip")
                table = clip_predictions(joined[joined["part"] == "test"], clips)
                recorder.log_fused_fold(trial, fused, fold, seed, joined, table, table_scores(table, N_CLASSES))
    return ARMS_IN_ALL * N_FOLDS * seeds


def _clips() -> ClipTable:
    rows = np.arange(N_CLIPS)
    frame = pd.DataFrame(
        {
            "clip_id": [f"{1 + row // 80}-{10000 + row}-A-{row % N_CLASSES}" for row in rows],
            "path": [f"audio/{row}.wav" for row in rows],
            "label": rows % N_CLASSES,
            "fold": 1 + rows // (N_CLIPS // N_FOLDS),
            "recording": [f"{1 + row // 80}-{10000 + row // 20 * 20 + row % N_CLASSES}" for row in rows],
            "duration": 5.0,
        }
    )
    return ClipTable("esc10", frame, tuple(f"class {label}" for label in range(N_CLASSES)), "d" * 64)


def _task(
    spec: StudySpec, clips: ClipTable, split: Split, arm: str, fold: int, seed: int, digests: Mapping[str, str]
) -> FoldTask:
    settings = spec.settings(spec.arm(arm), None)
    name = settings.features_name
    offsets = np.arange(len(clips) + 1, dtype=np.int64) * 20 * (SEGMENTS + 1)
    return FoldTask(
        study=spec.study.name,
        arm=arm,
        phase="final",
        trial=None,
        fold=fold,
        seed_index=seed,
        seed=seed,
        settings=settings,
        epoch_rule="fixed",
        final_train="train",
        split=split,
        labels=clips.frame["label"].to_numpy(dtype=np.int64),
        n_classes=N_CLASSES,
        features=FeatureRef(name, "segments", ("LM",), ("none.npy",), offsets, 41, 20, digests[f"features.{name}"]),
        normalise="per-bin",
        device="cpu",
    )


def _result(task: FoldTask, skill: int) -> FoldResult:
    random = np.random.default_rng([skill, task.fold, task.seed_index])
    epochs = np.arange(1, EPOCHS + 1)
    history = pd.DataFrame({"epoch": epochs, "lr": 0.001}).assign(
        train_loss=2.2 * np.exp(-epochs / 3) + random.random(EPOCHS) / 10,
        train_segment_accuracy=1 - np.exp(-epochs / 3),
        validation_loss=2.2 * np.exp(-epochs / 5) + random.random(EPOCHS) / 10,
        validation_clip_accuracy=random.random(EPOCHS),
        validation_macro_accuracy=random.random(EPOCHS),
    )
    parts = {"validation": task.split.validation, "test": task.split.test}
    return FoldResult(
        task_key=task.key,
        predictions=pd.concat(
            [_segments(name, part, task, 1.5 + skill / 10, random) for name, part in parts.items()], ignore_index=True
        ),
        history=history,
        best_epoch=EPOCHS,
        weights={},
        timing={"total": 20.0, "load": 1.0, "train": 18.0, "evaluate": 1.0, "segments_per_second": 800.0},
        conditions={"device": "a processor", "threads": "1", "torch": "2.11", "precision": "float32"},
        warnings=(),
    )


def _segments(name: str, part: Part, task: FoldTask, skill: float, random: np.random.Generator) -> pd.DataFrame:
    clips = np.repeat(part.clips, SEGMENTS)
    labels = task.labels[clips]
    logits = random.normal(size=(len(clips), N_CLASSES)) + np.repeat(
        random.normal(size=(len(part), N_CLASSES)), SEGMENTS, axis=0
    )
    logits[np.arange(len(clips)), labels] += skill
    p = np.exp(logits)
    p = (p / p.sum(axis=1, keepdims=True)).astype(np.float32)
    numbers = np.tile(np.arange(SEGMENTS), len(part))
    keys = {"part": name, "clip": clips, "segment": numbers, "y_true": labels}
    return pd.DataFrame(keys | {f"p_{label}": p[:, label] for label in range(N_CLASSES)})


def _tables(result: FoldResult, clips: ClipTable) -> dict[str, pd.DataFrame]:
    parts = result.predictions.groupby("part")
    return {str(part): clip_predictions(rows.reset_index(drop=True), clips) for part, rows in parts}
