"""URIs of SQLite databases in any folder: paths are plain here, while SQLAlchemy requires them percent-encoded."""

from __future__ import annotations

import re
from urllib.parse import quote

# A query follows the file's name; a question mark before a slash belongs to the name of a folder.
_URI = re.compile(r"(?P<scheme>sqlite(?:\+\w+)?):///(?P<path>.*?)(?:\?(?P<query>[\w.]+=[^/?]*))?", re.DOTALL)
_PLAIN = re.compile(r"[\w/. ~@:+=,-]*")


def is_sqlite(uri: str) -> bool:
    """Whether the store is one SQLite file."""
    return uri.startswith(("sqlite:", "sqlite+"))


def split_sqlite_uri(uri: str) -> tuple[str, str, str]:
    """Return scheme, path and query (``timeout=5``) of a ``sqlite:///`` URI; the path is empty if it names none."""
    match = _URI.fullmatch(uri)
    return (match["scheme"], match["path"], match["query"] or "") if match else (uri.partition(":")[0], "", "")


def sqlalchemy_uri(uri: str) -> str:
    """Return ``uri`` in the form that SQLAlchemy reads: it ends a path at the first ``?`` and decodes ``%``.

    URIs of other databases, and of paths without such characters, are unchanged.
    """
    _, path, query = split_sqlite_uri(uri) if is_sqlite(uri) else ("", "", "")
    if _PLAIN.fullmatch(path):
        return uri
    # Without a named driver, MLflow would create a folder of the encoded name.
    return f"sqlite+pysqlite:///{quote(path)}" + (f"?{query}" if query else "")
