"""What a person reads of each training where there are no bars: how it ended, and how far the study is."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from harness.data.clips import ClipTable
from harness.executors.events import Event, Executor, Failed, Started
from harness.running import trainings as trainings
from harness.running.trainings import Trainings
from harness.terminal.progress import Silent
from harness.tracking.study_recorder import StudyRecorder
from harness.training.task import FoldTask
from tests.toys import task_of, write_segments


class _Lines(Silent):
    def __init__(self) -> None:
        self.told: list[str] = []

    def line(self, text: str) -> None:
        self.told.append(text)


class _Recorder:
    """Keeps nothing: what is recorded is tested with the tracking."""

    def finished_folds(self) -> dict[str, Any]:
        return {}

    def start_fold(self, parent: str, task: FoldTask) -> str:
        return f"{parent}/{task.key}"

    def fail_fold(self, *_: str) -> None:
        pass


class _Failing:
    """An executor on which every training fails."""

    def run(self, tasks: Sequence[FoldTask], on_event: Callable[[Event], None]) -> None:
        for task in tasks:
            on_event(Started(task))
            on_event(Failed(task, "no luck", "traceback"))


class _FailingTwoByTwo:
    """An executor on which two trainings begin at a time, and fail one after the other."""

    def run(self, tasks: Sequence[FoldTask], on_event: Callable[[Event], None]) -> None:
        for two in zip(tasks[::2], tasks[1::2], strict=True):
            for task in two:
                on_event(Started(task))
            for task in two:
                on_event(Failed(task, "no luck", "traceback"))


@pytest.mark.parametrize(
    ("phase", "trial", "said"),
    [
        ("final", None, ["toy fold 1 seed 0 failed (1 of 3, about 2 min left): no luck",
                         "toy fold 2 seed 0 failed (2 of 3, about 60 s left): no luck",
                         "toy fold 3 seed 0 failed (3 of 3): no luck"]),
        ("search", 4, ["toy trial 4 fold 1 seed 0 failed (1 of 3): no luck",
                       "toy trial 4 fold 2 seed 0 failed (2 of 3): no luck",
                       "toy trial 4 fold 3 seed 0 failed (3 of 3): no luck"]),
    ],
)  # fmt: skip
def test_a_line_tells_how_many_ended_and_the_time_left(
    phase: str, trial: int | None, said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lines_of(_Failing(), 3, tmp_path, monkeypatch, phase=phase, trial=trial) == said


def test_a_training_that_runs_beside_counts_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # After one minute one and a half of four are done, after two minutes two, after three minutes three and a half.
    left = [re.findall(r"about (.+) left", line) for line in lines_of(_FailingTwoByTwo(), 4, tmp_path, monkeypatch)]
    assert left == [["2 min"], ["2 min"], ["26 s"], []]


def lines_of(
    executor: Executor, n_tasks: int, folder: Path, monkeypatch: pytest.MonkeyPatch, **changes: Any
) -> list[str]:
    minutes = itertools.count(0.0, 60.0)
    monkeypatch.setattr(trainings, "perf_counter", lambda: next(minutes))
    labels = np.repeat(np.arange(4), 4)
    task = task_of(write_segments(folder, labels), labels, **changes)
    tasks = [dataclasses.replace(task, fold=fold, seed=fold) for fold in range(1, n_tasks + 1)]
    progress = _Lines()
    recorder, clips = cast("StudyRecorder", _Recorder()), cast("ClipTable", None)
    Trainings(recorder, executor, clips, progress).run(tasks, {each.key: "trial" for each in tasks})
    return progress.told
