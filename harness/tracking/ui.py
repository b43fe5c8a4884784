"""The MLflow UI on a store, served by a child process that ends with this one."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

from harness.errors import TrackingError
from harness.system.environment_variables import foreign_variables
from harness.system.redaction import mask_address
from harness.system.sqlite_uri import sqlalchemy_uri
from harness.terminal.printing import say
from harness.tracking import ui_view
from harness.tracking.store import QUIET, open_store
from harness.tracking.ui_app import VARIABLE, new_token, token_path
from harness.tracking.uri import is_remote, local_folder

_logger = logging.getLogger(__name__)

LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SECONDS_TO_START = 120
_SECONDS_TO_STOP = 10
_PAGES_TOLD = 10


def serve_ui(uri: str, host: str = "127.0.0.1", port: int = 5000) -> None:
    """Serve the MLflow UI on the store at ``uri`` until Ctrl-C.

    Anyone who has the address can read and change every run, and nobody else can; see :mod:`harness.tracking.ui_app`.
    Traffic is not encrypted, so ``host`` defaults to loopback.

    Parameters
    ----------
    uri
        Tracking URI of a local store or a database.
    host
        Name or address of the network interface to listen on.
    port
        TCP port to listen on.

    Raises
    ------
    TrackingError
        When there is no store, the port is taken, or the server does not start or exits unexpectedly.
    """
    if host not in LOOPBACK:
        say(
            f"warning: listening on {host}:{port} without encryption: anyone who has the address below, or can see "
            "the traffic, can read and change all runs",
            err=True,
        )
    try:
        with ui_server(uri, host, port) as (process, url):
            _say(url, study_addresses(uri, url))
            process.wait()
            raise TrackingError(f"the MLflow server at {url} exited unexpectedly (exit code {process.returncode})")
    except KeyboardInterrupt:
        return


@contextmanager
def ui_server(
    uri: str, host: str = "127.0.0.1", port: int = 5000, token: str | None = None
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Run the server, yield its process and address once it answers, and stop it at the end.

    Parameters
    ----------
    uri, host, port
        As in :func:`serve_ui`.
    token
        The secret part of the address; None takes that of ``HARNESS_UI_TOKEN``, or a new one at each start.

    Raises
    ------
    TrackingError
        As for :func:`serve_ui`.
    """
    if is_remote(uri):
        raise TrackingError(f"{mask_address(uri)} is already an MLflow server: open this address in a browser")
    # Opening it for reading reports a missing store or one of another version, which the server's output would bury.
    store = open_store(uri, create=False)
    try:
        store.follow()
    except TrackingError as error:
        _logger.warning("%s", error)
    store.check_places()
    _check_port(host, port)
    address = f"[{host}]" if ":" in host else host
    token = token or new_token()
    url = f"http://{address}:{port}{token_path(token)}"
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "mlflow", "server", "--host", host, "--port", str(port), "--workers", "1"),
            *("--app-name", "harness", "--uvicorn-opts", "--log-level warning --lifespan off"),
        ],
        env=_environment(store.uri, host, port) | {VARIABLE: token},
        # Its own process group, so that all of its processes can be stopped, and Ctrl-C reaches it only through us.
        start_new_session=True,
    )
    previous = _raise_on_signals()
    try:
        _wait_until_ready(process, url)
        yield process, url
    finally:
        _stop(process)
        for number, handler in previous.items():
            signal.signal(number, handler)


def _environment(uri: str, host: str, port: int) -> dict[str, str]:
    """Return the server's environment.

    It holds the URI and the token, which other users could see on the command line.
    """
    folder = local_folder(uri)
    # Variables of MLflow that the user set for other stores must not affect this one.
    foreign = foreign_variables()
    inherited = {name: value for name, value in os.environ.items() if name not in foreign}
    own = {
        "MLFLOW_BACKEND_STORE_URI": sqlalchemy_uri(uri),
        "MLFLOW_REGISTRY_STORE_URI": sqlalchemy_uri(uri),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_LOGGING_LEVEL": "WARNING",
        # MLflow's own deprecation warnings are of no use to the user.
        "PYTHONWARNINGS": "ignore",
    }
    if host in LOOPBACK:
        # Users who listen on other interfaces choose the allowed host names themselves (MLFLOW_SERVER_ALLOWED_HOSTS).
        own["MLFLOW_SERVER_ALLOWED_HOSTS"] = ",".join(f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]"))
    if folder is not None:
        # For the files of experiments created in the UI; otherwise a folder appears in the working directory.
        own["MLFLOW_DEFAULT_ARTIFACT_ROOT"] = (folder / "artifacts").as_uri()
        own["MLFLOW_ARTIFACTS_DESTINATION"] = (folder / "artifacts").as_uri()
    return {**QUIET, **inherited, **own}


def _check_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise TrackingError(
                f"cannot listen on {host}:{port}: {error.strerror or error}; is another UI running on that port? "
                f"Choose another port, e.g. --port {port + 1}"
            ) from None


def _wait_until_ready(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    # Requests to this machine must not go through a proxy that the environment names.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise TrackingError(
                f"the MLflow server did not start (exit code {process.returncode}); see its message above"
            )
        try:
            with opener.open(f"{url}/health", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (OSError, urllib.error.URLError):
            time.sleep(0.2)
    raise TrackingError(f"the MLflow server at {url} did not answer within {_SECONDS_TO_START} s")


def _stop(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        _signal_group(process, number)
        try:
            process.wait(_SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            continue
        return


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        # The group has ended with its last process.
        return


def _raise_on_signals() -> dict[int, Any]:
    """Make SIGTERM and SIGHUP stop the server too; return the previous handlers.

    There are none if signals cannot be handled (outside the main thread).
    """

    def leave(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        return {}
    return {
        number: signal.signal(number, leave)
        for number in (signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(number) != signal.SIG_IGN
    }


def study_addresses(uri: str, url: str) -> dict[str, str]:
    """Return the page of each study in the store at ``uri`` by name, the last changed first; ``url`` is the server's.

    MLflow 3.17 opens an experiment on an empty page about language models until the reader has once switched to "Model
    training"; these addresses open the runs.

    Raises
    ------
    TrackingError
        When the store cannot be read.
    """
    store = open_store(uri, create=False)
    with store.guard("list the studies"):
        found = store.client.search_experiments(order_by=["last_update_time DESC"])
        pages = {
            each.name: f"{url}/#/experiments/{each.experiment_id}/runs?workflowType=machine_learning"
            + (f"&viewStateShareKey={ui_view.KEY}" if ui_view.TAG in each.tags else "")
            for each in found
        }
    pages.pop("Default", None)
    return pages


def _say(url: str, pages: Mapping[str, str]) -> None:
    say(f"MLflow UI: {url}/  (press Ctrl-C to stop; this address grants access, keep it private)")
    for name, page in list(pages.items())[:_PAGES_TOLD]:
        say(f"  {name}: {page}")
    if len(pages) > _PAGES_TOLD:
        say(f'  and {len(pages) - _PAGES_TOLD} more studies: choose "Model training" there')
