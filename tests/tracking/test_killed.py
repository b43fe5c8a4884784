"""What is half done when a process dies is done by the next: the store's layout, runs without their parameters."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from mlflow.tracking import MlflowClient
from sqlalchemy import event
from sqlalchemy.engine import Engine

from harness.errors import TrackingError
from harness.tracking import layout
from harness.tracking.store import open_store
from harness.tracking.study_reader import list_studies, read_study
from harness.tracking.ui import ui_server


def _open_and_die(uri: str, die_at: int) -> int:
    """Open a new store in a process of its own, which dies before statement ``die_at``; return the signal."""
    child = os.fork()
    if child == 0:
        count = 0

        def counted(*_: object) -> None:
            nonlocal count
            count += 1
            if count == die_at:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            event.listen(Engine, "before_cursor_execute", counted)
            open_store(uri, create=True)
        finally:
            os._exit(0)
    return os.waitpid(child, 0)[1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_store_whose_maker_died_between_two_migrations_is_made_anew(
    tmp_path: Path, first_opening: tuple[Path, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "_statements", str)
    file = tmp_path / "mlruns" / "mlflow.db"
    # A death within a migration: MLflow itself could not go on from a table that is there already.
    assert _open_and_die(f"sqlite:///{file}", 450) == signal.SIGKILL
    assert not file.exists()
    store = open_store(f"sqlite:///{file}", create=True)
    assert store.ensure_experiment("tiny", "")
    with closing(sqlite3.connect(file)) as made, closing(sqlite3.connect(first_opening[0])) as other:
        # Not the statements themselves: MLflow writes the words of its checks in any order.
        for question in ("SELECT type, name FROM sqlite_master ORDER BY 1, 2", "SELECT * FROM alembic_version"):
            assert made.execute(question).fetchall() == other.execute(question).fetchall()
    assert not list(file.parent.glob(".making-*"))


def leave_half_a_commit(file: Path, mode: str) -> None:
    """Let a process die while it changes a database; what it leaves must be undone by the next that opens it."""
    child = os.fork()
    if child == 0:
        try:
            database = sqlite3.connect(file, isolation_level=None)
            # A small cache is written to the file before the commit; in WAL mode the commit is in the log alone.
            for statement in (f"PRAGMA journal_mode={mode}", "PRAGMA cache_size=1", "BEGIN IMMEDIATE"):
                database.execute(statement)
            database.execute("CREATE TABLE half (content)")
            database.executemany("INSERT INTO half VALUES (zeroblob(1000))", [()] * 500)
            database.execute("UPDATE experiments SET lifecycle_stage = 'deleted'")
            os.kill(os.getpid(), signal.SIGKILL)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize(("mode", "left"), [("delete", "mlflow.db-journal"), ("wal", "mlflow.db-wal")])
def test_a_commit_whose_writer_died_is_undone_by_whoever_reads(
    study: Any, tmp_path: Path, mode: str, left: str
) -> None:
    with study.recording() as recorder:
        study.run_fold(recorder, recorder.trial(study.spec.arm("A"), "final", None), study.task())
    before = read_study(study.uri, "tiny").predictions
    home = Path(study.uri.removeprefix("sqlite:///")).parent
    for reads in (_reads, _shows):
        copy = shutil.copytree(home, tmp_path / reads.__name__)
        leave_half_a_commit(copy / "mlflow.db", mode)
        assert (copy / left).stat().st_size > 0
        reads(f"sqlite:///{copy / 'mlflow.db'}", before)
        with closing(sqlite3.connect(copy / "mlflow.db")) as database:
            assert not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'half'").fetchall()


def _reads(uri: str, before: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(read_study(uri, "tiny").predictions, before, check_exact=True)


def _shows(uri: str, _: pd.DataFrame) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        # The store is opened before the port is looked at, and the server would start if it were free.
        with pytest.raises(TrackingError, match="cannot listen"), ui_server(uri, port=int(taken.getsockname()[1])):
            pass


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_half_a_commit_on_a_disk_that_cannot_be_written_says_how_nothing_is_lost(
    small_disk: Path, new_store: Callable[[Path], str]
) -> None:
    uri = new_store(small_disk)
    file = Path(uri.removeprefix("sqlite:///"))
    leave_half_a_commit(file, "delete")
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(TrackingError, match=r"mlflow.db-journal still exists.*copy the complete folder") as caught:
        list_studies(uri)
    assert "run a study first" not in str(caught.value)
    # What is advised, done.
    copy = shutil.copytree(file.parent, small_disk.parent / "copy")
    assert list_studies(f"sqlite:///{copy / 'mlflow.db'}") == []


def test_runs_whose_writer_died_before_their_parameters_get_them(study: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    arm, values = study.spec.arm("A"), {"train.lr": 0.02}
    with monkeypatch.context() as patch:
        patch.setattr("mlflow.tracking.MlflowClient.log_batch", die)
        with pytest.raises(KeyboardInterrupt):
            study.open()
    client = MlflowClient(study.uri)
    with study.recording() as recorder, monkeypatch.context() as patch:
        patch.setattr("mlflow.tracking.MlflowClient.log_batch", die)
        with pytest.raises(KeyboardInterrupt):
            recorder.trial(arm, "search", 0, values)
    with study.recording() as resumed:
        assert resumed.run_id == recorder.run_id
        trial = client.get_run(resumed.trial(arm, "search", 0, values))
        assert client.get_run(trial.info.run_id).data.params == {"train.lr": "0.02"}
    found = client.get_run(recorder.run_id)
    assert found.data.params["train.lr"] == str(study.spec.train.lr)
    assert found.data.tags["study_run"] == recorder.run_id
    assert len(found.inputs.dataset_inputs) == 1
