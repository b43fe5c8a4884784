"""Patience: a database that is busy or restarts is asked again; any other fault is told at once."""

from __future__ import annotations

import sqlite3

import pytest
from mlflow.exceptions import MlflowException
from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import OperationalError

from harness.system.retry import Retrying, is_transient, retry


def wrapped(text: str) -> MlflowException:
    """Return a database's error as MLflow raises it."""
    cause = OperationalError("SELECT 1", {}, sqlite3.OperationalError(text))
    error = MlflowException(str(cause))
    error.__cause__ = cause
    return error


class Flaky:
    """Fails a number of times before it answers."""

    def __init__(self, failures: int, error: Exception) -> None:
        self.failures = failures
        self.error = error
        self.calls = 0

    def ask(self, number: int, *, twice: bool = False) -> int:
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error
        return number * (2 if twice else 1)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the pauses that were made, which take no time."""
    pauses: list[float] = []
    monkeypatch.setattr("harness.system.retry.time.monotonic", lambda: sum(pauses))
    monkeypatch.setattr("harness.system.retry.time.sleep", pauses.append)
    return pauses


def test_what_optuna_wraps_without_its_text_is_transient_too() -> None:
    fault = "connection failed: FATAL:  the database system is not yet accepting connections"
    error = StorageInternalError("An exception is raised during the commit.")
    error.__cause__ = OperationalError("UPDATE trials", {}, sqlite3.OperationalError(fault))
    assert is_transient(error)
    error.__cause__ = OperationalError("UPDATE trials", {}, sqlite3.OperationalError("no such table: trials"))
    assert not is_transient(error)


def test_a_busy_database_is_asked_until_it_answers(clock: list[float]) -> None:
    flaky = Flaky(4, wrapped("database is locked"))
    assert Retrying(flaky).ask(3, twice=True) == 6
    assert flaky.calls == 5
    assert clock == [0.1, 0.2, 0.4, 0.8]


def test_patience_ends_after_a_minute(clock: list[float]) -> None:
    flaky = Flaky(10**6, wrapped("connection refused"))
    with pytest.raises(MlflowException, match="refused"):
        retry(flaky.ask, 1)
    assert 50 < sum(clock) <= 60


def test_only_the_named_errors_may_be_passing(clock: list[float]) -> None:
    flaky = Flaky(1, wrapped("database is locked"))
    with pytest.raises(MlflowException, match="locked"):
        retry(flaky.ask, 1, errors=(OperationalError,))
    assert clock == []


@pytest.mark.parametrize(
    "error",
    [wrapped("database or disk is full"), ValueError("database is locked"), MlflowException("connection refused")],
)
def test_other_faults_are_told_at_once(clock: list[float], error: Exception) -> None:
    assert not is_transient(error)
    flaky = Flaky(1, error)
    with pytest.raises(type(error)):
        Retrying(flaky).ask(1)
    assert flaky.calls == 1
    assert clock == []


def test_what_is_no_method_is_passed_on() -> None:
    assert Retrying(Flaky(3, ValueError())).failures == 3
