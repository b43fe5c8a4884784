"""Tracking URIs: where a local store lies on disk, and text without the passwords that URIs may hold."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from harness.errors import TrackingError

_MASK = "***"
# Up to the last @ of a word: a password may hold an @ or a / that its owner forgot to escape.
_USER_AND_PASSWORD = re.compile(r"(?P<kept>://[^:/\s'\"@]*:)[^\s'\"]*@")
_TOKEN_AS_USER = re.compile(r"(?P<kept>https?://)[^:/\s'\"@]+@")
_NAMED_SECRET = re.compile(
    # The look-behind keeps long words from being tried again at every letter.
    r"(?<![\w.-])(?P<kept>[\w.-]*(?:password|passwd|pwd|secret|token|api[_-]?key|credential|signature|\bsig)[\w.-]*=)"
    r"(?:'[^']*'|\"[^\"]*\"|[^&;,\s'\"]+)",
    re.IGNORECASE,
)


def mask_secrets(text: str) -> str:
    """Return ``text`` with passwords and tokens inside URIs and ``name=value`` pairs replaced by ``***``.

    Masks ``scheme://user:PASSWORD@host``, ``https://TOKEN@host``, and values named password, token, secret, key or
    signature (``?password=...`` of a database URL, signatures of presigned links). Rather too much than too little.
    """
    text = _USER_AND_PASSWORD.sub(rf"\g<kept>{_MASK}@", text)
    text = _TOKEN_AS_USER.sub(rf"\g<kept>{_MASK}@", text)
    return _NAMED_SECRET.sub(rf"\g<kept>{_MASK}", text)


def mask_tree(data: Any) -> Any:
    """Return JSON data with :func:`mask_secrets` applied to every string in it."""
    if isinstance(data, str):
        return mask_secrets(data)
    if isinstance(data, dict):
        return {key: mask_tree(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [mask_tree(value) for value in data]
    return data


def is_sqlite(uri: str) -> bool:
    """Whether the store is one SQLite file."""
    return uri.startswith(("sqlite:", "sqlite+"))


def is_remote(uri: str) -> bool:
    """Whether the store is an MLflow server."""
    return uri.startswith(("http://", "https://"))


def sqlite_file(uri: str) -> Path:
    """Return the absolute path of the database of a ``sqlite:///`` URI, relative ones from the working directory.

    Raises
    ------
    TrackingError
        When the URI names no file.
    """
    _, slashes, rest = uri.partition(":///")
    name = rest.partition("?")[0]
    if not slashes or name in ("", ":memory:"):
        raise TrackingError(
            f"tracking URI {uri!r} names no file; a store in memory would be lost at the end. "
            "Use sqlite:///folder/file.db (relative) or sqlite:////folder/file.db (absolute)"
        )
    return Path(name).absolute()


def absolute_uri(uri: str) -> str:
    """Return ``uri`` with a local path made absolute, so that it holds from any working directory.

    Raises
    ------
    TrackingError
        When the URI is empty or names a SQLite store without a file.
    """
    if not uri.strip():
        raise TrackingError("tracking URI is empty; use for instance sqlite:///mlruns/mlflow.db")
    if is_sqlite(uri):
        query = uri.partition("?")[2]
        scheme = uri.partition(":")[0]
        return f"{scheme}:///{sqlite_file(uri).as_posix()}" + (f"?{query}" if query else "")
    if uri.startswith("file:"):
        return _file_uri_path(uri).as_uri()
    if "://" not in uri and not uri.startswith("databricks"):
        return Path(uri).absolute().as_uri()
    return uri


def local_folder(uri: str) -> Path | None:
    """Return the folder a local store lives in, absolute: of the SQLite file, or the ``file:`` folder itself.

    None when the store is a server or a database of its own.
    """
    uri = absolute_uri(uri)
    if is_sqlite(uri):
        return sqlite_file(uri).parent
    return _file_uri_path(uri) if uri.startswith("file:") else None


def file_uri_path(uri: str) -> Path | None:
    """Return the path of a ``file:`` URI or plain path, None for any other URI."""
    if uri.startswith("file:"):
        return _file_uri_path(uri)
    return None if "://" in uri or uri.startswith("mlflow-artifacts:") else Path(uri).absolute()


def _file_uri_path(uri: str) -> Path:
    # file:mlruns and file:///abs are both in use; urlsplit knows them apart.
    return Path(url2pathname(urlsplit(uri).path)).absolute()
