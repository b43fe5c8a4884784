"""Artifact locations of a local store. Artifacts belong in the store's own folder, wherever that is now.

MLflow records absolute artifact locations. A store that was moved or copied would therefore write to its former
location, and a database from elsewhere could choose where files are written.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from harness.errors import TrackingError
from harness.system.redaction import mask_secrets
from harness.tracking.database import connect
from harness.tracking.uri import file_uri_path

ARTIFACTS = "artifacts"
MODELS = "models"


def is_inside(path: Path, home: Path) -> bool:
    """Whether ``path`` is in the folder ``home``, by name or after following links."""
    named, folder = Path(os.path.normpath(path)), Path(os.path.normpath(home))
    return named.is_relative_to(folder) or named.resolve().is_relative_to(folder.resolve())


def inside_file(folder: Path, name: str, home: Path | None = None) -> Path:
    """Return the file ``name`` in a run's ``folder``, to read or to write.

    Raises
    ------
    TrackingError
        When a symbolic link on its path leads out of ``home``, the store's folder (by default ``folder``): such a
        target is neither read nor written.
    """
    file, bounds = folder / name, home or folder
    # Strings, because paths take twice as long and there are thousands of files. Missing files are created there.
    led, inside = os.path.realpath(file), os.path.realpath(bounds)
    if led != inside and not led.startswith(inside.rstrip(os.sep) + os.sep):
        raise TrackingError(
            f"{file} resolves through a symbolic link to {led}, outside {bounds}: nothing is read or written there; "
            "replace the link by the files"
        )
    return file


def experiment_place(home: Path, name: str) -> Path:
    """Return the folder of an experiment's artifacts in the SQLite store whose folder is ``home``."""
    return home / ARTIFACTS / name


def place_fault(location: str, home: Path) -> str:
    """Return why an experiment of the SQLite store in ``home`` cannot be written if its artifacts are at ``location``,
    and what to do; empty if it can."""
    recorded = file_uri_path(location)
    if recorded is None:
        return foreign_fault(location)
    if is_inside(recorded, home):
        return ""
    here = experiment_place(home, recorded.name)
    copy = (
        f"if the database was copied without them, copy that folder to {here} and run the same command again; "
        "otherwise "
    )
    return (
        f"its artifacts are in {recorded}, outside the folder of the store, and nothing is written there; "
        f"{copy if recorded.parent.name == ARTIFACTS else ''}choose another store with --tracking-uri, or rename the "
        "study (study.name)"
    )


def foreign_fault(location: str) -> str:
    """Return why artifacts of a local store are not looked for at ``location``, an address elsewhere."""
    return (
        f"according to the database, artifacts are at {mask_secrets(location)}, but a local store keeps them in its "
        "own folder: nothing is read or written there; choose the server that holds them with --tracking-uri, or "
        "rename the study (study.name)"
    )


def outside_places(database: Path) -> list[str]:
    """Return the artifact locations in a SQLite store that are outside its folder, each once."""
    with connect(database) as connection:
        said = connection.execute(
            "SELECT artifact_location FROM experiments WHERE lifecycle_stage = 'active' "
            "UNION SELECT artifact_uri FROM runs UNION SELECT artifact_location FROM logged_models"
        ).fetchall()
    found = []
    for (location,) in said:
        recorded = file_uri_path(location) if location else database.parent
        # Compared after following links, as MLflow does.
        if recorded is None or not recorded.resolve().is_relative_to(database.parent.resolve()):
            found.append(location)
    return found


def place_below(recorded: Path, parent: Path, below: Sequence[str]) -> Path:
    """Return the artifact folder of a run or model whose recorded location, ``recorded``, is outside the store's
    folder.

    ``parent`` is the folder that holds the experiments' folders. MLflow names a run's artifacts
    ``<experiment>/<run>/artifacts``, and a model's ``<experiment>/models/<model>/artifacts``; ``below`` are the names
    below the experiment.
    """
    above = Path(os.path.normpath(recorded)).parents
    experiment = above[len(below) - 1].name if len(above) >= len(below) else ""
    return parent.joinpath(experiment or "0", *(Path(name).name for name in below))


def follow(database: Path) -> tuple[Path, ...]:
    """Update the locations in a SQLite store that was moved to its present folder; return its former folders.

    Only locations set by this package (``<store>/artifacts/<experiment>``) are changed, in one transaction, and only if
    the artifacts were moved too. Locations on servers and in buckets stay as they are.

    Raises
    ------
    sqlite3.Error
        When the database cannot be read, or cannot be written although something has to be changed.
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
            for table, column in (("runs", "artifact_uri"), ("logged_models", "artifact_location")):
                connection.execute(
                    f"UPDATE {table} SET {column} = ? || substr({column}, ?) "
                    f"WHERE experiment_id = ? AND substr({column}, 1, ?) = ?",
                    (now, len(was) + 1, number, len(was), was),
                )
        connection.execute("COMMIT")
    return tuple(dict.fromkeys(path.parent.parent for _, old, _ in moved if (path := file_uri_path(old))))


def _moved(connection: sqlite3.Connection, home: Path) -> list[tuple[int, str, Path]]:
    """Return id, recorded location and present folder of each experiment whose artifacts were moved with the store."""
    found = []
    for number, location in connection.execute("SELECT experiment_id, artifact_location FROM experiments"):
        recorded = file_uri_path(location) if location else None
        if recorded is None or is_inside(recorded, home) or recorded.parent.name != ARTIFACTS:
            continue
        here = experiment_place(home, recorded.name)
        if here.is_dir() or not recorded.is_dir():
            found.append((number, location, here))
    return found
