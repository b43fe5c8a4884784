"""Places: where the artifacts of a local store are. They belong in the store's own folder, wherever that is now.

MLflow writes absolute artifact locations into its records. A store that was moved or copied would therefore write to
where it was, and a database from elsewhere could choose where files go.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from harness.tracking.database import connect
from harness.tracking.uri import file_uri_path

ARTIFACTS = "artifacts"


def is_inside(path: Path, home: Path) -> bool:
    """Whether ``path`` is in the folder ``home``, by name or after following links."""
    named, folder = Path(os.path.normpath(path)), Path(os.path.normpath(home))
    return named.is_relative_to(folder) or named.resolve().is_relative_to(folder.resolve())


def experiment_place(home: Path, name: str) -> Path:
    """Return the folder of an experiment's artifacts in the SQLite store whose folder is ``home``."""
    return home / ARTIFACTS / name


def place_fault(location: str, home: Path) -> str:
    """Return why an experiment of the SQLite store in ``home`` cannot be written whose artifacts are at ``location``,
    and what to do; empty when it can."""
    recorded = file_uri_path(location)
    if recorded is None or is_inside(recorded, home):
        return ""
    here = experiment_place(home, recorded.name)
    copy = f"if the database was copied without them, copy that folder to {here} and give the same command again; else "
    return (
        f"its artifacts are in {recorded}, outside the folder of the store, and nothing is written there; "
        f"{copy if recorded.parent.name == ARTIFACTS else ''}name another store with --tracking-uri, or rename the "
        "study (study.name)"
    )


def run_place(recorded: Path, parent: Path, run_id: str) -> Path:
    """Return where a run of a store has its artifacts when ``recorded``, its own word, is outside the store's folder.

    ``parent`` is the folder that holds the experiments' folders. MLflow names a run's artifacts
    ``<experiment>/<run>/artifacts``.
    """
    experiment = Path(os.path.normpath(recorded)).parent.parent.name or "0"
    return parent / experiment / Path(run_id).name / ARTIFACTS


def follow(database: Path) -> tuple[Path, ...]:
    """Make the locations in a SQLite store follow the store to where it is now; return the folders it was in before.

    Only locations that this package gave (``<store>/artifacts/<experiment>``) are changed, in one transaction, and only
    where the artifacts came along. Locations on servers and in buckets stay as they are.

    Raises
    ------
    sqlite3.Error
        When the database cannot be read, or written where there is something to change.
    """
    with connect(database) as connection:
        if not _moved(connection, database.parent):
            return ()
        connection.execute("BEGIN IMMEDIATE")
        moved = _moved(connection, database.parent)
        for number, old, new in moved:
            was, now = f"{old.rstrip('/')}/", f"{new.as_uri()}/"
            place = (new.as_uri(), number)
            connection.execute("UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?", place)
            connection.execute(
                "UPDATE runs SET artifact_uri = ? || substr(artifact_uri, ?) "
                "WHERE experiment_id = ? AND substr(artifact_uri, 1, ?) = ?",
                (now, len(was) + 1, number, len(was), was),
            )
        connection.execute("COMMIT")
    return tuple(dict.fromkeys(path.parent.parent for _, old, _ in moved if (path := file_uri_path(old))))


def _moved(connection: sqlite3.Connection, home: Path) -> list[tuple[int, str, Path]]:
    """Return id, recorded location and present folder of each experiment whose artifacts came along."""
    found = []
    for number, location in connection.execute("SELECT experiment_id, artifact_location FROM experiments"):
        recorded = file_uri_path(location) if location else None
        if recorded is None or is_inside(recorded, home) or recorded.parent.name != ARTIFACTS:
            continue
        here = experiment_place(home, recorded.name)
        if here.is_dir() or not recorded.is_dir():
            found.append((number, location, here))
    return found
