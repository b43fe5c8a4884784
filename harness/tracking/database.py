"""The SQLite file of a local store, opened without MLflow."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from harness.errors import TrackingError
from harness.system.retry import SECONDS

# Files that SQLite leaves next to a database whose writer died, needed to complete or undo the changes.
_LEFT = ("-journal", "-wal")


def connect(file: Path) -> closing[sqlite3.Connection]:
    """Return a context manager for a connection to an existing database, in autocommit mode.

    The connection can write, like MLflow's own: SQLite rolls back the changes of a writer that died during a commit,
    and has to write for that.
    """
    # A sqlite3 connection used as a context manager ends the transaction but stays open.
    return closing(sqlite3.connect(f"{file.as_uri()}?mode=rw", uri=True, timeout=SECONDS, isolation_level=None))


def table_names(file: Path) -> set[str]:
    """Return the names of the tables in a database.

    Raises
    ------
    TrackingError
        When its last writer died during a commit, and the folder is not writable, so that this cannot be undone.
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
                f"{file}: its last writer exited during a commit ({left[0]} still exists), and the changes cannot be "
                f"rolled back because {file.parent} is not writable ({error}); make the folder writable, or copy the "
                f"complete folder, including {left[0]}, and open the copy with --tracking-uri"
            ) from None
