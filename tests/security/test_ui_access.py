"""The UI lets in who has its address, and serves nobody what MLflow has besides runs: its assistant runs commands.

The attack with a provider of language models that answers with a command is the one that works on MLflow 3.17.2 as it
comes: three requests without a password, from any account of the machine or any page shown from localhost.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import mlflow
import psutil
import pytest

from harness.tracking.store import open_store
from harness.tracking.ui import ui_server
from tests.servers import free_port

ASSISTANT = "/ajax-api/3.0/mlflow/assistant"
_OTHERS = [
    ("GET", f"{ASSISTANT}/config"),
    ("POST", "/ajax-api/3.0/mlflow/gateway/secrets/create"),
    ("POST", "/ajax-api/2.0/mlflow/gateway-proxy"),
    ("POST", "/gateway/x/mlflow/invocations"),
    ("POST", "/gateway/mlflow/v1/chat/completions"),
    ("POST", "/ajax-api/3.0/mlflow/prompt-optimization/jobs"),
    ("POST", "/ajax-api/3.0/jobs/"),
    ("POST", "/ajax-api/3.0/mlflow/jobs"),
    ("POST", "/ajax-api/3.0/mlflow/scorers/register"),
    ("POST", "/ajax-api/3.0/mlflow/scorer/invoke"),
    ("POST", "/ajax-api/3.0/mlflow/genai/evaluate/invoke"),
    ("POST", "/ajax-api/3.0/mlflow/demo/generate"),
    ("GET", "/ajax-api/3.0/mlflow/mcp-servers"),
    ("POST", "/v1/traces"),
    ("POST", "/api/2.0/mlflow/webhooks"),
    ("POST", "/api/2.0/mlflow/model-versions/create"),
    ("GET", "/model-versions/get-artifact"),
    ("POST", "/ajax-api/2.0/mlflow/runs/create-promptlab-run"),
    # Other spellings of a path, of which a router might make that of the assistant.
    ("GET", f"/{ASSISTANT}/config"),
    ("GET", f"/static-files/..{ASSISTANT}/config"),
    ("GET", f"/static-files/%2e%2e{ASSISTANT}/config"),
    ("GET", f"/api/2.0/mlflow/runs/../../../..{ASSISTANT}/config"),
    ("GET", "/ajax-api%2F3.0%2Fmlflow%2Fassistant%2Fconfig"),
    ("GET", "/ajax-api/3.0/mlflow/%61ssistant/config"),
    ("GET", f"{ASSISTANT}/config%00"),
    ("GET", f"{ASSISTANT}/config".upper()),
]


@dataclass
class Served:
    """A running UI; its process is the launcher of the server."""

    uri: str
    port: int
    path: str
    process: psutil.Process
    home: Path

    def ask(
        self, method: str, path: str, *, body: Any = None, origin: str | None = None, host: str | None = None
    ) -> tuple[int, bytes, http.client.HTTPMessage]:
        """Return status, body and headers of one request, whose path is sent as it is."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Content-Type": "application/json"} | ({"Origin": origin} if origin else {})
        headers |= {"Host": host} if host else {}
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.headers
        finally:
            connection.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Yield the UI on an empty store, with a home of its own."""
    folder = tmp_path_factory.mktemp("ui")
    uri, home = f"sqlite:///{folder}/mlruns/mlflow.db", folder / "home"
    open_store(uri, create=True)
    home.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        with ui_server(uri, port=free_port()) as (process, url):
            parts = urlsplit(url)
            yield Served(uri, int(parts.port or 0), parts.path, psutil.Process(process.pid), home)


@dataclass
class Provider:
    """What pretends to be a provider of language models: whatever it is asked, it answers with a shell command."""

    url: str
    made: Path
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[Provider]:
    """Yield a running provider whose command would make the file ``made``."""
    made = tmp_path / "made"
    call = {"index": 0, "id": "1", "type": "function"}
    call["function"] = {"name": "Bash", "arguments": json.dumps({"command": f"touch {made}", "description": "x"})}
    said = json.dumps({"choices": [{"delta": {"tool_calls": [call]}, "finish_reason": "tool_calls"}]})

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            if len(found.asked) == 1:
                self.wfile.write(f"data: {said}\n\ndata: [DONE]\n\n".encode())

        do_GET = do_POST  # noqa: N815

        def log_message(self, *_: Any) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Provider(f"http://127.0.0.1:{server.server_address[1]}", made)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield found
        server.shutdown()


def attack(served: Served, prefix: str, provider: Provider, origin: str | None) -> list[int]:
    """Have the assistant ask ``provider`` what to run, and return the status of each answer."""
    model = {"model": "m", "selected": True, "base_url": provider.url, "permissions": {"full_access": True}}
    status, _, _ = served.ask(
        "PUT", f"{prefix}{ASSISTANT}/config", body={"providers": {"ollama": model}}, origin=origin
    )
    statuses = [status]
    status, body, _ = served.ask("POST", f"{prefix}{ASSISTANT}/message", body={"message": "go"}, origin=origin)
    statuses.append(status)
    stream = json.loads(body)["stream_url"] if status == 200 else f"{ASSISTANT}/sessions/1/stream"
    status, body, _ = served.ask("GET", f"{prefix}{stream}", origin=origin)
    return [*statuses, status]


@pytest.fixture
def unguarded(tmp_path: Path) -> Iterator[Served]:
    """Yield MLflow's server as it comes, on an empty store, with a home of its own."""
    uri, home, port = f"sqlite:///{tmp_path}/plain/mlflow.db", tmp_path / "home", free_port()
    open_store(uri, create=True)
    home.mkdir()
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", uri, "--workers", "1"]
    process = subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--port", str(port)],
        cwd=tmp_path,
        env={**os.environ, "HOME": str(home), "MLFLOW_DISABLE_TELEMETRY": "true"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    served = Served(uri, port, "", psutil.Process(process.pid), home)
    try:
        for _ in range(600):
            with contextlib.suppress(OSError):
                if served.ask("GET", "/health")[0] == 200:
                    break
            time.sleep(0.2)
        yield served
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.slow
@pytest.mark.skipif(not mlflow.__version__.startswith("3.17."), reason="whether others can be attacked is not known")
def test_the_attack_works_where_nothing_guards(unguarded: Served, provider: Provider) -> None:
    """Without this, a path that MLflow renamed would make the tests below pass for nothing."""
    assert attack(unguarded, "", provider, "http://localhost:8888") == [200, 200, 200]
    assert provider.asked != []
    assert provider.made.exists()


@pytest.mark.slow
@pytest.mark.parametrize("origin", [None, "http://localhost:8888", "own"])
@pytest.mark.parametrize("with_token", [False, True])
def test_nobody_reaches_the_assistant(served: Served, provider: Provider, with_token: bool, origin: str | None) -> None:
    origin = f"http://127.0.0.1:{served.port}" if origin == "own" else origin
    assert attack(served, served.path if with_token else "", provider, origin) == [403, 403, 403]
    assert provider.asked == []
    assert not provider.made.exists()
    assert not (served.home / ".mlflow").exists()


@pytest.mark.slow
@pytest.mark.parametrize(("method", "path"), _OTHERS)
def test_what_looking_at_runs_does_not_need_is_not_served(served: Served, method: str, path: str) -> None:
    status, body, _ = served.ask(method, served.path + path, body={} if method == "POST" else None)
    assert (status, b"not this part of MLflow" in body) == (403, True)


@pytest.mark.slow
@pytest.mark.parametrize(
    "prefix", ["", "/token=", "/token=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "/token=%C3%BC", "/x/..", "/", "cut", "upper"]
)
def test_without_the_token_nothing_is_read_or_written(served: Served, prefix: str) -> None:
    prefix = {"cut": served.path[:-1], "upper": served.path.upper()}.get(prefix, prefix)
    for method, path, body in (
        ("GET", "/", None),
        ("GET", "/health", None),
        ("GET", "/static-files/index.html", None),
        ("POST", "/ajax-api/2.0/mlflow/experiments/search", {"max_results": 1}),
        ("POST", "/api/2.0/mlflow/experiments/create", {"name": "theirs"}),
        ("PUT", "/api/2.0/mlflow-artifacts/artifacts/theirs.txt", {"x": 1}),
        ("POST", "/graphql", {"query": "{__typename}"}),
    ):
        status, answer, _ = served.ask(method, prefix + path, body=body)
        assert (status, b"address that `harness ui` printed" in answer) == (403, True), path
    assert [each.name for each in open_store(served.uri, create=False).client.search_experiments()] == ["Default"]
    assert not list(Path(served.uri.removeprefix("sqlite:///")).parent.rglob("theirs*"))


@pytest.mark.slow
def test_a_page_of_another_server_changes_nothing_even_with_the_token(served: Served) -> None:
    asked = ("POST", f"{served.path}/ajax-api/2.0/mlflow/experiments/create")
    for origin in ("http://localhost:8888", f"http://localhost:{served.port}", "null", "https://example.org"):
        status, _, _ = served.ask(*asked, body={"name": "theirs"}, origin=origin)
        assert status == 403, origin
    # A name of the attacker's that resolves to this machine.
    status, _, _ = served.ask(*asked, body={"name": "theirs"}, origin="http://evil.example:80", host="evil.example:80")
    assert status == 403
    assert [each.name for each in open_store(served.uri, create=False).client.search_experiments()] == ["Default"]


@pytest.mark.slow
def test_the_address_is_all_that_a_browser_holds_and_no_page_calls_out(served: Served) -> None:
    status, body, headers = served.ask("GET", f"{served.path}/")
    assert status == 200
    assert int(headers["content-length"]) == len(body)
    # A browser would send a cookie to every port of this machine.
    assert headers["set-cookie"] is None
    assert headers["referrer-policy"] == "no-referrer"
    assert "default-src 'self'" in headers["content-security-policy"]
    assert b'set("mlflow.assistant.panelOpen", false)' in body
    status, _, headers = served.ask("GET", served.path)
    assert (status, headers["location"]) == (308, f"{served.path}/")


@pytest.mark.slow
def test_other_accounts_do_not_see_the_token_among_the_processes(served: Served) -> None:
    token = served.path.partition("=")[2]
    assert len(token) == 32
    family = [served.process, *served.process.children(recursive=True)]
    assert len(family) > 1
    for process in family:
        assert token not in " ".join(process.cmdline())
        assert Path(f"/proc/{process.pid}/environ").stat().st_mode & 0o077 == 0
