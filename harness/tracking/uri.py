"""Tracking URIs, and the folders of local stores."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from harness.errors import TrackingError
from harness.system.addresses import Address, AddressFaultError, split_address
from harness.system.redaction import mask_address
from harness.system.sqlite_uri import is_sqlite, split_sqlite_uri


def is_remote(uri: str) -> bool:
    """Whether the store is an MLflow server."""
    return uri.startswith(("http://", "https://"))


def is_loopback(uri: str) -> bool:
    """Whether a server is on this machine."""
    host = urlsplit(uri).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def sqlite_file(uri: str) -> Path:
    """Return the absolute path of the database of a ``sqlite:///`` URI; relative paths start at the working directory.

    Raises
    ------
    TrackingError
        When the URI names no file, or one whose name is not text.
    """
    name = split_sqlite_uri(uri)[1]
    if name in ("", ":memory:"):
        raise TrackingError(
            f"tracking URI {uri!r} names no file; an in-memory store would be lost at exit. Use "
            "sqlite:///folder/file.db (relative) or sqlite:////folder/file.db (absolute)"
        )
    file = Path(name).absolute()
    if not _is_text(str(file)):
        raise TrackingError(
            f"tracking URI {uri!r}: the path {str(file)!r} contains bytes that are not UTF-8 text and cannot be "
            "written in a URI; rename that folder, or choose another store with --tracking-uri"
        )
    return file


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def absolute_uri(uri: str) -> str:
    """Return ``uri`` with a local path made absolute, so that it is valid from any working directory.

    Raises
    ------
    TrackingError
        When the URI is empty, names a SQLite store without a file, or cannot be parsed.
    """
    if not uri.strip():
        raise TrackingError("tracking URI is empty; use e.g. sqlite:///mlruns/mlflow.db")
    if is_sqlite(uri):
        scheme, _, query = split_sqlite_uri(uri)
        return f"{scheme}:///{sqlite_file(uri).as_posix()}" + (f"?{query}" if query else "")
    if uri.startswith("file:"):
        return _file_uri_path(uri).as_uri()
    if "://" not in uri and not uri.startswith("databricks"):
        return Path(uri).absolute().as_uri()
    uri_parts(uri)
    return uri


def uri_parts(uri: str) -> Address:
    """Return the parts of the URI of a server or a database.

    Raises
    ------
    TrackingError
        When it cannot be parsed; the message contains no password.
    """
    try:
        return split_address(uri)
    except AddressFaultError as fault:
        raise TrackingError(f"tracking URI {mask_address(uri)!r}: {fault}") from None


def local_folder(uri: str) -> Path | None:
    """Return the absolute folder of a local store: that of the SQLite file, or the ``file:`` folder itself.

    None if the store is a server or another database.
    """
    uri = absolute_uri(uri)
    if is_sqlite(uri):
        return sqlite_file(uri).parent
    return _file_uri_path(uri) if uri.startswith("file:") else None


def file_uri_path(uri: str) -> Path | None:
    """Return the path of a ``file:`` URI or plain path, or None for any other URI."""
    if uri.startswith("file:"):
        return _file_uri_path(uri)
    return None if "://" in uri or uri.startswith("mlflow-artifacts:") else Path(uri).absolute()


def _file_uri_path(uri: str) -> Path:
    # file:mlruns and file:///abs are both in use; urlsplit distinguishes them.
    try:
        return Path(url2pathname(urlsplit(uri).path)).absolute()
    except ValueError:
        raise TrackingError(f"{mask_address(uri)!r} is not the address of a folder; use file:///folder") from None
