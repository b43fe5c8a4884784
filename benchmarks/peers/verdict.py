"""A 5-fold study from its command to its last word: the harness to a verdict, autrainer to its last evaluation.

The study is LMCNet's network on ESC-10's official folds, one training a fold, few epochs, float32, batches of 32. The
harness starts from audio, with an empty cache and an empty store, and ends with records, report and a test against a
published accuracy. autrainer starts from segments that were cut before, which costs it nothing here, trains its five
data sets in one sweep, evaluates the development part after each epoch and the test part once, and writes its tables.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers.contestants import CORES, LOADERS
from benchmarks.peers.drivers.job import Job
from benchmarks.peers.environments import ROOT, Environment, environment
from benchmarks.peers.family_memory import Member, Watch, family_bytes
from benchmarks.peers.race import BATCH, DECAY, MOMENTUM, RATE
from benchmarks.record import spread, write
from benchmarks.whole import HARNESS
from harness.data.data_root import resolve_data_root
from harness.errors import HarnessError
from harness.features.cache.feature_store import FeatureRef
from harness.running.study_inputs import StudyInputs, study_inputs
from harness.study import StudySpec
from harness.study.study_file import load_study
from harness.terminal.progress import Silent
from harness.training.resident import part_items

EPOCHS = 1
LACKS = {
    "autrainer": "folds (five data sets are declared), clip accuracies from segments, a test against a claim; chroma, "
    "contrast and tonnetz: its segments were cut before, at no cost",
    "Lightning": "everything around a training: folds, evaluation by clip, records of a study, tests, a verdict",
    "speechbrain": "everything around a training: folds, evaluation by clip, records of a study, tests, a verdict",
    "loops": "the same",
}
STUDY = """
[study]
name = "verdict"
seed = 1

[data]
dataset = "esc10"
folds = {folds}

[features]
clip_seconds = 5.0

[train]
epochs = {epochs}
batch_size = {batch}
precision = "float32"
lr = {lr}
momentum = {momentum}
weight_decay = {decay}

[[arms]]
name = "LMCNet"
model = "su4"
features = "LMC"

[search]
trials = 0

[evaluate]
seeds = 1

[[compare]]
arm = "LMCNet"
claim = "piczak2015cnn:ESC-10/CNN"
as = "reference"
"""


@dataclass(frozen=True)
class Watched:
    """One run of a command: seconds, and the processes at the moment of the largest memory."""

    seconds: float
    peak: list[Member]


def verdict(repeats: int = 1, epochs: int = EPOCHS, folds: Sequence[int] = (1, 2, 3, 4, 5)) -> None:
    """Measure both in turns (targets: 5 times autrainer; not more memory)."""
    root, autrainer = resolve_data_root(None), environment("autrainer")
    runs: dict[str, list[Watched]] = {"harness": [], "autrainer": []}
    with tempfile.TemporaryDirectory() as name:
        folder, items = Path(name), Path(name) / "items"
        file = folder / "verdict.toml"
        file.write_text(study(epochs, folds), encoding="utf-8")
        spec = load_study(file)
        cut(study_inputs(spec, root, folder / "cut", CORES, "cpu", Silent()), items)
        for repeat in range(repeats):
            for one in list(runs)[:: 1 if repeat % 2 else -1]:
                place = folder / f"{one}{repeat}"
                place.mkdir()
                done = _harness(file, root, place) if one == "harness" else _autrainer(autrainer, spec, items, place)
                print(f"verdict: {one} took {done.seconds:.0f} s", flush=True)
                runs[one].append(done)
    facts = {"epochs": epochs, "folds": len(folds), "lacks": LACKS, "versions_of_peers": autrainer.versions}
    write("verdict", {**facts, **summary(runs)})


def summary(runs: Mapping[str, Sequence[Watched]]) -> dict[str, Any]:
    """Return seconds, memory and the ratios of runs that were made in turns."""
    pairs = list(zip(runs["harness"], runs["autrainer"], strict=True))
    megabytes = {name: [family_bytes(run.peak) / 1e6 for run in each] for name, each in runs.items()}
    return {
        "seconds": {name: spread([run.seconds for run in each]) for name, each in runs.items()},
        "ratios": {"autrainer / harness": spread([theirs.seconds / ours.seconds for ours, theirs in pairs])},
        "peak_megabytes": {name: spread(values) for name, values in megabytes.items()},
        "memory_ratios": {
            "harness / autrainer": spread(
                [ours / theirs for ours, theirs in zip(megabytes["harness"], megabytes["autrainer"], strict=True)]
            )
        },
        "peak_megabytes_by_process": {
            name: [{"own": round(one.own / 1e6), "files": round(one.files / 1e6)} for one in each[-1].peak]
            for name, each in runs.items()
        },
    }


def study(epochs: int, folds: Sequence[int]) -> str:
    """Return the study's file."""
    return STUDY.format(epochs=epochs, folds=list(folds), batch=BATCH, lr=RATE, momentum=MOMENTUM, decay=DECAY)


def cut(prepared: StudyInputs, folder: Path) -> None:
    """Write every segment as a file, and the parts of each fold as autrainer's tables, into ``folder``."""
    (features,) = prepared.features.values()
    (folder / "default").mkdir(parents=True)
    names = _segments(features, folder / "default")
    labels = prepared.clips.frame["label"].to_numpy(dtype="int64")
    for split in prepared.splits.values():
        for name, part in (("train", split.train), ("dev", split.validation), ("test", split.test)):
            items = part_items(part, features, labels)
            rows = [
                f"{names[int(clip), int(segment)]},class-{label}"
                for clip, segment, label in zip(items.clips, items.segments, items.labels, strict=True)
            ]
            path = folder / f"fold{split.fold}" / f"{name}.csv"
            path.parent.mkdir(exist_ok=True)
            path.write_text("\n".join(["file,label", *rows]) + "\n", encoding="utf-8")
    rows_and_frames = (1, features.load().shape[1], features.segment_frames)
    (folder / "about.json").write_text(json.dumps({"shape": rows_and_frames}), encoding="utf-8")


def _segments(features: FeatureRef, folder: Path) -> dict[tuple[int, int], str]:
    """Write the segments, shape (1, H, W) each; return the file of each clip and segment."""
    x_TF = features.load()
    names = {}
    for clip, count in enumerate(features.segments_per_clip()):
        for segment in range(int(count)):
            start = int(features.offsets[clip]) + segment * features.segment_hop
            names[clip, segment] = f"{clip}-{segment}.npy"
            values = np.ascontiguousarray(x_TF[start : start + features.segment_frames].T[None])
            np.save(folder / names[clip, segment], values)
    return names


def _harness(file: Path, root: Path, folder: Path) -> Watched:
    places = ["--cache", folder / "cache", "--reports", folder / "reports", "--data-root", root]
    store = ["--tracking-uri", f"sqlite:///{folder}/mlruns/mlflow.db", "--device", "cpu", "--quiet"]
    return watched([HARNESS, "run-study", str(file), *map(str, places), *store], folder, {"PYTHONPATH": str(ROOT)})


def _autrainer(made: Environment, spec: StudySpec, items: Path, folder: Path) -> Watched:
    job = Job(
        network="su4",
        items=str(items),
        epochs=spec.train.epochs,
        batch=BATCH,
        threads=CORES,
        loader_workers=LOADERS,
        lr=RATE,
        momentum=MOMENTUM,
        weight_decay=DECAY,
        dropout=0.5,
        shuffled=True,
        scratch=str(folder),
    )
    path = folder / "job.json"
    path.write_text(json.dumps(vars(job)), encoding="utf-8")
    command = [str(made.python), "-m", "benchmarks.peers.drivers.folds_with_autrainer", str(path)]
    return watched(command, folder, {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": str(CORES)})


def watched(command: Sequence[str], folder: Path, more: Mapping[str, str]) -> Watched:
    """Run ``command`` in ``folder`` and return its time and memory.

    Raises
    ------
    HarnessError
        When it fails; the last lines of its output are in the message.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "MKL_", "PYTHON"))}
    log = folder / "log.txt"
    began = time.perf_counter()
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            command, cwd=folder, env={**kept, "CUDA_VISIBLE_DEVICES": "", **more}, stdout=output, stderr=output
        )
        with Watch([process.pid]) as watch:
            process.wait()
    seconds = time.perf_counter() - began
    if process.returncode:
        last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-12:]
        raise HarnessError(f"{command[0]} ended with code {process.returncode}:", *last)
    return Watched(seconds, watch.peak)
