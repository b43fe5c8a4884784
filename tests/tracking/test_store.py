"""Opening stores: quickly, quietly, and with a message when that cannot be."""

from __future__ import annotations

import errno
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from sqlalchemy.exc import OperationalError

from harness.errors import TrackingError
from harness.tracking.store import Store, open_store


def test_importing_the_room_loads_no_heavy_library() -> None:
    script = (
        "import sys, harness.tracking.study_reader, harness.tracking.sync.spool, harness.tracking.uri\n"
        "print([name for name in ('mlflow', 'torch', 'matplotlib', 'optuna') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_new_store_is_laid_out_silently_and_without_telemetry(
    first_opening: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    file, done = first_opening
    assert done.stderr == ""
    assert done.stdout.strip() == "True None"
    assert file.is_file()
    assert [each.name for each in file.parent.parent.iterdir()] == ["new folder"]


def test_a_server_that_does_not_answer_is_told_at_once() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for uri in (f"http://127.0.0.1:{port}", f"postgresql://me:secret@127.0.0.1:{port}/db"):
        with pytest.raises(TrackingError, match=f"nothing answers at 127.0.0.1:{port}") as caught:
            open_store(uri, create=True)
        assert "secret" not in str(caught.value)


def test_a_port_that_is_no_number_is_told() -> None:
    with pytest.raises(TrackingError, match=r"port \(a number\) is invalid"):
        open_store("http://host:abc", create=True)


def test_a_scheme_that_mlflow_does_not_know_is_told() -> None:
    with pytest.raises(TrackingError, match=r"gopher://host: cannot open the tracking store"):
        open_store("gopher://host", create=True)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TrackingError, match="cannot open the tracking store"):
        open_store(f"sqlite:///{tmp_path}/file/mlflow.db", create=True)


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "free some space there"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "free some space there"),
        (OSError(errno.EROFS, "Read-only file system"), "make the folder writable"),
        (PermissionError(errno.EACCES, "Permission denied"), "make the folder writable"),
        (MlflowException("(sqlite3.OperationalError) database or disk is full"), "free some space there"),
        (
            MlflowException("(sqlite3.OperationalError) attempt to write a readonly database"),
            "make the folder writable",
        ),
        (MlflowException("(sqlite3.OperationalError) unable to open database file"), "make the folder writable"),
        (
            MlflowException("(sqlite3.OperationalError) database is locked"),
            "another program (a database browser, a backup) has it open",
        ),
        (OperationalError("SELECT 1", {}, Exception("connection refused")), "did not recover within a minute"),
    ],
)
def test_a_store_that_cannot_be_written_is_told_with_what_to_do(error: Exception, advice: str) -> None:
    store = Store("sqlite:////somewhere/mlflow.db", cast("MlflowClient", None))
    with pytest.raises(TrackingError) as caught, store.guard("record an epoch"):
        raise error
    told = str(caught.value)
    assert told.startswith("sqlite:////somewhere/mlflow.db: cannot record an epoch: ")
    assert advice in told
    assert told.endswith("then run the same command again: finished trainings are recorded and not repeated")


def test_a_programming_error_is_not_taken_for_a_store_s() -> None:
    store = Store("sqlite:////somewhere/mlflow.db", cast("MlflowClient", None))
    with pytest.raises(ZeroDivisionError), store.guard("count"):
        raise ZeroDivisionError


def test_what_is_no_store_is_not_said_to_lack_a_study(tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("my notes of a year " * 100)
    with closing(sqlite3.connect(tmp_path / "other.db")) as database:
        database.execute("CREATE TABLE customers (name)")
    (tmp_path / "empty.db").touch()
    advice = {
        "notes.db": "not a database; it is not a SQLite database, or is damaged: restore a copy",
        "other.db": (
            "is not an MLflow tracking store (it has no experiments); it contains customers: choose another store"
        ),
        "empty.db": "is not an MLflow tracking store (it has no experiments); run a study first",
    }
    for name, said in advice.items():
        before = (tmp_path / name).read_bytes()
        with pytest.raises(TrackingError) as caught:
            open_store(f"sqlite:///{tmp_path / name}", create=False)
        assert said in str(caught.value)
        assert ("run a study first" in str(caught.value)) == (name == "empty.db")
        assert (tmp_path / name).read_bytes() == before


def test_a_store_that_somebody_holds_is_waited_for_and_not_called_unreadable(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.tracking.database.SECONDS", 0.2)
    with closing(sqlite3.connect(uri.removeprefix("sqlite:///"), isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")
        with pytest.raises(
            TrackingError, match=r"database is locked; another program .*has it open: close that program"
        ):
            open_store(uri, create=False)
        database.execute("ROLLBACK")
    assert open_store(uri, create=False).experiment("tiny") is None
