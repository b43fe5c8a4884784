"""A server's studies: recorded here first, then sent, whatever happens to it; each run arrives once and whole."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from harness.errors import TrackingError
from harness.tracking.study_reader import read_study
from harness.tracking.study_recorder import log_reports
from harness.tracking.sync.delivery import send_waiting
from harness.tracking.sync.spool import all_spools, recording_uri, spool_of
from harness.tracking.ui import ui_server
from tests.servers import Proxy, free_port, not_mirrored, runs_of

pytestmark = pytest.mark.slow


def record(study: Any, arms: tuple[str, ...] = ("A",), folds: tuple[int, ...] = (1, 2)) -> str:
    """Record a study with a failed training and a report; return its run id."""
    with study.recording() as recorder:
        for arm in arms:
            trial = recorder.trial(study.spec.arm(arm), "final", None)
            for fold in folds:
                if study.task(arm, fold=fold).digest not in recorder.finished_folds():
                    study.run_fold(recorder, trial, study.task(arm, fold=fold))
            recorder.fail_fold(recorder.start_fold(trial, study.task(arm, fold=3)), "bad luck", "Traceback")
            recorder.finish_trial(trial, dict.fromkeys(folds, 0.5), "test")
    log_reports(recording_uri(study.uri), recorder.run_id, {"results.json": f'{{"arms": {len(arms)}}}'.encode()})
    return str(recorder.run_id)


def assert_mirrored(study: Any, server: str, folder: Path) -> None:
    """Every run of the spool stands on the server once, equal in everything but its id."""
    assert not_mirrored(recording_uri(study.uri), server, study.spec.study.name, folder) == []


def test_what_was_recorded_here_stands_on_the_server(remote: Any, server: str, tmp_path: Path) -> None:
    run_id = record(remote, arms=("A", "B"))
    (delivery,) = send_waiting(remote.uri)
    assert (delivery.waiting, delivery.error) == (0, "")
    assert_mirrored(remote, server, tmp_path)
    here, there = (read_study(uri, remote.spec.study.name) for uri in (recording_uri(remote.uri), remote.uri))
    assert here.run_id == run_id != there.run_id
    pd.testing.assert_frame_equal(here.predictions, there.predictions, check_exact=True)
    # What is there needs no word with the server.
    (again,) = send_waiting(remote.uri)
    assert (again.sent, again.waiting) == (0, 0)


@pytest.mark.slow
def test_finished_folds_arrive_while_the_study_goes_on(remote: Any, server: str) -> None:
    with remote.recording() as recorder:
        trial = recorder.trial(remote.spec.arm("A"), "final", None)
        fold = remote.run_fold(recorder, trial, remote.task())
        copies: dict[str, Run] = {}
        deadline = time.monotonic() + 60
        while fold not in copies or copies[fold].info.status == "RUNNING":
            copies = {run.data.tags["harness.source_run"]: run for run in runs_of(server, remote.spec.study.name)}
            assert time.monotonic() < deadline
        assert copies.keys() == {recorder.run_id, trial, fold}
        assert copies[fold].info.status == "FINISHED"
        assert copies[fold].data.tags["mlflow.parentRunId"] == copies[trial].info.run_id
        assert copies[fold].data.tags["study_run"] == copies[recorder.run_id].info.run_id
        assert copies[trial].info.status == copies[recorder.run_id].info.status == "RUNNING"


@pytest.mark.slow
@pytest.mark.parametrize("forgetful", [False, True])
def test_a_server_that_fails_at_any_request_gets_each_run_once(
    remote: Any, proxy: Proxy, server: str, tmp_path: Path, forgetful: bool
) -> None:
    proxy.passing = 0
    record(remote, folds=(1,))
    proxy.forgetful = forgetful
    waiting = []
    for attempt in range(30):
        # Every attempt stops at another request, and each finds what the ones before left behind.
        proxy.passing = 3 + 4 * attempt
        (delivery,) = send_waiting(remote.uri)
        waiting.append(delivery.waiting)
        if not delivery.error:
            break
    assert delivery.error == ""
    assert (waiting[0], waiting[-1]) == (4, 0)
    assert len(waiting) > 4
    proxy.passing = None
    assert_mirrored(remote, server, tmp_path)


def test_a_server_that_answers_500_is_told_once_and_stops_nothing(remote: Any, proxy: Proxy) -> None:
    proxy.passing = 0
    told: list[str] = []
    with remote.recording(tell=told.append) as recorder:
        trial = recorder.trial(remote.spec.arm("A"), "final", None)
        for fold in (1, 2, 3):
            remote.run_fold(recorder, trial, remote.task(fold=fold))
            recorder._courier._thread.join(0.3)
    assert len(told) == 1
    assert "500" in told[0]
    assert f"are kept in {spool_of(remote.uri).folder}" in told[0]
    (delivery,) = send_waiting(remote.uri)
    assert delivery.waiting == 5
    assert f"harness sync --tracking-uri {remote.uri}" in str(delivery)


@pytest.mark.slow
def test_what_changed_since_is_sent_again_and_nothing_twice(
    remote: Any, proxy: Proxy, server: str, tmp_path: Path
) -> None:
    with pytest.raises(RuntimeError), remote.recording() as recorder:  # noqa: PT012
        remote.run_fold(recorder, recorder.trial(remote.spec.arm("A"), "final", None), remote.task())
        raise RuntimeError("power cut")
    send_waiting(remote.uri)
    assert {run.info.status for run in runs_of(server, remote.spec.study.name)} == {"FAILED", "KILLED", "FINISHED"}
    assert record(remote) == recorder.run_id
    proxy.seen.clear()
    send_waiting(remote.uri)
    assert_mirrored(remote, server, tmp_path)
    created = [request for request in proxy.seen if request.endswith("runs/create")]
    assert len(created) <= 2


@pytest.mark.slow
def test_without_receipts_the_copies_are_found_and_completed(remote: Any, server: str, tmp_path: Path) -> None:
    record(remote)
    send_waiting(remote.uri)
    shutil.rmtree(spool_of(remote.uri).folder / "sent")
    (delivery,) = send_waiting(remote.uri)
    assert delivery.sent == 5
    assert_mirrored(remote, server, tmp_path)


@pytest.mark.slow
def test_a_copy_that_was_deleted_on_the_server_stays_deleted(remote: Any, server: str) -> None:
    record(remote)
    send_waiting(remote.uri)
    study_copy = next(run for run in runs_of(server, remote.spec.study.name) if run.data.tags["level"] == "study")
    MlflowClient(server).delete_run(study_copy.info.run_id)
    record(remote, arms=("A", "B"))
    (delivery,) = send_waiting(remote.uri)
    assert (delivery.waiting, delivery.error) == (0, "")
    assert not [run for run in runs_of(server, remote.spec.study.name) if run.data.tags["level"] == "study"]


@pytest.mark.slow
def test_a_server_that_dies_and_comes_back_empty_gets_everything(
    remote: Any, proxy: Proxy, server: str, new_store: Callable[[Path], str], tmp_path: Path
) -> None:
    (tmp_path / "first").mkdir()
    told: list[str] = []
    with ui_server(new_store(tmp_path / "first"), port=free_port()) as (process, first):
        proxy.target = first
        with remote.recording(tell=told.append) as recorder:
            trial = recorder.trial(remote.spec.arm("A"), "final", None)
            remote.run_fold(recorder, trial, remote.task(fold=1))
            recorder._courier._thread.join(2)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            remote.run_fold(recorder, trial, remote.task(fold=2))
            recorder.finish_trial(trial, {1: 0.5, 2: 0.5}, "test")
    (down,) = send_waiting(remote.uri)
    assert down.error
    assert down.waiting >= 3
    proxy.target = server
    (back,) = send_waiting(None)
    assert (back.waiting, back.error, back.server) == (0, "", proxy.url)
    assert_mirrored(remote, server, tmp_path)


def test_a_study_of_a_server_that_is_down_is_read_from_the_spool(
    remote: Any, proxy: Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    run_id = record(remote)
    proxy.passing = 0
    with caplog.at_level(logging.WARNING):
        assert read_study(remote.uri, remote.spec.study.name).run_id == run_id
    # The spool of this test is the copy of an empty one, which is told too.
    (line,) = [each.getMessage() for each in caplog.records if "cannot open" in each.getMessage()]
    assert f"reading the runs recorded on this machine instead, from {spool_of(remote.uri).folder}" in line
    with pytest.raises(TrackingError, match="no study 'another'"):
        read_study(remote.uri, "another")


def test_a_server_without_a_spool_is_not_read_from_elsewhere(proxy: Proxy) -> None:
    proxy.passing = 0
    with pytest.raises(TrackingError, match="cannot open the tracking store"):
        read_study(proxy.url, "tiny")
    assert list(Path().iterdir()) == []


@pytest.mark.slow
def test_a_password_tells_no_servers_apart_and_is_not_written(remote: Any, proxy: Proxy, tmp_path: Path) -> None:
    secret = "hunter2secret"
    with_password = proxy.url.replace("://", f"://me:{secret}@")
    assert spool_of(with_password).folder == spool_of(proxy.url).folder
    study = remote.with_changes(uri=with_password)
    proxy.passing = 0
    told: list[str] = []
    with study.recording(tell=told.append) as recorder:
        recorder._courier._thread.join(0.5)
    (delivery,) = send_waiting(with_password)
    proxy.passing = None
    (sent,) = send_waiting(with_password)
    assert sent.waiting == 0
    assert [spool.server for spool in all_spools()] == [proxy.url]
    assert secret not in f"{told} {delivery} {sent}"
    assert not [file for file in tmp_path.rglob("*") if file.is_file() and secret.encode() in file.read_bytes()]
