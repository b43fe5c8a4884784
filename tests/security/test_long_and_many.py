"""A hundred trainings in one process, and twenty readers of a store that is being written."""

from __future__ import annotations

import dataclasses
import os
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest

from harness.executors.local import InProcessExecutor
from harness.executors.queue import run_all
from harness.tracking.study_reader import read_study
from tests.stores import record_tiny
from tests.toys import settings_of, task_of, write_segments


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX file descriptors")
def test_a_hundred_trainings_take_no_more_descriptors_and_memory_than_ten(tmp_path: Path) -> None:
    labels = np.arange(12, dtype=np.int64) % 3
    task = task_of(write_segments(tmp_path, labels), labels, settings=settings_of(epochs=1))
    process, seen = psutil.Process(), {}
    for number in range(1, 101):
        run_all(InProcessExecutor(), [dataclasses.replace(task, seed=number)], lambda _: None)
        if number in (10, 50, 100):
            seen[number] = (process.num_fds(), process.num_threads(), process.memory_info().rss)
    assert seen[100][:2] == seen[50][:2] == seen[10][:2]
    # Measured: 2 MB either way. The network's gradients alone take 30 MB, so that keeping any would show.
    assert seen[100][2] - seen[10][2] < 60e6


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_twenty_readers_of_a_store_that_is_being_written_read_the_same(tmp_path: Path) -> None:
    study = record_tiny(tmp_path)
    expected = read_study(study.uri, "tiny")
    children = []
    for _ in range(20):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                found = read_study(study.uri, "tiny", expected.run_id)
                code = 0 if found.predictions.equals(expected.predictions) else 2
            finally:
                os._exit(code)
        children.append(child)
    # Another study run of the same name, and one that goes on, meanwhile.
    with study.recording(resume=False) as recorder:
        trial = recorder.trial(study.spec.arm("A"), "final", None)
        for _ in range(5):
            study.run_fold(recorder, trial, study.task("A"))
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert codes == [0] * 20


@pytest.mark.slow
def test_two_data_sets_in_one_store_do_not_mix(tmp_path: Path) -> None:
    """The same study of other data is a study run of its own: nothing of one goes on in the other."""
    first = record_tiny(tmp_path)
    before = read_study(first.uri, "tiny")
    other = dataclasses.replace(
        first,
        clips=dataclasses.replace(first.clips, dataset="synthetic", digest="of other audio"),
        digests={**first.digests, "data": "of other audio"},
    )
    with other.recording() as recorder:
        assert recorder.run_id != before.run_id
        assert recorder.finished_folds() == {}
        trial = recorder.trial(other.spec.arm("A"), "final", None)
        other.run_fold(recorder, trial, other.task("A"), draw=1)
    assert read_study(first.uri, "tiny").run_id == recorder.run_id
    assert not read_study(first.uri, "tiny").predictions.equals(before.predictions)
    again = read_study(first.uri, "tiny", before.run_id)
    assert again.predictions.equals(before.predictions)
    assert again.folds.equals(before.folds)
    # The first goes on in its own run, with what it has.
    with first.recording() as resumed:
        assert resumed.run_id == before.run_id
        assert len(resumed.finished_folds()) == 1
