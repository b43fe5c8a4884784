"""A store that cannot be written: one sentence that says what to do, and nothing lost."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from mlflow.tracking import MlflowClient
from sqlalchemy import event
from sqlalchemy.engine import Engine

from harness.errors import TrackingError
from harness.system.retry import Retrying
from harness.tracking.store import open_store
from harness.tracking.study_reader import read_study
from harness.tracking.study_recorder import StudyRecorder
from tests.databases import Postgres


def train(study: Any, recorder: StudyRecorder, before_end: Callable[[], object] = lambda: None) -> None:
    """Record the three folds of arm A, whichever are missing."""
    trial = recorder.trial(study.spec.arm("A"), "final", None)
    for fold in (1, 2, 3):
        task = study.task(fold=fold)
        if task.digest in recorder.finished_folds():
            continue
        run_id = recorder.start_fold(trial, task)
        result = study.result(task)
        before_end()
        recorder.finish_fold(run_id, result, study.tables(result), {})
    recorder.finish_trial(trial, {1: 0.5}, "test")


def assert_whole(study: Any) -> None:
    """The study in the store equals what was recorded, each fold once."""
    record = read_study(study.uri, "tiny")
    expected = pd.concat([study.tables(study.result(study.task(fold=fold)))["test"] for fold in (1, 2, 3)])
    found = record.predictions[expected.columns]
    pd.testing.assert_frame_equal(found, expected.reset_index(drop=True), check_exact=True)
    assert record.folds["fold"].tolist() == [1, 2, 3]
    statuses = [run.info.status for run in MlflowClient(study.uri).search_runs(["1"])]
    assert "RUNNING" not in statuses


def fill(disk: Path) -> None:
    """Leave no byte free on ``disk``."""
    with (disk / "ballast").open("ab", buffering=0) as ballast:
        for size in (65536, 4096, 1):
            with contextlib.suppress(OSError):
                while ballast.write(b"\0" * size) == size:
                    pass


@pytest.mark.parametrize("moment", ["database", "artifact"])
def test_a_full_disk_is_told_and_the_study_goes_on_when_there_is_room(
    make_study: Callable[..., Any], new_store: Callable[[Path], str], small_disk: Path, moment: str
) -> None:
    study = make_study().with_changes(uri=new_store(small_disk))
    ended = 0

    def fill_at_the_second() -> None:
        nonlocal ended
        ended += 1
        if ended == 2:
            fill(small_disk)

    with pytest.raises(TrackingError, match="free some space there, then run the same command again"):  # noqa: PT012, SIM117
        with study.recording() as recorder:
            if moment == "database":
                fill(small_disk)
            train(study, recorder, fill_at_the_second)
    (small_disk / "ballast").unlink()
    with study.recording() as resumed:
        assert resumed.run_id == recorder.run_id
        assert len(resumed.finished_folds()) == (0 if moment == "database" else 1)
        train(study, resumed)
    assert_whole(study)


def test_no_half_written_file_is_left_or_read(study: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    written = 0

    def full(handle: int) -> None:  # noqa: ARG001
        nonlocal written
        written += 1
        if written == 8:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "somewhere")

    with monkeypatch.context() as patch:
        patch.setattr("harness.system.writing.os.fsync", full)
        with (
            pytest.raises(TrackingError, match=r"No space left on device.*free some space"),
            study.recording() as recorder,
        ):
            train(study, recorder)
    assert not list(tmp_path.rglob(".writing-*"))
    with study.recording() as resumed:
        train(study, resumed)
    assert_whole(study)


@pytest.mark.skipif(os.geteuid() == 0, reason="root can write everywhere")
def test_a_read_only_folder_is_told(study: Any, tmp_path: Path) -> None:
    (tmp_path / "mlruns").chmod(0o500)
    with pytest.raises(TrackingError, match=r"cannot write|make the folder writable"):
        study.open()
    (tmp_path / "mlruns").chmod(0o700)


def test_a_database_that_is_locked_for_a_moment_is_waited_for(study: Any, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "mlruns" / "mlflow.db", check_same_thread=False, isolation_level=None)
    with study.recording() as recorder:
        other.execute("BEGIN EXCLUSIVE")
        began = time.monotonic()
        threading.Timer(1, lambda: other.execute("COMMIT")).start()
        train(study, recorder)
        assert time.monotonic() - began >= 1
    other.close()
    assert_whole(study)


def test_a_database_that_stays_locked_is_told(study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.tracking.store.Retrying", partial(Retrying, seconds=0.3))

    def impatient(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> tuple[str, Any]:  # noqa: ARG001
        # MLflow itself waits for 20 s.
        return statement.replace("busy_timeout = 20000", "busy_timeout = 10"), parameters

    other = sqlite3.connect(tmp_path / "mlruns" / "mlflow.db", isolation_level=None)
    event.listen(Engine, "before_cursor_execute", impatient, retval=True)
    try:
        with pytest.raises(TrackingError, match=r"is locked.*close that program, then run the same command again"):  # noqa: PT012, SIM117
            with study.recording() as recorder:
                other.execute("BEGIN EXCLUSIVE")
                train(study, recorder)
        other.execute("COMMIT")
    finally:
        event.remove(Engine, "before_cursor_execute", impatient)
        other.close()
    with study.recording() as resumed:
        train(study, resumed)
    assert_whole(study)


@pytest.mark.slow
def test_a_database_server_that_restarts_is_waited_for(
    make_study: Callable[..., Any],
    postgres: Postgres,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    study = make_study().with_changes(uri=postgres.create("restarts"))
    with study.recording() as recorder:
        restarting = threading.Thread(target=lambda: [postgres.restart() for _ in range(3)])
        restarting.start()
        # Until it has been restarted several times, there is something to write.
        trial = recorder.trial(study.spec.arm("A"), "search", 0)
        while restarting.is_alive():
            recorder.finish_trial(trial, {1: 0.5}, "validation")
        train(study, recorder)
    assert_whole(study)


@pytest.mark.slow
def test_a_database_whose_artifacts_are_on_another_machine_is_told(
    make_study: Callable[..., Any], postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = make_study().with_changes(uri=postgres.create("elsewhere"))
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path / "there")
    with study.recording() as recorder:
        train(study, recorder)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").rename(tmp_path / "gone")
    with pytest.raises(TrackingError, match=r"artifacts are in .*/there/mlruns/1, .*need a shared folder"):
        study.open()
    (tmp_path / "gone").rename(tmp_path / "there")
    with study.recording() as recorder:
        assert len(recorder.finished_folds()) == 3


def test_a_database_on_a_file_system_that_does_not_suit_it_is_told_with_what_to_do(study: Any) -> None:
    from sqlite3 import OperationalError as SqliteError

    from sqlalchemy.exc import OperationalError

    failed = OperationalError("SELECT 1", None, SqliteError("disk I/O error"))
    with pytest.raises(TrackingError, match="disk I/O error") as caught, open_store(study.uri, create=False).guard("x"):
        raise failed
    told = str(caught.value)
    assert "network file system" in told
    assert "choose a store on a local disk with --tracking-uri, then run the same command again" in told
