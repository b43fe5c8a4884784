"""The UI: a real server on a free port of loopback, or a message."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from harness.errors import TrackingError
from harness.tracking.ui import _say, study_addresses, ui_server


@pytest.fixture
def port() -> int:
    """Return a port that is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return bytes(answer.read())


@pytest.mark.slow
def test_the_ui_shows_the_store_takes_runs_and_ends(study: Any, port: int, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    with study.recording() as recorder:
        trial = recorder.trial(study.spec.arm("A"), "final", None)
        run_id = study.run_fold(recorder, trial, study.task())
        recorder.add_pictures(run_id, {"curves.png": b"\x89PNG"})
    before = signal.getsignal(signal.SIGTERM)
    # A plain kill of the process that shows the UI (the last line of the block) must not leave the server behind.
    with pytest.raises(SystemExit), ui_server(study.uri, port=port) as (process, url):  # noqa: PT012
        token = urlsplit(url).path
        assert url == f"http://127.0.0.1:{port}{token}"
        assert b"<title>MLflow</title>" in _get(url)
        # As a browser asks: the page by this very host name, a picture of a run, the run's data.
        picture = f"get-artifact?path=pictures/curves.png&run_uuid={run_id}"
        assert _get(f"http://localhost:{port}{token}/{picture}") == b"\x89PNG"
        run = json.loads(_get(f"{url}/ajax-api/2.0/mlflow/runs/get?run_id={run_id}"))["run"]
        assert {"key": "mlflow.parentRunId", "value": trial} in run["data"]["tags"]
        page = f"{url}/#/experiments/{run['info']['experiment_id']}/runs?workflowType=machine_learning"
        page += "&viewStateShareKey=harness"
        assert study_addresses(study.uri, url) == {study.spec.study.name: page}
        listening = {
            each.laddr.ip
            for child in [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
            for each in child.net_connections("inet")
            if each.status == psutil.CONN_LISTEN
        }
        assert listening == {"127.0.0.1"}
        with pytest.raises(TrackingError, match=f"cannot listen on 127.0.0.1:{port}"), ui_server(study.uri, port=port):
            pass
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before
    assert not any(member.is_running() and member.status() != psutil.STATUS_ZOMBIE for member in family)
    assert [file.name for file in tmp_path.iterdir()] == ["mlruns"]


def test_the_first_studies_are_printed_with_their_pages(capsys: pytest.CaptureFixture[str]) -> None:
    _say("http://127.0.0.1:5000", {"esc": "http://127.0.0.1:5000/#/experiments/1?workflowType=machine_learning"})
    assert capsys.readouterr().out.splitlines() == [
        "MLflow UI: http://127.0.0.1:5000/  (press Ctrl-C to stop; this address grants access, keep it private)",
        "  esc: http://127.0.0.1:5000/#/experiments/1?workflowType=machine_learning",
    ]
    _say("http://127.0.0.1:5000", {f"study {number}": "page" for number in range(12)})
    *_, tenth, rest = capsys.readouterr().out.splitlines()
    assert tenth == "  study 9: page"
    assert rest.startswith("  and 2 more studies")


@pytest.mark.slow
def test_ctrl_c_stops_the_server(uri: str, port: int) -> None:
    # A test run in the background inherits an ignored SIGINT; at a terminal, where Ctrl-C is typed, it is not ignored.
    script = (
        "import signal, sys; from harness.tracking.ui import serve_ui; "
        "signal.signal(signal.SIGINT, signal.default_int_handler); serve_ui(sys.argv[1], port=int(sys.argv[2]))"
    )
    with subprocess.Popen([sys.executable, "-c", script, uri, str(port)], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith(f"MLflow UI: http://127.0.0.1:{port}/token=".encode())
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
        finally:
            # SIGTERM stops the server with it, and ends the wait for a process that ignored Ctrl-C.
            process.terminate()
    with socket.socket() as probe, pytest.raises(ConnectionRefusedError):
        probe.connect(("127.0.0.1", port))


def test_a_store_that_is_missing_is_told_before_any_server_starts(tmp_path: Path, port: int) -> None:
    with (
        pytest.raises(TrackingError, match="no tracking store"),
        ui_server(f"sqlite:///{tmp_path}/x.db", port=port),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_server_s_own_address_needs_no_server() -> None:
    with pytest.raises(TrackingError, match="already an MLflow server"), ui_server("http://127.0.0.1:5000"):
        pass
