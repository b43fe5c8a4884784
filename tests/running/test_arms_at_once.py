"""All arms at once: the outcome depends on neither the number of workers, their speeds, nor interruptions, but on the
number of trials in a batch alone."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from benchmarks.simulated import SimulatedExecutor, made_up_results
from harness.executors.events import Event, Finished, Group, Take
from harness.running.reports import Outcome, ReportKind
from harness.study import StudySpec
from tests.running.study import run, same, spec_of

ARMS = [
    {"name": "A", "model": "su4", "features": "LM"},
    {"name": "B", "model": "su4", "features": "MFCC"},
    {"name": "C", "model": "su4", "features": "MFCC", "tuned_as": "A"},
    {"name": "fused", "fuse": ["A", "B"], "rule": "mean"},
]  # fmt: skip


def spec(parallel_trials: int) -> StudySpec:
    search = {
        "trials": 4,
        "parallel_trials": parallel_trials,
        "startup_trials": 1,
        "pruner": "median",
        "space": {"train.lr": {"low": 0.0003, "high": 0.003, "log": True}},
    }
    return spec_of(arms=ARMS, search=search, train={"epochs": 3, "batch_size": 16, "optimizer": "adamw"})


class Jittered(SimulatedExecutor):
    """Ends trainings in the order in which workers of different speeds would, and is interrupted after some."""

    def __init__(self, workers: int, seed: int, stop_after: int | None = None) -> None:
        chance = random.Random(seed)

        def seconds(worker: int, _: Group) -> float:
            # Worker 0 is ten times as slow as the others.
            return chance.lognormvariate(0, 1) * (10 if worker == 0 else 1)

        super().__init__(workers, seconds, made_up_results)
        self._left = stop_after

    def run(self, take: Take, on_event: Callable[[Event], None]) -> None:
        def counted(event: Event) -> None:
            on_event(event)
            if self._left is not None and isinstance(event, Finished):
                self._left -= 1
                if self._left == 0:
                    raise KeyboardInterrupt

        super().run(take, counted)


def trained(parallel_trials: int, folder: Path, shared: Path, executor: SimulatedExecutor) -> tuple[Outcome, Any]:
    """Return the outcome of a study and its searches."""
    outcome, _ = run(spec(parallel_trials), folder, shared, report=ReportKind.NONE, executor=lambda *_: executor)
    files = sorted((folder / "mlruns" / "artifacts").rglob("search/*.json"))
    return outcome, {file.name: json.loads(file.read_text(encoding="utf-8")) for file in files}


def folds(outcome: Outcome) -> pd.DataFrame:
    columns = ["arm", "phase", "trial", "fold", "seed", "status", "validation_macro_accuracy"]
    finished = outcome.record.folds[outcome.record.folds["status"] == "FINISHED"]
    return finished[columns].sort_values(columns[:5]).reset_index(drop=True)


@pytest.mark.slow
@pytest.mark.parametrize("parallel_trials", [1, 3])
def test_the_outcome_depends_on_no_worker_and_no_interruption(
    parallel_trials: int, shared: Path, tmp_path: Path
) -> None:
    first, searches = trained(parallel_trials, tmp_path / "1", shared, Jittered(1, 0))
    assert sorted(searches) == ["A.json", "B.json"]
    assert set(first.record.folds["status"]) == {"FINISHED"}
    for workers, seed in ((2, 1), (5, 2)):
        executor = Jittered(workers, seed)
        other, found = trained(parallel_trials, tmp_path / str(workers), shared, executor)
        assert len({span[0] for span in executor.spans}) < len(executor.spans)
        assert found == searches
        same(folds(other), folds(first))
        same(other.record.predictions, first.record.predictions)
    # Interrupted in the middle of batches of both searches, then among final trainings, with other workers each time.
    for workers, after in ((5, 3), (2, 9)):
        with pytest.raises(KeyboardInterrupt):
            trained(parallel_trials, tmp_path / "again", shared, Jittered(workers, after, after))
    resumed, found = trained(parallel_trials, tmp_path / "again", shared, Jittered(5, 3))
    assert found == searches
    # What had ended before an interruption was not trained again.
    same(folds(resumed), folds(first))
    same(resumed.record.predictions, first.record.predictions)


@pytest.mark.slow
def test_arms_are_searched_at_the_same_time(shared: Path, tmp_path: Path) -> None:
    executor = Jittered(5, 4)
    trained(1, tmp_path, shared, executor)
    spans = executor.spans
    at_once = [{group[0].arm for begin, end, group in spans if begin <= time < end} for time, *_ in spans]
    assert {"A", "B"} in at_once
