"""A PostgreSQL server for tests: Debian's, as an unprivileged user of its own, on loopback, in a temporary folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers import free_port

_FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


class Postgres:
    """A running server, without a password.

    Attributes
    ----------
    port
        Its port on loopback.
    """

    def __init__(self, folder: Path, user: str | None, port: int) -> None:
        self._folder, self._user, self.port = folder, user, port

    def uri(self, database: str = "postgres") -> str:
        """Return the URI of a database, as SQLAlchemy reads it."""
        return f"postgresql+psycopg://me@127.0.0.1:{self.port}/{database}"

    def create(self, database: str) -> str:
        """Create a database and return its URI."""
        import psycopg

        with psycopg.connect(f"postgresql://me@127.0.0.1:{self.port}/postgres", autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{database}"'.encode())
        return self.uri(database)

    def restart(self) -> None:
        """Restart the server without a farewell to its clients, as after a crash."""
        self.call("pg_ctl", "restart", "-m", "immediate", *self.options)

    @property
    def options(self) -> tuple[str, ...]:
        server = f"-p {self.port} -c fsync=off -c listen_addresses=127.0.0.1 -k {self._folder}"
        return ("-w", "-D", f"{self._folder}/data", "-l", f"{self._folder}/log", "-o", server)

    def call(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs as the server's user."""
        found = _program(program)
        assert found is not None
        subprocess.run(
            [found, *arguments], user=self._user, cwd=self._folder, check=True, stdout=subprocess.DEVNULL, timeout=120
        )


def _program(name: str) -> str | None:
    return next((str(folder / name) for folder in reversed(_FOLDERS) if (folder / name).exists()), shutil.which(name))


@contextmanager
def postgres_server() -> Iterator[Postgres]:
    """Run a server; skip the test where there is none."""
    pytest.importorskip("psycopg")
    if _program("pg_ctl") is None or _program("initdb") is None:
        pytest.skip("needs PostgreSQL's pg_ctl and initdb (Debian: apt-get install postgresql)")
    # PostgreSQL refuses to run as root.
    user = "postgres" if os.geteuid() == 0 else None
    # Its user must reach the folder, which those of pytest forbid.
    with tempfile.TemporaryDirectory(prefix="harness-pg-") as name:
        if user is not None:
            shutil.chown(name, user)
        server = Postgres(Path(name), user, free_port())
        server.call("initdb", "-D", f"{name}/data", "-A", "trust", "-U", "me", "--no-sync")
        server.call("pg_ctl", "start", *server.options)
        try:
            yield server
        finally:
            server.call("pg_ctl", "stop", "-m", "immediate", *server.options)
