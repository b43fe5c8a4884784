"""What a person reads of each training where there are no bars: how it ended, and how far the study is."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
import pytest

from harness.data.clips import ClipTable
from harness.executors.events import Event, Executor, Failed, Started, Take
from harness.running import trainings as trainings
from harness.running.trainings import Chain, Trainings
from harness.terminal.progress import Silent
from harness.tracking.stored_folds import FinishedFold
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

    def __init__(self, finished: Sequence[FoldTask] = ()) -> None:
        self._finished = {task.digest: FinishedFold("run", task.key, {}) for task in finished}

    def finished_folds(self) -> dict[str, Any]:
        return self._finished

    def start_fold(self, parent: str, task: FoldTask) -> str:
        return f"{parent}/{task.key}"

    def fail_fold(self, *_: str) -> None:
        pass


class _Failing:
    """An executor on which ``at_once`` trainings begin at a time, and fail one after the other."""

    capacity = 1

    def __init__(self, at_once: int = 1) -> None:
        self._at_once = at_once

    def run(self, take: Take, on_event: Callable[[Event], None]) -> None:
        while groups := [group for _ in range(self._at_once) if (group := take(""))]:
            for group in groups:
                on_event(Started(group[0]))
            for group in groups:
                on_event(Failed(group[0], "no luck", "traceback"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(
    ("phase", "trial", "name"), [("final", None, "toy fold"), ("search", 4, "toy trial 4 fold")]
)  # fmt: skip
def test_a_line_tells_how_many_ended_and_the_time_left(
    phase: str, trial: int | None, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lines_of(_Failing(), 3, tmp_path, monkeypatch, phase=phase, trial=trial) == [
        f"{name} 1 seed 0 failed (1 of 3, about 2 min left): no luck",
        f"{name} 2 seed 0 failed (2 of 3, about 60 s left): no luck",
        f"{name} 3 seed 0 failed (3 of 3): no luck",
    ]


def test_a_training_that_runs_beside_counts_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # After one minute one and a half of four are done, after two minutes two, after three minutes three and a half.
    left = [re.findall(r"about (.+) left", line) for line in lines_of(_Failing(2), 4, tmp_path, monkeypatch)]
    assert left == [["2 min"], ["2 min"], ["26 s"], []]


def test_what_was_recorded_before_counts_as_ended_but_takes_no_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lines_of(_Failing(), 3, tmp_path, monkeypatch, recorded=2) == ["toy fold 3 seed 0 failed (3 of 3): no luck"]
    assert lines_of(_Failing(), 3, tmp_path, monkeypatch, recorded=1) == [
        "toy fold 2 seed 0 failed (2 of 3, about 60 s left): no luck",
        "toy fold 3 seed 0 failed (3 of 3): no luck",
    ]


def test_a_chain_that_waits_for_nothing_is_an_error() -> None:
    def stuck() -> Chain[None]:
        yield lambda: False

    trainings = Trainings(cast("StudyRecorder", _Recorder()), _Failing(), cast("ClipTable", None), Silent(), 0)
    with pytest.raises(RuntimeError, match="1 chains of trainings wait"):
        trainings.run([stuck()])


def test_what_the_longest_remaining_chain_waits_for_comes_first(tmp_path: Path) -> None:
    order: list[str] = []

    class Ordered(_Failing):
        def run(self, take: Take, on_event: Callable[[Event], None]) -> None:
            def keep(event: Event) -> None:
                if isinstance(event, Started):
                    order.append(event.task.arm)
                on_event(event)

            super().run(take, keep)

    trainings = Trainings(cast("StudyRecorder", _Recorder()), Ordered(), cast("ClipTable", None), Silent(), 6)
    labels = np.repeat(np.arange(4), 4)
    task = task_of(write_segments(tmp_path, labels), labels)

    def chain(arm: str, rounds: int) -> Chain[None]:
        for left in range(rounds, 0, -1):
            each = dataclasses.replace(task, arm=arm, seed=hash((arm, left)) % 1000)
            yield trainings.train([each], "trial", left)

    trainings.run([chain("short", 1), chain("long", 3), chain("middle", 2)])
    # Of equally urgent ones the first that was asked for; no arm is left for one that is hardly more urgent.
    assert order == ["long", "middle", "long", "short", "middle", "long"]


def lines_of(
    executor: Executor, n_tasks: int, folder: Path, monkeypatch: pytest.MonkeyPatch, recorded: int = 0, **changes: Any
) -> list[str]:
    minutes = itertools.count(0.0, 60.0)
    monkeypatch.setattr(trainings, "perf_counter", lambda: next(minutes))
    labels = np.repeat(np.arange(4), 4)
    task = task_of(write_segments(folder, labels), labels, **changes)
    tasks = [dataclasses.replace(task, fold=fold, seed=fold) for fold in range(1, n_tasks + 1)]
    progress = _Lines()
    recorder, clips = cast("StudyRecorder", _Recorder(tasks[:recorded])), cast("ClipTable", None)
    mine = Trainings(recorder, executor, clips, progress, n_tasks)

    def chain() -> Chain[None]:
        yield mine.train(tasks, "trial")

    mine.run([chain()])
    return progress.told
