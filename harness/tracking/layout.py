"""The tables of a new SQLite store: executed from a dump of MLflow's tables, or created by MLflow's migrations.

The migrations, which repeat MLflow's history, take a second of processor time. The dump has their result, and is used
only if it has the schema of the installed MLflow. After an upgrade of MLflow ``python -m harness.tracking.layout``
writes it again.
"""

from __future__ import annotations

import re
import tempfile
import time
from pathlib import Path
from typing import Any

from harness.system.accounts import make_private_file
from harness.system.locks import locked
from harness.system.sqlite_uri import sqlalchemy_uri
from harness.tracking.database import connect
from harness.tracking.schema import newest_schema

DUMP = Path(__file__).with_name("mlflow_tables.sql")
_REVISION = re.compile(r'^INSERT INTO "alembic_version" VALUES\(\'(\w+)\'\);$', re.MULTILINE)
# What differs between stores; the only experiment of a new one is the default experiment.
_PLACE = "UPDATE experiments SET artifact_location = ?, creation_time = ?, last_update_time = ?"


def lay_out(file: Path) -> None:
    """Create a new database under a temporary name, and rename it when it is complete.

    A database whose creator died between two of MLflow's migrations could never be opened again.
    """
    if file.exists():
        return
    with locked(file.with_name(f".{file.name}.lock")):
        if file.exists():
            return
        made = file.with_name(f".making-{file.name}")
        for left in (made, made.with_name(f"{made.name}-journal")):
            left.unlink(missing_ok=True)
        # Created before SQLite does, whose file would have the permissions of the umask.
        make_private_file(made)
        artifacts = file.parent / "artifacts"
        if statements := _statements():
            now = time.time_ns() // 1_000_000
            with connect(made) as database:
                database.executescript(statements)
                database.execute(_PLACE, ((artifacts / "0").as_uri(), now, now))
        else:
            _migrate(made, artifacts)
        made.replace(file)


def _statements() -> str:
    """Return the dump; empty if the installed MLflow has another schema."""
    statements = DUMP.read_text(encoding="utf-8")
    revision = _REVISION.search(statements)
    return statements if revision is not None and revision[1] == newest_schema() else ""


def dump() -> str:
    """Return what the installed MLflow's migrations leave, as SQL statements without place and time."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "mlflow.db"
        make_private_file(made)
        _migrate(made, Path(folder) / "artifacts")
        with connect(made) as database:
            database.execute(_PLACE, ("", 0, 0))
            return "\n".join([*database.iterdump(), ""])


def _migrate(file: Path, artifacts: Path) -> None:
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    # Not through a client, which would place the default experiment's artifacts in the working directory.
    untyped: Any = SqlAlchemyStore
    untyped(sqlalchemy_uri(f"sqlite:///{file}"), artifacts.as_uri())


if __name__ == "__main__":
    from harness.tracking.store import quiet_mlflow

    quiet_mlflow()
    DUMP.write_text(dump(), encoding="utf-8")
