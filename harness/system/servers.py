"""Servers and databases that a URI names: whether a driver for one is installed, and whether it answers in time.

MLflow and Optuna would try a database that does not answer again for a minute and more, and drivers wait for ever.
"""

from __future__ import annotations

import socket
import struct

from harness.system.addresses import AddressFaultError, split_address

SECONDS = 10.0
"""How long a server has to accept a connection, and to say its first word."""

_PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306, "mssql": 1433}
_DATABASES = ("postgresql", "mysql", "mssql")
_PACKAGES = {"psycopg": "'psycopg[binary]'", "psycopg2": "psycopg2-binary", "MySQLdb": "mysqlclient"}
# What a client says first, so that the server answers; MySQL speaks without being asked. PostgreSQL's SSLRequest is in
# its manual (protocol, message formats): its length and a number that stands for no version.
_FIRST_WORD = {"postgresql": struct.pack("!ii", 8, 80877103), "mysql": b""}


def server_fault(uri: str) -> str:
    """Return why the server or database at ``uri`` cannot be used, and what to do; empty when it answers, and for what
    is no server. It takes :data:`SECONDS` to connect and as long for the first word, at most."""
    try:
        parts = split_address(uri)
    except AddressFaultError as error:
        return str(error)
    scheme = parts.scheme.partition("+")[0]
    host, port = parts.host, parts.port or _PORTS.get(scheme)
    if fault := _driver_fault(uri) if scheme in _DATABASES else "":
        return fault
    if scheme not in _PORTS or not host or port is None:
        return ""
    try:
        with socket.create_connection((host, port), timeout=SECONDS) as connection:
            return _silence(connection, scheme, f"{host}:{port}")
    except OSError as error:
        return f"nothing answers at {host}:{port} ({error}); start the server or correct the URI"


def _driver_fault(uri: str) -> str:
    """Return what to install so that SQLAlchemy can speak to the database; empty when it is there."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    try:
        make_url(uri).get_dialect().import_dbapi()
    except NoSuchModuleError:
        named = split_address(uri).scheme
        return f"SQLAlchemy has no driver called {named!r}; use postgresql+psycopg:// (pip install 'psycopg[binary]')"
    except ImportError as error:
        module = error.name or str(error)
        return f"its driver {module} is not installed: pip install {_PACKAGES.get(module, module)}"
    except (ArgumentError, ValueError):
        return "it is no URL of a database; write postgresql+psycopg://user@host:port/name"
    return ""


def _silence(connection: socket.socket, scheme: str, where: str) -> str:
    """Return that a database has accepted a connection and says nothing; empty when it speaks."""
    if scheme not in _FIRST_WORD:
        return ""
    try:
        connection.sendall(_FIRST_WORD[scheme])
        answered = bool(connection.recv(1))
    except TimeoutError:
        answered = False
    if answered:
        return ""
    return (
        f"{where} accepts connections and does not answer as a {scheme} server within {SECONDS:g} s; start the server "
        "again or correct the URI"
    )
