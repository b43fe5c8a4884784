"""A study of any size as the store holds it: real records of invented trainings.

Nothing is trained. Everything else is what a study leaves: predictions, curves of 10 epochs, tags, hyperparameters,
data set inputs and metrics of every training, written by the recorder itself. Hundreds of seeds are copies of the first
ones in the database and among the artifacts, for recording them would take many minutes.
"""

from __future__ import annotations

import itertools
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import numpy as np
import pandas as pd

from benchmarks.simulated import SimulatedExecutor, made_up_results
from harness.data.clips import ClipTable
from harness.data.leakage import leakage_report
from harness.data.splits import make_splits
from harness.executors.events import Group
from harness.features.cache.feature_store import FeatureRef
from harness.running.arm_chains import StudyArms
from harness.running.study_inputs import StudyInputs
from harness.running.trainings import Trainings
from harness.study import StudySpec
from harness.study.study_file import parse_study
from harness.terminal.progress import Silent
from harness.tracking import names
from harness.tracking.digests import predictions_digest
from harness.tracking.files import read_predictions
from harness.tracking.study_recorder import StudyRecorder
from harness.training.task import FINAL, FoldResult

N_CLASSES = 10
CLIPS = {"esc10": (400, 5), "urbansound8k": (8732, 10)}
"""Clips and folds of the data sets."""
NAME = "load"
FUSED = "fused"
_NETWORKS = ("su4", "su6", "su8")
_FEATURES = ("LMC", "MC", "MLMC", "LM")


def study_of(seeds: int, dataset: str = "esc10", arms: int = 10) -> StudySpec:
    """Return a study of ``arms``, the last a fusion of the first two, with ``arms * folds * seeds`` fold runs."""
    names = list(itertools.product(_NETWORKS, _FEATURES))[: arms - 1]
    trained = [{"name": f"{network}-{features}", "model": network, "features": features} for network, features in names]
    streams = [str(arm["name"]) for arm in trained[:2]]
    claim = {"esc10": "piczak2015cnn:ESC-10/CNN", "urbansound8k": "su2019:T2/TSCNN-DS"}[dataset]
    return parse_study(
        {
            "study": {"name": NAME, "question": "How long does a report take?", "seed": 1},
            "data": {"dataset": dataset},
            "train": {"epochs": 10},
            "arms": [*trained, {"name": FUSED, "fuse": streams, "rule": "dempster-shafer"}],
            "evaluate": {"seeds": seeds, "margin": 2.0, "contrasts": [[FUSED, arm] for arm in streams]},
            "compare": [{"claim": claim, "arm": streams[0], "as": "reference"}],
            "tracking": {"system_metrics": False, "weights": False},
        },
        "benchmark",
    )


def fold_runs(spec: StudySpec) -> int:
    """Return the number of fold runs of ``spec``."""
    return len(spec.arms) * len(spec.test_folds) * spec.evaluate.seeds


def inputs_of(spec: StudySpec) -> StudyInputs:
    """Return inputs with as many clips as the data set of ``spec``, without audio or features."""
    n, folds = CLIPS[spec.data.dataset]
    rows = np.arange(n)
    fold = 1 + rows * folds // n
    frame = pd.DataFrame(
        {
            "clip_id": [f"{f}-{10000 + row}-A-{row % N_CLASSES}" for f, row in zip(fold, rows, strict=True)],
            "path": [f"audio/{row}.wav" for row in rows],
            "label": rows % N_CLASSES,
            "fold": fold,
            "recording": [f"{f}-{10000 + row // 20 * 20 + row % N_CLASSES}" for f, row in zip(fold, rows, strict=True)],
            "duration": 5.0,
        }
    )
    classes = tuple(f"class {label}" for label in range(N_CLASSES))
    clips = ClipTable(spec.data.dataset, frame, classes, "d" * 64)
    offsets = np.arange(n + 1, dtype=np.int64) * 180
    features = {
        name: FeatureRef(name, "segments", ("LM",), (), offsets, 41, 20, name.lower() * 8) for name in _FEATURES
    }
    cut = spec.protocol.cut
    splits = {(cut, split.fold): split for split in make_splits(clips, cut, spec.test_folds, 1)}
    leakage = tuple(leakage_report(clips, split, "train") for split in splits.values())
    return StudyInputs(spec, clips, features, splits, leakage, "cpu")


def record(uri: str, inputs: StudyInputs) -> int:
    """Record or resume the study of ``inputs`` in the store at ``uri``; return how many trainings were missing."""
    trained: list[Group] = []

    def train(group: Group) -> list[FoldResult]:
        trained.append(group)
        return made_up_results(group)

    recorder = StudyRecorder.open(
        uri,
        inputs.spec,
        clips=inputs.clips,
        leakage=inputs.leakage,
        digests=inputs.digests,
        command="python -m benchmarks load",
    )
    with recorder:
        executor = SimulatedExecutor(2, lambda *_: 1.0, train)
        total = inputs.spec.expected_trainings(inputs.spec.arms)
        trainings = Trainings(recorder, executor, inputs.clips, Silent(), total, pictures=False)
        trainings.run(StudyArms(inputs, recorder, trainings, uri, Silent(), inputs.spec.arms).chains())
    return len(trained)


def multiply(file: Path, inputs: StudyInputs, recorded: int) -> None:
    """Copy the fold runs of the first ``recorded`` seeds until there are those of all seeds of ``inputs``.

    A copy is a run with an id, seed and digest of its own; its artifacts are links to those that it was copied from.
    """
    study = file.parent / "artifacts" / NAME
    with closing(sqlite3.connect(file)) as database, database:
        runs = _fold_runs(database)
        copies = _copying(database)
        seeds = range(recorded, inputs.spec.evaluate.seeds)
        ids = {key: run_id for key, (run_id, _) in runs.items()}
        for arm, fold, seed in itertools.product(inputs.spec.arms, inputs.spec.test_folds, seeds):
            run_id, tags = runs[arm.name, fold, seed % recorded]
            new = ids[arm.name, fold, seed] = uuid4().hex
            folder = study / new / "artifacts"
            shutil.copytree(study / run_id / "artifacts", folder, copy_function=os.link)
            changed = {
                "seed": str(seed),
                "task_key": tags["task_key"].replace(f"/seed{seed % recorded}", f"/seed{seed}"),
                "mlflow.runName": tags["mlflow.runName"].replace(f"seed {seed % recorded} ", f"seed {seed} "),
            }
            if arm.is_fused:
                table = read_predictions(folder / names.PREDICTIONS_FILE)
                changed["digest"] = predictions_digest(f"{arm.name}/{fold}/{seed}", table)
                changed[names.FUSED_FROM_TAG] = " ".join(ids[stream, fold, seed] for stream in arm.fuse or ())
            else:
                changed["digest"] = inputs.task(arm, FINAL, None, {}, fold, seed).digest
            for statement in copies:
                database.execute(statement, {"new": new, "old": run_id})
            database.executemany(
                "UPDATE tags SET value = ? WHERE key = ? AND run_uuid = ?",
                [(value, key, new) for key, value in changed.items()],
            )


def _fold_runs(database: sqlite3.Connection) -> dict[tuple[str, int, int], tuple[str, dict[str, str]]]:
    """Return id and tags of every fold run by arm, fold and seed."""
    tags: dict[str, dict[str, str]] = {}
    for run_id, key, value in database.execute("SELECT run_uuid, key, value FROM tags"):
        tags.setdefault(run_id, {})[key] = value
    return {
        (each["arm"], int(each["fold"]), int(each["seed"])): (run_id, each)
        for run_id, each in tags.items()
        if each["level"] == names.FOLD
    }


def _copying(database: sqlite3.Connection) -> list[str]:
    """Return the statements that copy all rows of the run ``:old`` for the run ``:new``."""
    replaced = {
        "run_uuid": ":new",
        "destination_id": ":new",
        "artifact_uri": "replace(artifact_uri, :old, :new)",
        "input_uuid": "lower(hex(randomblob(16)))",
    }
    statements = []
    for table, key in [
        *((name, "run_uuid") for name in ("runs", "tags", "params", "metrics", "latest_metrics")),
        ("inputs", "destination_id"),
    ]:
        columns = [name for _, name, *_ in database.execute(f"PRAGMA table_info({table})")]
        values = ", ".join(replaced.get(name, name) for name in columns)
        statements.append(f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {table} WHERE {key} = :old")
    return statements
