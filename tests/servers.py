"""A failing network before a real MLflow server, for tests of what happens when it is down."""

from __future__ import annotations

import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


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
