"""The SQLite file of a local store, opened without MLflow."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from harness.errors import TrackingError
from harness.system.retry import SECONDS

# What SQLite leaves beside a database whose writer died, and needs to complete or undo the changes.
_LEFT = ("-journal", "-wal")


def connect(file: Path) -> closing[sqlite3.Connection]:
    """Return an open connection to an existing database, as a context that closes it; every statement commits itself.

    It has the rights that MLflow's own connection has: SQLite rolls back what a writer left that died inside a commit,
    and must write for that.
    """
    # A with statement of sqlite3 itself ends the transaction, not the connection.
    return closing(sqlite3.connect(f"{file.as_uri()}?mode=rw", uri=True, timeout=SECONDS, isolation_level=None))


def table_names(file: Path) -> set[str]:
    """Return the names of the tables in a database.

    Raises
    ------
    TrackingError
        When its last writer died inside a commit, and the folder cannot be written to undo that.
    sqlite3.Error
        When it cannot be read for another reason.
    """
    with connect(file) as database:
        try:
            return {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        except sqlite3.OperationalError as error:
            left = [each.name for end in _LEFT if (each := file.with_name(f"{file.name}{end}")).exists()]
            if not left or (os.access(file.parent, os.W_OK) and os.access(file, os.W_OK)):
                raise
            raise TrackingError(
                f"{file}: its last writer ended before its changes were complete ({left[0]} is still there), and they "
                f"cannot be undone, for {file.parent} cannot be written ({error}); make the folder writable, or copy "
                f"all of it, {left[0]} included, and name the copy with --tracking-uri"
            ) from None
