"""Interrupts wait for the end of a call that must not be left half done."""

from __future__ import annotations

import signal
import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from harness.system.interrupts import interrupt, uninterrupted
from harness.system.retry import retry
from harness.terminal.interrupt import Stopped, second_ends_at_once


def test_an_interrupt_waits_for_the_outermost_call() -> None:
    done = []

    def calls() -> None:
        with uninterrupted():
            with uninterrupted():
                interrupt(KeyboardInterrupt())
                done.append("inner")
            done.append("outer")

    with pytest.raises(KeyboardInterrupt):
        calls()
    assert done == ["inner", "outer"]
    with uninterrupted():
        done.append("nothing is left waiting")
    with pytest.raises(KeyboardInterrupt):
        interrupt(KeyboardInterrupt())


def test_an_interrupt_counts_more_than_the_error_of_the_call() -> None:
    def call() -> None:
        with uninterrupted():
            interrupt(KeyboardInterrupt())
            raise ValueError("the call failed")

    with pytest.raises(KeyboardInterrupt):
        call()


def test_a_call_of_another_thread_delays_nothing() -> None:
    inside, leave = threading.Event(), threading.Event()

    def call() -> None:
        with uninterrupted():
            inside.set()
            leave.wait(10)

    other = threading.Thread(target=call)
    other.start()
    assert inside.wait(10)
    try:
        with pytest.raises(KeyboardInterrupt):
            interrupt(KeyboardInterrupt())
    finally:
        leave.set()
        other.join()


def test_a_signal_within_a_transaction_leaves_no_lock(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/store.db")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE runs (status TEXT)"))
    kept = []

    def write() -> None:
        connection = engine.connect()
        kept.append(connection)  # as a traceback keeps it
        connection.execute(text("INSERT INTO runs VALUES ('RUNNING')"))
        signal.raise_signal(signal.SIGTERM)
        connection.commit()

    with pytest.raises(Stopped), second_ends_at_once():
        retry(write)
    with sqlite3.connect(tmp_path / "store.db", timeout=0) as other:
        other.execute("UPDATE runs SET status = 'KILLED'")
        assert other.execute("SELECT status FROM runs").fetchall() == [("KILLED",)]
    other.close()
    kept[0].close()
