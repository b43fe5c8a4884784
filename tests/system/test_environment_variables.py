"""Variables that are meant for other programs: what reaches the libraries used here, and what does not."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from harness.errors import TrackingError
from harness.system.environment_variables import keep_foreign_variables_out, proxy_of, reach_loopback_directly
from harness.tracking.store import open_store
from tests.stores import record_tiny

NOTEBOOK = "module://matplotlib_inline.backend_inline"
HOSTILE = {
    "MPLBACKEND": "module://backend.of.a.notebook.that.is.not.installed",
    # Ended in a traceback or an error each, by itself.
    "MLFLOW_ENABLE_WORKSPACES": "true",
    "MLFLOW_ARTIFACT_LOCATION_MAX_LENGTH": "10",
    "MLFLOW_SYSTEM_METRICS_SAMPLES_BEFORE_LOGGING": "many",
    "PYTHONWARNINGS": "error",
    # Printed every statement; sent what is recorded later, perhaps never; another store.
    "MLFLOW_SQLALCHEMYSTORE_ECHO": "true",
    "MLFLOW_ENABLE_ASYNC_LOGGING": "true",
    "MLFLOW_TRACKING_URI": "http://127.0.0.1:9",
    "MLFLOW_RUN_ID": "0" * 32,
    "TQDM_MININTERVAL": "often",
}


@pytest.fixture(autouse=True)
def _environment() -> Iterator[None]:
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.mark.slow
def test_a_command_does_the_same_in_a_hostile_environment(tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_text("font.size: 30\nlines.linewidth: 9\n")
    study = record_tiny(tmp_path)
    made = {}
    for name, variables in {"friendly": {}, "hostile": {**HOSTILE, "MATPLOTLIBRC": str(tmp_path)}}.items():
        folder = tmp_path / name
        script = "from harness.cli import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", script, "report", "tiny", "--tracking-uri", study.uri, "--reports", str(folder)],
            cwd=tmp_path if variables else tmp_path.parent,
            env={**{key: value for key, value in os.environ.items() if key != "MPLBACKEND"}, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "INFO sqlalchemy" not in done.stderr + done.stdout
        files = [file for file in folder.rglob("*") if file.is_file()]
        made[name] = {str(file.relative_to(folder)): file.read_bytes() for file in files}
    assert [name for name in made["friendly"] if name.endswith(".png")]
    assert made["friendly"] == made["hostile"]


@pytest.mark.slow
def test_a_program_that_imports_the_package_draws_without_the_notebook_s_backend() -> None:
    script = "from harness.report.topics.classes import confusion_png; import os; print('MPLBACKEND' in os.environ)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "MPLBACKEND": HOSTILE["MPLBACKEND"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "False\n"), done.stderr


def test_what_reaches_a_server_and_what_holds_a_secret_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {
        "MLFLOW_TRACKING_USERNAME": "me",
        "MLFLOW_TRACKING_TOKEN": "a token of some length",
        "MLFLOW_TRACKING_INSECURE_TLS": "true",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
        "MLFLOW_S3_ENDPOINT_URL": "http://127.0.0.1:9000",
        # What is recorded is searched for its password.
        "MLFLOW_TRACKING_URI": "http://me:a-long-password@host",
    }
    removed = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "7", "MPLBACKEND": NOTEBOOK, "TQDM_DISABLE": "1"}
    for name, value in (kept | removed).items():
        monkeypatch.setenv(name, value)
    keep_foreign_variables_out()
    assert kept.items() <= os.environ.items()
    assert not removed.keys() & os.environ.keys()


def test_warnings_are_errors_only_where_python_itself_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with warnings.catch_warnings():
        monkeypatch.setattr(sys, "warnoptions", ["error"])
        warnings.simplefilter("error")
        monkeypatch.delenv("PYTHONWARNINGS", raising=False)
        keep_foreign_variables_out()
        with pytest.raises(UserWarning):
            warnings.warn("told by -W", UserWarning, stacklevel=1)
        monkeypatch.setenv("PYTHONWARNINGS", "error")
        keep_foreign_variables_out()
        # The workers ask for the filters of this process.
        assert (sys.warnoptions, "PYTHONWARNINGS" in os.environ) == ([], False)
        warnings.warn("a library's own", DeprecationWarning, stacklevel=1)


class _Server(BaseHTTPRequestHandler):
    """Answers as an MLflow server without experiments."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), _Server) as served:
        thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield served.server_address[1]
        served.shutdown()


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the address of a proxy that the environment names and where nobody answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"http://me:secret-password@127.0.0.1:{probe.getsockname()[1]}"
    for name in ("no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, address)
    return address


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.usefixtures("closed")
def test_this_machine_is_never_asked_through_a_proxy(server: int, host: str) -> None:
    assert open_store(f"http://{host}:{server}", create=True).client.search_experiments() == []


@pytest.mark.usefixtures("closed")
def test_a_proxy_that_does_not_answer_is_named_with_what_to_do() -> None:
    with pytest.raises(TrackingError) as caught:
        open_store("http://mlflow.example:5000", create=True)
    told = str(caught.value)
    assert "the request went through the proxy http://me:***@127.0.0.1:" in told
    assert "add the host to NO_PROXY" in told
    assert "secret-password" not in told


def test_hosts_that_need_no_proxy_already_are_kept(closed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert proxy_of("http://a.example/x") == closed
    assert proxy_of("sqlite:///mlruns/mlflow.db") == ""
    monkeypatch.setenv("NO_PROXY", "a.example, .inner")
    reach_loopback_directly()
    reach_loopback_directly()
    assert os.environ["NO_PROXY"] == "a.example,.inner,localhost,127.0.0.1,127.0.0.0/8,::1"
    for url in ("http://a.example/x", "https://b.inner", "http://[::1]:5000", "http://localhost:5000"):
        assert proxy_of(url) == "", url
    assert proxy_of("https://b.example") == closed
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "*")
    reach_loopback_directly()
    assert proxy_of("http://b.example") == ""
