"""Executors: the same results from any number of workers, and a worker that dies takes only its task with it."""

from __future__ import annotations

import dataclasses
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pytest
import torch

from harness.executors.events import Epoch, Event, Failed, Finished, Started
from harness.executors.local import InProcessExecutor, ProcessExecutor, local_executor
from harness.executors.queue import run_all
from harness.terminal.interrupt import second_ends_at_once
from harness.terminal.worker_processes import worker_context
from harness.training.task import FoldTask
from tests.toys import (
    N_CLASSES,
    DeadlyFeatures,
    NeverEnough,
    ShortOfMemory,
    Watched,
    settings_of,
    task_of,
    third_of_a_gpu,
    write_segments,
)
from tests.workers import workers_of

LABELS = np.arange(24, dtype=np.int64) % N_CLASSES


@pytest.fixture
def tasks(tmp_path: Path) -> list[FoldTask]:
    features = write_segments(tmp_path, LABELS)
    return [task_of(features, LABELS, fold=fold, seed=fold, settings=settings_of(epochs=2)) for fold in (1, 2, 3)]


def run(executor: InProcessExecutor | ProcessExecutor, tasks: list[FoldTask]) -> list[Event]:
    events: list[Event] = []

    run_all(executor, tasks, events.append)
    return events


def results(events: list[Event]) -> dict[str, pd.DataFrame]:
    return {event.task.key: event.result.predictions for event in events if isinstance(event, Finished)}


@pytest.mark.slow
def test_results_do_not_depend_on_the_number_of_workers_or_the_order(tasks: list[FoldTask]) -> None:
    alone = results(run(InProcessExecutor(), tasks))
    assert set(alone) == {task.key for task in tasks}
    with ProcessExecutor(["cpu"] * 2) as executor:
        together = results(run(executor, tasks[::-1]))
        again = results(run(executor, tasks[:1]))
    for key, predictions in alone.items():
        pd.testing.assert_frame_equal(predictions, together[key], check_exact=True)
    pd.testing.assert_frame_equal(alone[tasks[0].key], again[tasks[0].key], check_exact=True)


@pytest.mark.parametrize("workers", [1, 2])
def test_each_task_tells_its_start_its_epochs_and_its_end(tasks: list[FoldTask], workers: int) -> None:
    with local_executor(["cpu"] * workers) as executor:
        events = run(executor, tasks)
    for task in tasks:
        mine = [event for event in events if event.task.key == task.key]
        assert [type(event) for event in mine] == [Started, Epoch, Epoch, Finished]
        assert [event.row["epoch"] for event in mine if isinstance(event, Epoch)] == [1, 2]


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_tasks_that_differ_in_the_epoch_rule_are_one_training(tasks: list[FoldTask], workers: int) -> None:
    pairs = [(task, dataclasses.replace(task, arm="other", epoch_rule="best-on-test")) for task in tasks]
    with local_executor(["cpu"] * workers) as executor:
        events = run(executor, [task for pair in zip(*pairs, strict=True) for task in pair])
    found = {event.task.key: event.result for event in events if isinstance(event, Finished)}
    for pair in pairs:
        for task, other in (pair, pair[::-1]):
            mine = [event for event in events if event.task.key == task.key]
            assert [type(event) for event in mine] == [Started, Epoch, Epoch, Finished]
            assert found[task.key].trained_with == (other.key,)
            assert found[task.key].task_key == task.key
            assert ("test_macro_accuracy" in found[task.key].history) == (task.epoch_rule == "best-on-test")


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_one_training_of_several_tasks_fails_for_each(tasks: list[FoldTask], workers: int) -> None:
    broken = dataclasses.replace(tasks[0], settings=settings_of(lr=1e30, epochs=3))
    with local_executor(["cpu"] * workers) as executor:
        events = run(executor, [broken, dataclasses.replace(broken, arm="other", epoch_rule="best-on-test"), tasks[1]])
    assert {event.task.arm for event in events if isinstance(event, Failed)} == {"toy", "other"}
    assert [event.task.key for event in events if isinstance(event, Finished)] == [tasks[1].key]


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_task_that_cannot_train_fails_alone(tasks: list[FoldTask], workers: int) -> None:
    broken = dataclasses.replace(tasks[0], fold=9, settings=settings_of(lr=1e30, epochs=3))
    with local_executor(["cpu"] * workers) as executor:
        events = run(executor, [broken, *tasks])
    failed = [event for event in events if isinstance(event, Failed)]
    assert [event.task.fold for event in failed] == [9]
    assert "loss" in failed[0].error
    assert "Traceback" in failed[0].traceback
    assert len(results(events)) == 3


@pytest.mark.slow
def test_a_worker_that_dies_takes_only_its_task_with_it(tasks: list[FoldTask]) -> None:
    deadly = dataclasses.replace(tasks[0], fold=9, seed=9, features=DeadlyFeatures(**vars(tasks[0].features)))
    with ProcessExecutor(["cpu"] * 2) as executor:
        events = run(executor, [deadly, *tasks])
        failed = [event for event in events if isinstance(event, Failed)]
        assert [event.task.fold for event in failed] == [9]
        assert "exit code -9" in failed[0].error
        assert "--workers" in failed[0].error
        assert len(results(events)) == 3
        assert len(results(run(executor, tasks))) == 3


@pytest.mark.slow
def test_trainings_share_a_gpu_as_far_as_measured_memory_allows(tasks: list[FoldTask]) -> None:
    alone = results(run(InProcessExecutor(), tasks))
    many = [*tasks]
    many += [dataclasses.replace(tasks[0], seed_index=number, seed=10 + number) for number in range(1, 6)]
    with ProcessExecutor(["cpu"] * 5, ["a GPU"] * 5, third_of_a_gpu) as executor:
        executor._packing = watched = Watched()
        events = run(executor, many)
    assert not [event.error for event in events if isinstance(event, Failed)]
    # The first is alone; then three of 30 % fit, and not four, although five were asked for.
    assert watched.numbers[:4] == [1, 1, 2, 3]
    assert max(watched.numbers) == 3
    found = results(events)
    assert len(found) == len(many)
    for key, predictions in alone.items():
        pd.testing.assert_frame_equal(predictions, found[key], check_exact=True)


@pytest.mark.slow
def test_a_training_that_runs_out_of_memory_beside_others_begins_again_alone(tasks: list[FoldTask]) -> None:
    alone = results(run(InProcessExecutor(), tasks))
    short = dataclasses.replace(tasks[2], features=ShortOfMemory(**vars(tasks[2].features)))
    with ProcessExecutor(["cpu"] * 3, ["a GPU"] * 3, third_of_a_gpu) as executor:
        executor._packing = watched = Watched()
        events = run(executor, [tasks[0], tasks[1], short])
        # What runs out alone has failed.
        last = run(executor, [dataclasses.replace(short, seed_index=8, features=NeverEnough(**vars(short.features)))])
    assert ShortOfMemory.marker(short.features).exists()
    assert not [event.error for event in events if isinstance(event, Failed)]
    # Alone, two together, and again alone; then the one that never has enough.
    assert watched.numbers == [1, 1, 2, 1, 1]
    # Each step is reported once, whatever had to be repeated.
    mine = [event for event in events if event.task.key == short.key]
    assert [type(event) for event in mine] == [Started, Epoch, Epoch, Finished]
    for key, predictions in results(events).items():
        pd.testing.assert_frame_equal(predictions, alone[key], check_exact=True)
    (failed,) = [event for event in last if isinstance(event, Failed)]
    assert "out of memory" in failed.error


@pytest.mark.slow
def test_no_worker_outlives_the_executor(tasks: list[FoldTask]) -> None:
    before = set(workers_of(psutil.Process()))
    with ProcessExecutor(["cpu"] * 2) as executor:
        run(executor, tasks[:2])
        born = set(workers_of(psutil.Process())) - before
        assert len(born) >= 2
    assert not psutil.wait_procs(born, timeout=10)[1]


@pytest.mark.slow
def test_a_worker_is_stopped_when_a_signal_arrives_while_it_starts(
    tasks: list[FoldTask], monkeypatch: pytest.MonkeyPatch
) -> None:
    # It reacts to no signal but SIGKILL, so at the end of the process it would be waited for, for ever.
    context = worker_context("cpu")
    begin, born = context.Process.start, []

    def start(process: Any) -> None:
        begin(process)
        born.append(psutil.Process(process.pid))
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(context.Process, "start", start)
    with pytest.raises(KeyboardInterrupt), second_ends_at_once(), ProcessExecutor(["cpu"] * 2) as executor:
        run(executor, tasks[:2])
    assert len(born) == 1
    # A killed process closes what others wait for before it is gone.
    assert not psutil.wait_procs(born, timeout=10)[1]


def test_no_workers_is_refused() -> None:
    with pytest.raises(ValueError, match="received none"):
        local_executor([])


def test_a_gpu_goes_on_while_results_are_written_down() -> None:
    assert isinstance(local_executor(["cpu"]), InProcessExecutor)
    with local_executor(["cuda"]) as executor:
        assert isinstance(executor, ProcessExecutor)


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.device_count() > 2, reason="a third GPU would be there")
def test_tasks_take_their_device_from_the_worker(tasks: list[FoldTask]) -> None:
    with ProcessExecutor(["cuda:2", "cuda:3"]) as executor:
        events = run(executor, tasks)
    failed = [event for event in events if isinstance(event, Failed)]
    assert {event.task.device for event in failed} == {"cuda:2", "cuda:3"}
    assert all(event.error.startswith(f"--device {event.task.device}: this machine has") for event in failed)
    # It is no part of what a training is.
    assert [event.task.digest for event in failed] == [
        next(task.digest for task in tasks if task.fold == event.task.fold) for event in failed
    ]
