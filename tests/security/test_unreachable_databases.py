"""Databases without a driver, of an unknown kind, or that never answer: one sentence, soon, without the password."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import pytest
from click.testing import CliRunner

from harness.cli import cli
from harness.system import servers
from tests.security.conftest import House
from tests.system.test_servers import listening

SEARCH = (
    "--set",
    "search.trials=1",
    "--set",
    "search.space.train.lr.low=1e-3",
    "--set",
    "search.space.train.lr.high=2e-3",
)
CASES = {
    "postgresql+psycopg2://u:geheim@127.0.0.1/d": "pip install psycopg2-binary",
    "mysql+pymysql://u:geheim@127.0.0.1/d": "pip install pymysql",
    "mssql+pyodbc://u:geheim@127.0.0.1/d": "pip install pyodbc",
    "postgresql+psycopg://u:geheim@nowhere.invalid/d": "nothing answers at nowhere.invalid:5432",
}


@pytest.fixture(autouse=True)
def _no_drivers(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("psycopg2", "MySQLdb", "pymysql", "pyodbc"):
        monkeypatch.setitem(sys.modules, module, None)


@pytest.mark.parametrize("uri", [*CASES, "foo://u:geheim@h/d"])
def test_a_store_that_cannot_be_reached_is_one_sentence(uri: str, refusal: Callable[..., str]) -> None:
    for words in (["report", "toy"], ["ui"]):
        message = refusal(
            CliRunner().invoke(cli, [*words, "--tracking-uri", uri]),
            CASES.get(uri, "does not support stores of the kind"),
        )
        assert "geheim" not in message


@pytest.mark.parametrize("uri", [*CASES, "foo://u:geheim@h/d"])
def test_a_search_storage_that_cannot_be_reached_is_one_sentence(
    uri: str, house: House, refusal: Callable[..., str]
) -> None:
    result = house.run(*SEARCH, "--set", f"search.storage={uri}")
    message = refusal(result, "search.storage", CASES.get(uri, "sqlite:///folder/optuna.db"))
    assert "geheim" not in result.output
    assert len(message) < 500


def test_a_database_that_never_answers_is_left_in_time(
    house: House, refusal: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "SECONDS", 0.2)
    with listening(None) as port:
        uri = f"postgresql+psycopg://u:geheim@127.0.0.1:{port}/d"
        began = time.monotonic()
        for store in (uri, f"http://u:geheim@127.0.0.1:{port}"):
            refusal(CliRunner().invoke(cli, ["report", "toy", "--tracking-uri", store]), "did not answer", "0.2 s")
        refusal(house.run(*SEARCH, "--set", f"search.storage={uri}"), "did not answer", "search.storage")
        assert time.monotonic() - began < 45
