"""One writer per study run, on whichever machine: the leases on all that a study writes to and others may share.

These are the store in which it is recorded, the server to which it is sent, and the storage of its search if that is
elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.errors import InUseError, TrackingError
from harness.study import StudySpec
from harness.system.lease import Board, Lease, holder_of
from harness.system.lease_boards import DatabaseBoard, FolderBoard
from harness.system.locks import locked
from harness.system.redaction import mask_address
from harness.system.servers import is_database, server_fault
from harness.system.sqlite_uri import is_sqlite, split_sqlite_uri
from harness.tracking.digests import core_digest, spec_document
from harness.tracking.store import Store, open_store
from harness.tracking.sync.spool import recording_uri
from harness.tracking.uri import absolute_uri, is_remote, local_folder

Tell = Callable[[str], object]

_SETTLING = 1.0
_LONGEST_NAME = 100
_TAG = "harness.lease."


class TagBoard:
    """A tag of an experiment, for stores that are only reached through MLflow, such as its server.

    MLflow cannot replace a tag only if it has a certain value. Whoever takes a lease therefore looks again a second
    later, and every heartbeat notices when the entry is another's. What is sent to a server is merged, so that two
    holders could at worst compute the same twice.

    Parameters
    ----------
    server
        Tracking URI of the store.
    experiment, question
        Name and description of the study's experiment, which is created if missing.
    name
        As in :class:`StudyLease`.
    """

    settling = _SETTLING

    def __init__(self, server: str, experiment: str, question: str, name: str) -> None:
        self._server, self._name, self._question = server, experiment, question
        self._tag = f"{_TAG}{hashlib.sha256(name.encode()).hexdigest()[:12]}"

    def read(self) -> str | None:
        """Return the entry; see :class:`harness.system.lease.Board`."""
        store, experiment = self._opened
        with store.guard("read who writes a study"):
            found = store.client.get_experiment(experiment).tags.get(self._tag)
            return None if found is None else str(found)

    def swap(self, seen: str | None, new: str | None) -> bool:
        """Replace an entry; see :class:`harness.system.lease.Board`."""
        if self.read() != seen:
            return False
        store, experiment = self._opened
        with store.guard("record who writes a study"):
            if new is not None:
                store.client.set_experiment_tag(experiment, self._tag, new)
            elif seen is not None:
                store.client.delete_experiment_tag(experiment, self._tag)
        return True

    @cached_property
    def _opened(self) -> tuple[Store, str]:
        """The store and the id of the experiment; a server may begin to answer later."""
        store = open_store(self._server, create=True)
        with store.guard("open the experiment of a study"):
            return store, store.ensure_experiment(self._name, self._question)


class StudyLease:
    """The right to write one study; made by :func:`study_lease`, used as a context manager.

    Parameters
    ----------
    name
        Identifies the study among those of a store.
    tell
        Called with messages for the user: who holds the lease, if it must be waited for.
    wait
        Whether to wait for another process that holds the lease.
    """

    def __init__(self, name: str, tell: Tell, *, wait: bool = True) -> None:
        self.name, self._tell, self._wait = name, tell, wait
        self._own = ExitStack()
        self._needed: list[Lease] = []
        self._server: Lease | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    @property
    def may_send(self) -> bool:
        """Whether this process may send the study's runs to its server."""
        return self._server is None or self._server.is_sure()

    @property
    def lost(self) -> bool:
        """Whether another process has taken the study over."""
        return any(lease.lost for lease in self._needed)

    def check(self) -> None:
        """Make sure that this process is still the study's only writer, before it writes.

        Raises
        ------
        TrackingError
            When it is not, or cannot know.
        """
        for lease in self._needed:
            lease.check()

    def release(self) -> None:
        """Let others write the study."""
        self._own.close()

    def take(self, board: Board, what: str, *, alone: bool = False) -> None:
        """Acquire a lease without which nothing may be written; parameters and errors as in :class:`Lease`."""
        lease = Lease(board, what, self._tell, alone=alone)
        lease.acquire(wait=self._wait)
        self._needed.append(lease)
        self._own.callback(lease.release)

    def lock_folder(self, folder: Path, what: str) -> None:
        """Acquire the lease on a folder, which other machines may share; raises as :meth:`Lease.acquire`.

        The lock of the system ends with its process and is therefore taken first. On network file systems it may
        exclude only processes of the same machine, or not exist.
        """
        file = folder / f".writing-{self.name}"
        board = FolderBoard(folder, f"{file.name}.lease")
        locks = True

        def holder(unknown: str) -> str:
            text = board.read()
            found = holder_of(text) if text is not None else None
            return f" {found}" if found else f" another process{unknown}"

        def told(unknown: str) -> None:
            self._tell(f"{what} is in use by{holder(unknown)}; waiting for it to finish")

        try:
            self._own.enter_context(locked(file, waiting=told, temporary=True, seconds=-1 if self._wait else 0))
        except TimeoutError:
            raise InUseError(
                f"{what} is in use by{holder('')}; run the command without --no-wait to wait for it"
            ) from None
        except NotImplementedError:
            locks, board.settling = False, _SETTLING
        except OSError as error:
            raise TrackingError(f"{what}: cannot write {file}: {error.strerror or error}") from None
        self.take(board, what, alone=locks)

    def seek_server(self, server: str, spec: StudySpec) -> None:
        """Acquire the lease on a server, or seek it in the background if the server does not answer.

        Raises InUseError as :meth:`Lease.acquire`.
        """
        lease = server_lease(server, spec.study.name, spec.study.question, self.name, self._tell)
        try:
            lease.acquire(wait=self._wait)
        except InUseError:
            raise
        except TrackingError:
            # The courier reports that the server does not answer.
            lease.seek()
        self._server = lease
        self._own.callback(lease.release)


def server_lease(server: str, experiment: str, question: str, name: str, tell: Tell) -> Lease:
    """Return the lease on a study of a server, which need not answer yet.

    Parameters
    ----------
    server
        Address of the server.
    experiment, question
        Name and description of the study's experiment.
    name
        As in :class:`StudyLease`.
    tell
        Called with messages for the user.
    """
    what = f"study {experiment!r} on {mask_address(server)}"
    return Lease(TagBoard(server, experiment, question, name), what, tell)


def lease_name(study: str, core: str) -> str:
    """Return what identifies a study among those of a store; studies that resume the same study run share it.

    Parameters
    ----------
    study
        Name of the study.
    core
        Its :func:`harness.tracking.digests.core_digest`.
    """
    return f"{study[:_LONGEST_NAME]}-{core[:12]}"


def study_lease(uri: str, spec: StudySpec, data_digest: str, tell: Tell, *, wait: bool = True) -> StudyLease:
    """Return the acquired lease on a study; leaving its context releases it.

    Parameters
    ----------
    uri
        Tracking URI of the store or server.
    spec
        The resolved study.
    data_digest
        Digest of its audio.
    tell
        Called with messages for the user: who holds the lease, if it must be waited for.
    wait
        Whether to wait for another process that holds it.

    Raises
    ------
    InUseError
        When another process runs the study, and ``wait`` is False.
    TrackingError
        When the store cannot be written.
    """
    store = absolute_uri(recording_uri(uri))
    lease = StudyLease(lease_name(spec.study.name, core_digest(spec_document(spec), data_digest)), tell, wait=wait)
    what = f"study {spec.study.name!r} in {mask_address(store)}"
    try:
        folder = local_folder(store)
        if folder is not None:
            lease.lock_folder(folder, what)
        else:
            # MLflow creates its tables first.
            open_store(store, create=True)
            board: Board = (
                DatabaseBoard(store, lease.name)
                if is_database(store)
                else TagBoard(store, spec.study.name, spec.study.question, lease.name)
            )
            lease.take(board, what)
        if is_remote(uri):
            lease.seek_server(uri, spec)
        _take_search(lease, spec, store, folder)
    except BaseException:
        lease.release()
        raise
    return lease


def _take_search(lease: StudyLease, spec: StudySpec, store: str, folder: Path | None) -> None:
    """Acquire the lease on the storage of the search, where that is not the store's own."""
    storage = spec.search.storage
    if not spec.search.trials or storage is None or storage == store:
        return
    what = f"the search of study {spec.study.name!r} in {mask_address(storage)}"
    if is_sqlite(storage):
        path = split_sqlite_uri(storage)[1]
        place = Path(path).absolute().parent
        if path not in ("", ":memory:") and (folder is None or place.resolve() != folder.resolve()):
            lease.lock_folder(place, what)
    elif is_database(storage):
        if fault := server_fault(storage):
            raise TrackingError(f"search.storage = {mask_address(storage)!r}: {fault}")
        lease.take(DatabaseBoard(storage, f"search-{lease.name}"), what)
