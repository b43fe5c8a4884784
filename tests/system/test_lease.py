"""Leases: one holder; who is dead is replaced, who is alive never; clocks of machines play no part."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import InUseError, TrackingError
from harness.system import lease as leases
from harness.system.lease import Board, Holder, Lease, holder_of, this_process
from harness.system.lease_boards import DatabaseBoard, FolderBoard
from tests.databases import Postgres


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in {"BEAT": 0.02, "STALE": 0.3, "SURE": 0.2, "POLL": 0.01}.items():
        monkeypatch.setattr(leases, name, seconds)


@pytest.fixture(params=["folder", "sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def make_board(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Board]:
    """Return a maker of boards that all show the same entry, as those of different machines do."""
    if request.param == "folder":
        return lambda: FolderBoard(tmp_path, "tiny.lease")
    url = f"sqlite:///{tmp_path}/leases.db"
    if request.param == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        url = postgres.create(f"leases-{time.time_ns()}")
    return lambda: DatabaseBoard(url, "tiny")


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def held(make_board: Callable[[], Board], told: list[str]) -> Iterator[Lease]:
    """Return a lease that this process holds and renews."""
    first = Lease(make_board(), "study x", told.append)
    first.acquire()
    yield first
    first.release()


def elsewhere() -> Holder:
    """Return a holder on another machine, whose clock is years ahead."""
    return replace(this_process(), host="far", kernel="another", since="2099-01-01 00:00:00 UTC")


def test_a_living_holder_is_waited_for_and_never_replaced(
    held: Lease, make_board: Callable[[], Board], told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # As seen from another machine, which cannot look for the process.
    monkeypatch.setattr(Holder, "is_gone", lambda *_, **__: False)
    second = Lease(make_board(), "study x", told.append)
    waiting = threading.Thread(target=second.acquire)
    waiting.start()
    time.sleep(3 * leases.STALE)
    assert waiting.is_alive()
    assert (held.held, second.held) == (True, False)
    held.release()
    waiting.join(10)
    assert second.held
    second.release()
    assert len(told) == 1
    assert f"study x is in use by {this_process().user} on " in told[0]
    assert f"(PID {os.getpid()}) since " in told[0]
    assert make_board().read() is None


def test_without_waiting_it_is_told_who_holds_it(held: Lease, make_board: Callable[[], Board]) -> None:  # noqa: ARG001
    with pytest.raises(InUseError, match=rf"\(PID {os.getpid()}\) since .*, last heartbeat .* without --no-wait"):
        Lease(make_board(), "study x", print).acquire(wait=False)


def test_a_holder_whose_heart_stopped_is_replaced_whatever_its_clock_says(
    make_board: Callable[[], Board], told: list[str]
) -> None:
    assert make_board().swap(None, elsewhere().text)
    second = Lease(make_board(), "study x", told.append)
    began = time.monotonic()
    second.acquire()
    assert time.monotonic() - began >= leases.STALE
    assert "no heartbeat of" in told[-1]
    second.release()


def test_a_process_of_this_machine_that_ended_is_replaced_at_once(
    make_board: Callable[[], Board], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "STALE", 1000)
    script = "from harness.system.lease import this_process; print(this_process().text)"
    text = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()
    assert make_board().swap(None, text)
    second = Lease(make_board(), "study x", print)
    second.acquire()
    second.release()
    # A process that got the number of the dead one is another process.
    given_again = replace(this_process(), started=1)
    assert given_again.is_gone(alone=False)
    assert not this_process().is_gone(alone=False)
    assert not replace(given_again, pids="another container").is_gone(alone=False)
    assert not replace(given_again, kernel="another machine").is_gone(alone=True)


def test_a_holder_that_was_replaced_writes_no_more(held: Lease, make_board: Callable[[], Board]) -> None:
    board = make_board()
    deadline = time.monotonic() + 10
    # Its heart may beat between the two.
    while not board.swap(board.read(), elsewhere().text):
        assert time.monotonic() < deadline
    while not held.lost:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    with pytest.raises(TrackingError, match=r"study x was taken over by .* on far .*nothing more is written"):
        held.check()
    held.release()
    # It does not take the entry of the other with it.
    found = make_board().read()
    assert found is not None
    assert holder_of(found).host == "far"  # type: ignore[union-attr]


def test_a_holder_whose_board_does_not_answer_is_unsure_and_goes_on_when_it_does(
    held: Lease, make_board: Callable[[], Board], monkeypatch: pytest.MonkeyPatch
) -> None:
    board = held._board

    def silent(*_: object) -> bool:
        raise TrackingError("no answer")

    with monkeypatch.context() as patch:
        patch.setattr(type(board), "swap", silent)
        time.sleep(2 * leases.SURE)
        assert not held.held
        with pytest.raises(TrackingError, match="no answer"):
            held.check()
        assert not held.is_sure()
    held.check()
    assert held.held
    assert not held.lost
    text = make_board().read()
    assert text is not None
    assert holder_of(text).pid == os.getpid()  # type: ignore[union-attr]


def test_an_observer_without_an_answer_begins_to_count_again(
    make_board: Callable[[], Board], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert make_board().swap(None, elsewhere().text)
    second = Lease(make_board(), "study x", print)

    def silent(*_: object) -> str:
        raise TrackingError("no answer")

    assert second.attempt() is not None
    for _ in range(3):
        time.sleep(0.6 * leases.STALE)
        with monkeypatch.context() as patch:
            patch.setattr(type(second._board), "read", silent)
            with pytest.raises(TrackingError):
                second.attempt()
        assert second.attempt() is not None


def test_of_many_at_once_one_holds_it(make_board: Callable[[], Board], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Holder, "is_gone", lambda *_, **__: False)
    make_board().read()
    found = [Lease(make_board(), "study x", print) for _ in range(8)]
    together = threading.Barrier(len(found))

    def take(one: Lease) -> None:
        together.wait()
        one.attempt()

    threads = [threading.Thread(target=take, args=(one,)) for one in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(one._entry is not None for one in found) == 1


def test_an_entry_that_is_no_holder_is_replaced(make_board: Callable[[], Board]) -> None:
    assert make_board().swap(None, "{damaged")
    one = Lease(make_board(), "study x", print)
    one.acquire(wait=False)
    assert one.held
    one.release()


def test_an_entry_that_could_not_be_removed_hinders_no_other_lease_of_this_process(
    make_board: Callable[[], Board], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Lease(make_board(), "study x", print)
    first.acquire()

    def silent(*_: object) -> bool:
        raise TrackingError("no answer")

    with monkeypatch.context() as patch:
        patch.setattr(type(first._board), "swap", silent)
        first.release()
    assert make_board().read() is not None
    second = Lease(make_board(), "study x", print)
    second.acquire(wait=False)
    second.release()
    assert make_board().read() is None


def test_a_lease_that_was_taken_without_an_answer_is_taken(
    make_board: Callable[[], Board], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Lease(make_board(), "study x", print)
    swap = type(first._board).swap

    def forgetful(board: Board, seen: str | None, new: str | None) -> bool:
        swap(board, seen, new)  # type: ignore[arg-type]
        raise TrackingError("no answer")

    with monkeypatch.context() as patch:
        patch.setattr(type(first._board), "swap", forgetful)
        with pytest.raises(TrackingError, match="no answer"):
            first.acquire()
    first.acquire(wait=False)
    assert first.held
    first.release()
