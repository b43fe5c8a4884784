"""Databases of another MLflow or Optuna, and files that are none: one sentence, and not a byte of them changed."""

from __future__ import annotations

import hashlib
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli import cli
from tests.security.conftest import House

SEARCH = (
    "--set",
    "search.trials=1",
    "--set",
    "search.space.train.lr.low=1e-3",
    "--set",
    "search.space.train.lr.high=2e-3",
)


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an empty store of the installed MLflow and one of the installed Optuna."""
    import optuna

    from harness.tracking.store import open_store

    folder = tmp_path_factory.mktemp("stores")
    open_store(f"sqlite:///{folder / 'mlflow.db'}", create=True)
    optuna.create_study(storage=f"sqlite:///{folder / 'optuna.db'}")
    return folder


def _alter(file: Path, revision: str) -> None:
    with closing(sqlite3.connect(file)) as database, database:
        assert database.execute("UPDATE alembic_version SET version_num = ?", (revision,)).rowcount == 1


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _put(stores: Path, house: House, name: str) -> Path:
    file = house.folder / "mlruns" / name
    file.parent.mkdir(exist_ok=True)
    shutil.copy(stores / name, file)
    return file


@pytest.mark.parametrize(
    ("revision", "said"),
    [
        ("451aebb31d03", "make a copy of the store, then run: mlflow db upgrade sqlite:///"),
        ("ffffffffffff", "which is unknown to the installed MLflow"),
    ],
)
def test_a_store_of_another_mlflow_is_refused_and_left_as_it_is(
    house: House, stores: Path, refusal: Callable[..., str], revision: str, said: str
) -> None:
    file = _put(stores, house, "mlflow.db")
    _alter(file, revision)
    before = _digest(file)
    store = ["--tracking-uri", f"sqlite:///{file}"]
    for result in (house.run(), *(CliRunner().invoke(cli, [*words, *store]) for words in (["report", "toy"], ["ui"]))):
        message = refusal(result, str(file), revision, "nothing was changed", said)
        assert len(message) < 600
    assert _digest(file) == before
    assert {path.name for path in file.parent.iterdir()} == {"mlflow.db"}


@pytest.mark.parametrize(
    ("revision", "said"),
    [("v0.9.0.a", "then run: optuna storage upgrade --storage sqlite:///"), ("v9.9.9", "a newer Optuna")],
)
def test_a_search_of_another_optuna_is_refused_and_left_as_it_is(
    house: House, stores: Path, refusal: Callable[..., str], revision: str, said: str
) -> None:
    file = _put(stores, house, "optuna.db")
    _alter(file, revision)
    before = _digest(file)
    refusal(house.run(*SEARCH), str(file), "nothing was changed", said)
    assert _digest(file) == before


@pytest.mark.parametrize("name", ["mlflow.db", "optuna.db"])
def test_a_file_that_is_no_database_is_named_and_left_as_it_is(
    house: House, refusal: Callable[..., str], name: str
) -> None:
    file = house.folder / "mlruns" / name
    file.parent.mkdir()
    file.write_bytes(b"these are the notes of a year\n" * 40)
    before = _digest(file)
    message = refusal(house.run(*SEARCH), str(file), "not a database")
    assert re.search(r"choose another store|Use a SQLite URL", message)
    assert _digest(file) == before
