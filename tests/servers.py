"""A failing network before a real MLflow server, and what a server has of a study, for tests of what happens when it is
down."""

from __future__ import annotations

import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from mlflow.entities import Run
from mlflow.tracking import MlflowClient


def free_port() -> int:
    """Return a port of loopback that is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Proxy(ThreadingHTTPServer):
    """Passes requests on to ``target``; fails as it is told.

    Attributes
    ----------
    passing
        How many requests still pass; None means all. Those after are answered 500 without being passed on.
    forgetful
        Whether the last that passes is carried out but answered 500, as when a server dies before its answer.
    seen
        Method and path of every request.
    """

    daemon_threads = True

    def __init__(self, target: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target = target
        self.passing: int | None = None
        self.forgetful = False
        self.seen: list[str] = []
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def verdict(self, request: str) -> str:
        """Return what becomes of the next request: pass, forget or refuse."""
        with self._lock:
            self.seen.append(request)
            if self.passing is None:
                return "pass"
            self.passing -= 1
            return "refuse" if self.passing < 0 else "forget" if self.forgetful and not self.passing else "pass"


class _Handler(BaseHTTPRequestHandler):
    server: Proxy

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        verdict = self.server.verdict(f"{self.command} {self.path.partition('?')[0]}")
        if verdict == "refuse":
            self._answer(500, b"the server is ill")
            return
        headers = {name: value for name, value in self.headers.items() if name in ("Content-Type", "Authorization")}
        asked = urllib.request.Request(self.server.target + self.path, body or None, headers, method=self.command)
        try:
            with urllib.request.urlopen(asked, timeout=60) as answer:
                status, content = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, content = error.code, error.read()
        except OSError:
            status, content = 502, b"the server is gone"
        self._answer(*((500, b"the server died") if verdict == "forget" else (status, content)))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

    def _answer(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def proxy_to(target: str) -> Iterator[Proxy]:
    """Run a proxy before ``target``."""
    proxy = Proxy(target)
    thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        proxy.server_close()
        thread.join()


def runs_of(uri: str, experiment: str) -> list[Run]:
    """Return the runs of an experiment, empty when there is none of that name."""
    client = MlflowClient(uri)
    found = client.get_experiment_by_name(experiment)
    return [] if found is None else list(client.search_runs([found.experiment_id], max_results=5000))


def content(uri: str, run: Run, ids: dict[str, str], folder: Path) -> dict[str, Any]:
    """Return all that a run holds, with ids translated by ``ids``."""
    client = MlflowClient(uri)
    here = folder / run.info.run_id
    here.mkdir(parents=True)
    if client.list_artifacts(run.info.run_id):
        client.download_artifacts(run.info.run_id, "", str(here))
    return {
        "name": run.info.run_name,
        "status": run.info.status,
        "times": (run.info.start_time, run.info.end_time),
        "params": run.data.params,
        "tags": {key: ids.get(value, value) for key, value in run.data.tags.items() if key != "harness.source_run"},
        "metrics": {
            key: sorted(
                (each.step, each.timestamp, each.value) for each in client.get_metric_history(run.info.run_id, key)
            )
            for key in run.data.metrics
        },
        "inputs": sorted(
            (each.dataset.name, each.dataset.digest, each.dataset.profile, each.tags[0].value)
            for each in run.inputs.dataset_inputs
        ),
        "models": sorted(
            (
                model.name,
                model.status,
                model.params,
                {key: ids.get(value, value) for key, value in model.tags.items() if key != "mlflow.note.content"},
                sorted((each.key, each.value, each.dataset_name, each.dataset_digest) for each in model.metrics),
            )
            for output in (run.outputs.model_outputs if run.outputs else ())
            for model in [client.get_logged_model(output.model_id)]
        ),
        "files": {file.relative_to(here).as_posix(): file.read_bytes() for file in here.rglob("*") if file.is_file()},
    }


def not_mirrored(local: str, server: str, experiment: str, folder: Path) -> list[str]:
    """Return how a study on the server differs from the local one: every run stands there once, equal in everything but
    its id. Empty when nothing differs."""
    originals, copies = runs_of(local, experiment), runs_of(server, experiment)
    ids = {copy.info.run_id: copy.data.tags["harness.source_run"] for copy in copies}
    if sorted(ids.values()) != sorted(run.info.run_id for run in originals):
        return [
            f"{len(originals)} runs here and {len(copies)} on the server, {len(set(ids.values()))} of them different"
        ]
    expected = {run.info.run_id: content(local, run, {}, folder / "here") for run in originals}
    received = {ids[run.info.run_id]: content(server, run, ids, folder / "there") for run in copies}
    return [
        f"{run['name']} ({run_id}): {key} differs on the server"
        for run_id, run in expected.items()
        for key in run
        if received[run_id][key] != run[key]
    ]
