"""How a study's run begins, ends and goes on: statuses, runs left open, locks."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from mlflow.tracking import MlflowClient


@pytest.mark.parametrize(
    ("error", "status", "tag"),
    [(ValueError("bad"), "FAILED", "ValueError: bad"), (KeyboardInterrupt(), "KILLED", "interrupted")],
)
def test_what_stops_a_study_is_recorded_and_open_runs_end_with_it(
    study: Any, error: BaseException, status: str, tag: str
) -> None:
    with pytest.raises(type(error)), study.recording() as recorder:  # noqa: PT012
        trial = recorder.trial(study.spec.arm("A"), "final", None)
        fold = recorder.start_fold(trial, study.task())
        raise error
    client = MlflowClient(study.uri)
    assert client.get_run(recorder.run_id).info.status == status
    assert client.get_run(recorder.run_id).data.tags["error"] == tag
    assert client.get_run(trial).info.status == client.get_run(fold).info.status == "KILLED"


def test_the_same_study_goes_on_in_the_same_run(study: Any) -> None:
    with pytest.raises(RuntimeError), study.recording() as first:  # noqa: PT012
        trial = first.trial(study.spec.arm("A"), "final", None)
        done = study.run_fold(first, trial, study.task(fold=1))
        first.fail_fold(first.start_fold(trial, study.task(fold=2)), "bad luck")
        raise RuntimeError("the machine caught fire")

    with study.recording() as second:
        assert second.run_id == first.run_id
        client = MlflowClient(study.uri)
        assert client.get_run(second.run_id).info.status == "RUNNING"
        assert "error" not in client.get_run(second.run_id).data.tags
        finished = second.finished_folds()
        assert {digest: fold.run_id for digest, fold in finished.items()} == {study.task(fold=1).digest: done}
        accuracies = finished[study.task(fold=1).digest].accuracies
        assert accuracies.keys() == {"validation", "test"}
        assert accuracies["test"] == client.get_run(done).data.metrics["test_macro_accuracy"]
        pd.testing.assert_frame_equal(second.load_predictions(done), study.result(study.task(fold=1)).predictions)
        assert second.trial(study.spec.arm("A"), "final", None) == trial
        second.finish_trial(trial, {1: 0.5, 2: 0.5}, "test")
    assert client.get_run(second.run_id).info.status == "FINISHED"
    assert client.get_run(second.run_id).data.tags["sessions"] == "2"
    experiment = client.get_experiment_by_name("tiny")
    assert experiment is not None
    assert len(client.search_runs([experiment.experiment_id], "tags.level = 'study'")) == 1


def test_another_study_or_other_inputs_start_a_run_of_their_own(study: Any, make_study: Callable[..., Any]) -> None:
    with study.recording() as first:
        pass
    others = [
        make_study(train={"epochs": 5}),
        study.with_changes(digests={**study.digests, "data": "e" * 64}),
        study.with_changes(digests={**study.digests, "features.LMC": "e" * 64}),
    ]
    ids = set()
    for other in others:
        with other.recording() as recorder:
            ids.add(recorder.run_id)
    with study.recording(resume=False) as fresh:
        ids.add(fresh.run_id)
    assert len(ids | {first.run_id}) == 5
    # Where it is recorded is not part of what is studied.
    moved = make_study(tracking={"uri": "http://elsewhere", "system_metrics": False})
    with moved.recording() as again:
        assert again.run_id == fresh.run_id


def test_runs_left_open_by_a_killed_process_are_killed_on_resume(study: Any) -> None:
    recorder = study.open()
    trial = recorder.trial(study.spec.arm("A"), "final", None)
    fold = recorder.start_fold(trial, study.task())
    # As after kill -9: nothing closes the runs.
    recorder._own_lease.release()
    client = MlflowClient(study.uri)
    assert client.get_run(fold).info.status == "RUNNING"

    with study.recording() as resumed:
        assert resumed.run_id == recorder.run_id
        assert client.get_run(fold).info.status == "KILLED"
        assert client.get_run(fold).data.tags["error"].startswith("interrupted")
        assert resumed.finished_folds() == {}
        assert resumed.trial(study.spec.arm("A"), "final", None) == trial
        assert client.get_run(trial).info.status == "RUNNING"
        assert "error" not in client.get_run(trial).data.tags


def test_a_second_process_that_wants_the_same_study_run_waits_for_the_first(study: Any) -> None:
    recorder = study.open()
    script = (
        "import sys; from pathlib import Path; from harness.tracking.study_lease import StudyLease\n"
        "name, folder, wait = sys.argv[1:]\n"
        "lease = StudyLease(name, lambda line: print(line, flush=True), wait=bool(wait))\n"
        "lease.lock_folder(Path(folder), 'study x')\n"
        "print('mine', flush=True); lease.release()"
    )
    lock = next(Path(study.uri.removeprefix("sqlite:///")).parent.glob(".writing-*[!e]"))
    arguments = [sys.executable, "-c", script, lock.name.removeprefix(".writing-"), str(lock.parent)]
    holder = rf"study x is in use by \S+ on \S+ \(PID {os.getpid()}\) since .* UTC, last heartbeat .* UTC"
    with subprocess.Popen([*arguments, "wait"], stdout=subprocess.PIPE, text=True) as second:
        assert second.stdout is not None
        assert re.fullmatch(rf"{holder}; waiting for it to finish\n", second.stdout.readline())
        third = subprocess.run([*arguments, ""], capture_output=True, text=True, check=False)
        assert re.search(rf"InUseError: {holder}; run the command without --no-wait", third.stderr)
        recorder.close("FINISHED")
        assert second.stdout.readline() == "mine\n"
        assert second.wait(30) == 0
    assert not list(lock.parent.glob(".writing-*"))
