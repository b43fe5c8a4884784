"""How many of a study's workers are busy: a simulated clock, and everything else as it is, but nothing recorded.

The study has 12 arms that differ up to fourfold in the time of a training, 10 folds, 10 trials and one final training
per fold. A training takes its arm's time, times a factor of its own (log-normal, SD 0.2).
"""

from __future__ import annotations

import math
import random
from typing import Any, cast

import numpy as np
import pandas as pd

from benchmarks.record import write
from benchmarks.simulated import SimulatedExecutor, made_up_results
from harness.data.clips import ClipTable
from harness.data.splits import make_splits
from harness.executors.events import Group
from harness.features.cache.feature_store import FeatureRef
from harness.running.arm_chains import StudyArms
from harness.running.study_inputs import StudyInputs
from harness.running.trainings import Trainings
from harness.study import StudySpec
from harness.study.study_file import parse_study
from harness.terminal.progress import Silent
from harness.tracking.study_recorder import StudyRecorder

N_CLASSES, N_FOLDS = 4, 10


def study_of(arms: int, trials: int, parallel_trials: int) -> StudySpec:
    """Return a study of ``arms`` searched networks on 10 folds."""
    return parse_study(
        {
            "study": {"name": "scheduling", "seed": 1},
            "data": {"dataset": "urbansound8k"},
            "train": {"epochs": 5},
            "arms": [{"name": f"arm{number}", "model": "su4", "features": "LM"} for number in range(arms)],
            "search": {
                "trials": trials,
                "parallel_trials": parallel_trials,
                "sampler": "random",
                "space": {"train.lr": {"low": 0.001, "high": 0.1, "log": True}},
                "storage": "sqlite:///:memory:",
            },
        },
        "benchmark",
    )


class _NoRecorder:
    """Takes what a study records, and keeps nothing."""

    def finished_folds(self) -> dict[str, Any]:
        return {}

    def trial(self, *_: Any) -> str:
        return "trial"

    def start_fold(self, *_: Any) -> str:
        return "fold"

    def ignore(self, *_: Any, **__: Any) -> None:
        return None

    finish_trial = finish_fold = log_epoch = log_search = ignore


def inputs_of(spec: StudySpec, per_fold: int = 8) -> StudyInputs:
    """Return inputs of ``per_fold`` clips in each of 10 folds, without audio or features."""
    rows = np.arange(N_FOLDS * per_fold)
    frame = pd.DataFrame(
        {
            "clip_id": [f"clip{row}" for row in rows],
            "path": "",
            "label": rows % N_CLASSES,
            "fold": 1 + rows // per_fold,
            "recording": [f"recording{row}" for row in rows],
            "duration": 4.0,
        }
    )
    clips = ClipTable("urbansound8k", frame, tuple("abcd"), "d" * 64)
    offsets = np.arange(0, 41 * (len(rows) + 1), 41, dtype=np.int64)
    features = FeatureRef("LM", "segments", ("LM",), (), offsets, 41, 20, "f" * 64)
    cut = spec.protocol.cut
    splits = {(cut, split.fold): split for split in make_splits(clips, cut, spec.test_folds, 1)}
    return StudyInputs(spec, clips, {"LM": features}, splits, (), "cpu")


def busy(workers: int, parallel_trials: int, arms: int = 12, trials: int = 10, seed: int = 0) -> dict[str, float]:
    """Return how busy ``workers`` are: ``until_last_finals``, the mean share that trains until the last one begins;
    ``until_the_end``; and ``longest_chain``, the least time of the longest arm over the study's time.
    """
    spec = study_of(arms, trials, parallel_trials)
    chance = random.Random(seed)
    cost = {arm.name: 1 + 3 * number / max(1, arms - 1) for number, arm in enumerate(spec.arms)}

    def seconds(_: int, group: Group) -> float:
        return cost[group[0].arm] * chance.lognormvariate(0, 0.2)

    executor = SimulatedExecutor(workers, seconds, made_up_results)
    recorder = cast(StudyRecorder, _NoRecorder())
    inputs = inputs_of(spec)
    trainings = Trainings(
        recorder, executor, inputs.clips, Silent(), spec.expected_trainings(spec.arms), pictures=False
    )
    trainings.run(StudyArms(inputs, recorder, trainings, "unused", Silent(), spec.arms).chains())
    last = max(begin for begin, *_ in executor.spans)
    worked = sum(min(end, last) - begin for begin, end, _ in executor.spans)
    total = sum(end - begin for begin, end, _ in executor.spans)
    rounds = math.ceil(trials / parallel_trials) + 1
    return {
        "until_last_finals": round(worked / (workers * last), 4),
        "until_the_end": round(total / (workers * executor.clock), 4),
        "trainings": len(executor.spans),
        "longest_chain": round(max(cost.values()) * rounds / executor.clock, 4),
    }


def scheduling(workers: tuple[int, ...] = (5, 16, 32, 64), batches: tuple[int, ...] = (1, 2, 5)) -> None:
    """Measure studies on several numbers of workers and sizes of batches."""
    rows = [
        {"workers": number, "parallel_trials": batch} | busy(number, batch) for number in workers for batch in batches
    ]
    write("scheduling", {"arms": 12, "folds": N_FOLDS, "trials": 10, "rows": rows})
