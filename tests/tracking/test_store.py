"""Opening stores: quickly, quietly, and with a message when that cannot be."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import TrackingError
from harness.tracking.store import open_store


def test_importing_the_room_loads_no_heavy_library() -> None:
    script = (
        "import sys, harness.tracking as t; assert t.StudyRecorder.__module__\n"
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
    with pytest.raises(TrackingError, match="port of the tracking URI is not a number"):
        open_store("http://host:abc", create=True)


def test_a_scheme_that_mlflow_does_not_know_is_told() -> None:
    with pytest.raises(TrackingError, match=r"gopher://host: cannot open the tracking store"):
        open_store("gopher://host", create=True)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TrackingError, match="cannot open the tracking store"):
        open_store(f"sqlite:///{tmp_path}/file/mlflow.db", create=True)
