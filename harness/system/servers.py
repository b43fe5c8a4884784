"""Servers and databases named by a URI: whether a driver is installed, and whether they answer in time.

MLflow and Optuna would retry a database that does not answer for a minute or more, and drivers wait indefinitely. For
a web server that accepts a connection and does not answer, MLflow waits for two minutes.
"""

from __future__ import annotations

import socket
import ssl
import struct

from harness.system.addresses import Address, AddressFaultError, split_address

SECONDS = 10.0
"""How long a server may take to accept a connection, and to send its first response, in s."""

_PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306, "mssql": 1433}
_DATABASES = ("postgresql", "mysql", "mssql")
_WEB = ("http", "https")
_PACKAGES = {"psycopg": "'psycopg[binary]'", "psycopg2": "psycopg2-binary", "MySQLdb": "mysqlclient"}
# The client's first message, to which the server responds; MySQL sends the first message itself. PostgreSQL's
# SSLRequest (manual: protocol, message formats) is its length and a number that is not a protocol version.
_FIRST_WORD: dict[str, bytes | None] = {"postgresql": struct.pack("!ii", 8, 80877103), "mysql": b"", "mssql": None}


def is_database(uri: str) -> bool:
    """Whether ``uri`` names a database server that SQLAlchemy connects to."""
    return uri.partition(":")[0].partition("+")[0] in _DATABASES


def server_fault(uri: str) -> str:
    """Return why the server or database at ``uri`` cannot be used, and what to do; empty if it answers or is not a
    server.

    It takes at most :data:`SECONDS` to connect and as long for the first response.
    """
    try:
        parts = split_address(uri)
    except AddressFaultError as error:
        return str(error)
    scheme = parts.scheme.partition("+")[0]
    host, port = parts.host, parts.port or _PORTS.get(scheme)
    if fault := _driver_fault(uri) if is_database(uri) else "":
        return fault
    if scheme not in _PORTS or not host or port is None:
        return ""
    try:
        with socket.create_connection((host, port), timeout=SECONDS) as connection:
            word = _request(parts) if scheme in _WEB else _FIRST_WORD[scheme]
            return _silence(connection, scheme, host, f"{host}:{port}", word)
    except OSError as error:
        return f"nothing answers at {host}:{port} ({error}); start the server or correct the URI"


def _driver_fault(uri: str) -> str:
    """Return what to install so that SQLAlchemy can connect to the database; empty if it is installed."""
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
        return "it is not a database URL; write postgresql+psycopg://user@host:port/name"
    return ""


def _request(address: Address) -> bytes:
    """Return a request that any web server answers, if only with an error.

    It has no path, which may hold a token: the certificate of the server has not been checked.
    """
    return f"HEAD / HTTP/1.0\r\nHost: {address.place}\r\n\r\n".encode()


def _silence(connection: socket.socket, scheme: str, host: str, where: str, word: bytes | None) -> str:
    """Return that a server accepted a connection and does not respond; empty if it responds.

    Parameters
    ----------
    connection : socket
        Open, with a time limit.
    scheme : str
        Of the URI, without a driver.
    host : str
        Name for a connection with TLS. Certificates are left to the library that uses the server.
    where : str
        Host and port, for the message.
    word : bytes, optional
        What the server responds to; None if it is not known.
    """
    if word is None:
        return ""
    try:
        if scheme == "https":
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            with context.wrap_socket(connection, server_hostname=host) as encrypted:
                answered = _answers(encrypted, word)
        else:
            answered = _answers(connection, word)
    except TimeoutError:
        answered = False
    except ssl.SSLError:
        answered = True  # the library that uses the server says what is wrong
    if answered:
        return ""
    return (
        f"{where} accepts connections but did not answer within {SECONDS:g} s (expected {scheme}); restart the server "
        "or correct the URI"
    )


def _answers(connection: socket.socket, word: bytes) -> bool:
    """Whether a server sends anything after ``word``."""
    connection.sendall(word)
    return bool(connection.recv(1))
