"""New SQLite stores: the dump's tables are those that MLflow's migrations create."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from mlflow.store.db import utils

from harness.tracking import layout
from harness.tracking.database import table_names
from harness.tracking.schema import newest_schema
from harness.tracking.store import open_store

_WRITE_AGAIN = "after an upgrade of MLflow write the dump again: python -m harness.tracking.layout"


def _contents(file: Path) -> dict[str, Any]:
    """Return the schema, and the rows of every table, without what differs between two stores.

    MLflow's migrations write constraints, and the words of a check, in any order.
    """
    with closing(sqlite3.connect(file)) as database:
        schema = database.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY 1, 2").fetchall()
        columns = {name: database.execute(f'PRAGMA table_info("{name}")').fetchall() for name in table_names(file)}
        rows = {name: database.execute(f'SELECT * FROM "{name}"').fetchall() for name in columns}
    place = [(number, name, stage, workspace) for number, name, _, stage, _, _, workspace in rows["experiments"]]
    ordered = [(*names, sorted(re.findall(r"[^\s,()]+", sql or ""))) for *names, sql in schema]
    return {**rows, "experiments": place, "schema": ordered, "columns": columns}


def _no_migrations(*_: object) -> None:
    raise AssertionError("the migrations were run")


def test_the_dump_is_that_of_the_installed_mlflow() -> None:
    revision = layout._REVISION.search(layout.DUMP.read_text(encoding="utf-8"))
    assert revision is not None
    assert revision[1] == newest_schema() == utils._get_latest_schema_revision(), _WRITE_AGAIN


def test_a_store_from_the_dump_equals_a_migrated_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout._migrate(tmp_path / "migrated.db", tmp_path / "artifacts")
    with monkeypatch.context() as patch:
        patch.setattr(utils, "_initialize_tables", _no_migrations)
        open_store(f"sqlite:///{tmp_path}/mlflow.db", create=True)
    assert _contents(tmp_path / "mlflow.db") == _contents(tmp_path / "migrated.db"), _WRITE_AGAIN


def test_the_default_experiment_is_in_the_folder_of_the_store(tmp_path: Path) -> None:
    made = open_store(f"sqlite:///{tmp_path}/a folder/mlflow.db", create=True).client.get_experiment("0")
    assert made.artifact_location == (tmp_path / "a folder" / "artifacts" / "0").as_uri()
    assert made.creation_time == made.last_update_time
    assert made.creation_time is not None
    assert made.creation_time > 1_700_000_000_000


@pytest.mark.parametrize("content", ["other schema", "no schema"])
def test_a_dump_of_another_schema_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    text = "CREATE TABLE wrong (id INTEGER);\n"
    if content == "other schema":
        text += "INSERT INTO \"alembic_version\" VALUES('451aebb31d03');\n"
    (tmp_path / "dump.sql").write_text(text, encoding="utf-8")
    monkeypatch.setattr(layout, "DUMP", tmp_path / "dump.sql")
    layout.lay_out(tmp_path / "mlflow.db")
    assert {"experiments", "runs"} <= table_names(tmp_path / "mlflow.db")
    assert "wrong" not in table_names(tmp_path / "mlflow.db")
    assert open_store(f"sqlite:///{tmp_path}/mlflow.db", create=True).experiment("Default") == "0"


def test_the_dump_can_be_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dump.sql").write_text(layout.dump(), encoding="utf-8")
    monkeypatch.setattr(layout, "DUMP", tmp_path / "dump.sql")
    monkeypatch.setattr(utils, "_initialize_tables", _no_migrations)
    layout.lay_out(tmp_path / "mlflow.db")
    assert str(tmp_path) not in layout.DUMP.read_text(encoding="utf-8")
    assert open_store(f"sqlite:///{tmp_path}/mlflow.db", create=True).experiment("Default") == "0"
