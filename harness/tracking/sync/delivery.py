"""Delivery: sends the waiting runs of a spool to its server, while a study runs and on request."""

from __future__ import annotations

import itertools
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.errors import InUseError, TrackingError
from harness.system.locks import locked
from harness.system.redaction import mask_address
from harness.tracking.digests import core_digest
from harness.tracking.files import fetched, read_json
from harness.tracking.names import ENVIRONMENT_FILE, SPEC_FILE, STUDY
from harness.tracking.store import Store, open_store
from harness.tracking.stored_folds import data_digest
from harness.tracking.study_lease import StudyLease, lease_name, server_lease
from harness.tracking.sync.arrived import Receipts
from harness.tracking.sync.mirror import Mirror, artifact_files, content_digest, study_runs
from harness.tracking.sync.spool import Spool, all_spools, spool_of
from harness.tracking.uri import is_remote

if TYPE_CHECKING:
    from mlflow.entities import Run

Told = Callable[[int, int], object]
"""Called with the number of runs sent and the total."""

_SECONDS_FOR_ANOTHER_SENDER = 20
_SECONDS_BETWEEN_TRIES = 10
_TRIES = 3


@dataclass(frozen=True)
class Delivery:
    """The result of sending a spool.

    Attributes
    ----------
    server
        Address of the server, as it may be printed.
    folder
        Folder of the spool.
    sent, waiting
        Number of runs that were sent now, and of those that the server does not have completely.
    error
        Why some are still waiting; empty if none is.
    copies
        Ids of the study runs on the server, by their ids here.
    """

    server: str
    folder: str
    sent: int
    waiting: int
    error: str = ""
    copies: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        if not self.error:
            return f"{self.server} has all runs ({self.sent} sent now)"
        runs = "1 run is waiting" if self.waiting == 1 else f"{self.waiting} runs are waiting"
        return (
            f"{runs} in {self.folder} for {self.server} ({self.error}); nothing is lost: the next study on that server "
            f"sends them, or send them now: harness sync --tracking-uri {self.server}"
        )


def send_waiting(uri: str | None, told: Told | None = None, lease: StudyLease | None = None) -> list[Delivery]:
    """Send the waiting runs for the server at ``uri``, or for every server if it is None; return one delivery per
    server.

    There is no delivery for a store that is not a server, or for a server without recorded runs on this machine. Runs
    of a study that another machine runs at the moment keep waiting, except with the ``lease`` on that study.

    Raises
    ------
    TrackingError
        When a spool cannot be read. An unreachable server does not raise but is reported in its delivery.
    """
    spools = all_spools() if uri is None else [spool_of(uri)] if is_remote(uri) else []
    return [deliver(spool, told, lease) for spool in spools if spool.exists]


def deliver(spool: Spool, told: Told | None = None, lease: StudyLease | None = None) -> Delivery:
    """Send every waiting run of ``spool``, oldest study first; ``lease`` and errors as in :func:`send_waiting`."""
    shown = mask_address(spool.server)
    local = open_store(spool.uri, create=False)
    total = waiting = _waiting(local, spool)
    error = ""
    for attempt in range(_TRIES if waiting else 0):
        time.sleep(attempt)
        error = _try(local, spool, itertools.count(total - waiting + 1), total, told, lease)
        waiting = _waiting(local, spool)
        if not error:
            break
    receipts = {study.info.run_id: Receipts(spool.folder).get(study.info.run_id) for study in _studies(local)}
    copies = {run_id: receipt.copy for run_id, receipt in receipts.items() if receipt is not None}
    error = error.removeprefix(f"{shown}: ")
    return Delivery(shown, str(spool.folder), max(total - waiting, 0), waiting, error, copies)


def _try(
    local: Store, spool: Spool, numbers: Iterator[int], total: int, told: Told | None, lease: StudyLease | None
) -> str:
    """Send every study once, reporting each run with the next of ``numbers``; return the error that ended it."""

    def sent() -> None:
        if told is not None:
            told(min(next(numbers), total), total)

    in_use = ""
    try:
        with sending(spool) as mirror:
            for study in _studies(local):
                if not _waiting_runs(local, spool, study) and mirror.knows(study):
                    continue
                try:
                    with _right_to_send(local, spool, study, lease):
                        mirror.send_study(study, sent)
                except InUseError as error:
                    in_use = str(error)
    except TrackingError as error:
        return str(error)
    return in_use


@contextmanager
def _right_to_send(local: Store, spool: Spool, study: Run, lease: StudyLease | None) -> Iterator[None]:
    """Hold the lease on a study within the block; InUseError if another process holds it."""
    with fetched(local, study) as file:
        recorded, environment = file(SPEC_FILE), file(ENVIRONMENT_FILE)
        core = ""
        if recorded is not None and environment is not None:
            core = core_digest(read_json(recorded), data_digest(study, read_json(environment)))
    name = lease_name(study.data.tags["study"], core)
    if lease is not None and lease.name == name and lease.may_send:
        yield
        return
    own = server_lease(spool.server, study.data.tags["study"], "", name, lambda _: None)
    try:
        own.acquire(wait=False)
    except InUseError as error:
        raise InUseError(str(error).partition("; ")[0]) from None
    try:
        yield
    finally:
        own.release()


@contextmanager
def sending(spool: Spool) -> Iterator[Mirror]:
    """Yield a mirror of ``spool`` that no other process uses at the same time.

    Raises
    ------
    TrackingError
        When the server does not answer, or another process sends for longer than 20 s.
    """
    with ExitStack() as lock:
        try:
            lock.enter_context(locked(spool.folder / ".sending", seconds=_SECONDS_FOR_ANOTHER_SENDER))
        except TimeoutError:
            raise TrackingError(
                f"{spool.folder}: another process is sending these runs; wait for it to finish"
            ) from None
        except OSError as error:
            raise TrackingError(f"{spool.folder}: cannot write to this folder ({error.strerror or error})") from None
        # A server's store has no files on this machine: ``create`` only connects.
        server = open_store(spool.server, create=True)
        yield Mirror(open_store(spool.uri, create=False), server, Receipts(spool.folder))


def _studies(local: Store) -> list[Run]:
    experiments = [each.experiment_id for each in local.client.search_experiments()]
    return local.search(experiments, f"tags.level = '{STUDY}'", newest_first=False) if experiments else []


def _waiting(local: Store, spool: Spool) -> int:
    return sum(_waiting_runs(local, spool, study) for study in _studies(local))


def _waiting_runs(local: Store, spool: Spool, study: Run) -> int:
    receipts = Receipts(spool.folder)
    return sum(
        (receipt := receipts.get(run.info.run_id)) is None
        or receipt.content != content_digest(run, dict(artifact_files(local, run)))
        for run in study_runs(local, study)
    )


class Courier:
    """Sends runs in its own thread while a study runs.

    Runs that cannot be sent keep waiting; it retries with the next run that is offered, and warns once.

    Parameters
    ----------
    spool
        Where the runs are.
    tell
        Called with the warning.
    may_send
        Whether this process holds the lease on the study at the moment.
    """

    def __init__(self, spool: Spool, tell: Callable[[str], object], may_send: Callable[[], bool]) -> None:
        self._spool = spool
        self._tell = tell
        self._may_send = may_send
        self._offered: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="courier", daemon=True)
        self._thread.start()

    def offer(self, run_id: str) -> None:
        """Queue a run for sending and return at once."""
        self._offered.put(run_id)

    def stop(self, seconds: float) -> None:
        """Wait up to ``seconds`` for the run that is being sent; the others remain in the spool."""
        self._stopped.set()
        self._offered.put(None)
        self._thread.join(seconds)

    def _work(self) -> None:
        waiting: dict[str, None] = {}
        complained = False
        while not self._stopped.is_set():
            waiting |= dict.fromkeys(self._newly_offered())
            try:
                with sending(self._spool) as mirror:
                    while waiting and self._may_send() and not self._stopped.is_set():
                        mirror.send(next(iter(waiting)))
                        del waiting[next(iter(waiting))]
            except TrackingError as error:
                if not complained and not self._stopped.is_set():
                    self._tell(f"{error}; the study continues, its runs are kept in {self._spool.folder}")
                    complained = True
                self._stopped.wait(_SECONDS_BETWEEN_TRIES)

    def _newly_offered(self) -> list[str]:
        """Wait for one offer, and return it with all that arrived meanwhile."""
        offers = [self._offered.get()]
        while not self._offered.empty():
            offers.append(self._offered.get())
        return [run_id for run_id in offers if run_id is not None]
