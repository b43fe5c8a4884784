"""Servers that a URI names: what is missing or silent is said in one sentence, in the time that is given."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from harness.system import servers
from harness.system.servers import server_fault


@contextmanager
def listening(word: bytes | None) -> Iterator[int]:
    """Yield the port of a server that accepts connections and says ``word``, nothing for None."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held: list[socket.socket] = []

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                held.append(connection)
                if word is not None:
                    connection.sendall(word)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        # An accept that waits is not ended by closing alone.
        server.shutdown(socket.SHUT_RDWR)
        for connection in held:
            connection.close()


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "SECONDS", 0.2)


@pytest.mark.parametrize("scheme", ["postgresql+psycopg", "mysql+pymysql", "http", "https"])
def test_a_server_that_accepts_and_never_answers_is_left_in_time(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "_driver_fault", lambda _: "")
    with listening(None) as port:
        began = time.monotonic()
        assert "accepts connections but did not answer" in server_fault(f"{scheme}://u:geheim@127.0.0.1:{port}/d")
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(("scheme", "word"), [("postgresql+psycopg", b"N"), ("mysql+pymysql", b"J\x00\x00\x00\n8")])
def test_a_database_that_speaks_has_no_fault(scheme: str, word: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "_driver_fault", lambda _: "")
    with listening(word) as port:
        assert server_fault(f"{scheme}://u@127.0.0.1:{port}/d") == ""


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("word", [b"HTTP/1.0 404 Not Found\r\n\r\n", b"no HTTP"])
def test_a_web_server_that_answers_anything_has_no_fault(scheme: str, word: bytes) -> None:
    with listening(word) as port:
        assert server_fault(f"{scheme}://u:geheim@127.0.0.1:{port}/token=1/") == ""


def test_what_a_web_server_is_asked_has_its_path_and_no_password() -> None:
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                asked.append(connection.recv(1000))
                connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        place = f"127.0.0.1:{server.getsockname()[1]}"
        assert server_fault(f"http://u:geheim@{place}/ü/token=1") == ""
        thread.join()
    # The path may hold a token, which is for the library that checks the server's certificate.
    assert asked == [f"HEAD / HTTP/1.0\r\nHost: {place}\r\n\r\n".encode()]


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("postgresql+psycopg2://u:geheim@h/d", "psycopg2 is not installed: pip install psycopg2-binary"),
        ("mysql://u:geheim@h/d", "MySQLdb is not installed: pip install mysqlclient"),
        ("mysql+pymysql://u:geheim@h/d", "pymysql is not installed: pip install pymysql"),
        ("mssql://u:geheim@h/d", "pyodbc is not installed: pip install pyodbc"),
        ("postgresql+nothing://u:geheim@h/d", "no driver called 'postgresql+nothing'"),
        ("postgresql+psycopg://u:geheim@h:port/d", "or port (a number) is invalid"),
        ("https://u:geheim@[h/d", "its host or port"),
        ("postgresql+psycopg://u:geheim@nowhere.invalid/d", "nothing answers at nowhere.invalid:5432"),
    ],
)
def test_what_is_missing_is_named_without_the_password(uri: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("psycopg2", "MySQLdb", "pymysql", "pyodbc"):
        # Missing, whatever the machine has.
        monkeypatch.setitem(__import__("sys").modules, module, None)
    fault = server_fault(uri)
    assert said in fault
    assert "geheim" not in fault
    assert "\n" not in fault


@pytest.mark.parametrize(
    "uri", ["sqlite:///mlruns/mlflow.db", "file:///mlruns", "mlruns", "databricks", "databricks://p"]
)
def test_what_is_no_server_has_no_fault(uri: str) -> None:
    assert server_fault(uri) == ""
