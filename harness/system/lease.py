"""Leases: at most one holder of a name among processes of any machine, with a heartbeat.

A holder renews its entry on a board that all can read every :data:`BEAT` seconds. The others take the lease over when
they have read the same entry for :data:`STALE` seconds of their own monotonic clock, which starts again when the board
does not answer; clocks of different machines are never compared. A holder whose renewals fail for :data:`SURE` seconds
writes nothing until it has renewed again. A process of this machine that has ended is known to be dead at once.
"""

from __future__ import annotations

import getpass
import json
import os
import platform
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from harness.errors import InUseError, TrackingError

BEAT = 10.0
"""Time between two heartbeats, in s."""

STALE = 60.0
"""After this time without a heartbeat, in s, a holder is considered dead."""

SURE = 40.0
"""After this time without a successful heartbeat, in s, a holder no longer writes without renewing first."""

POLL = 2.0
"""How often the others look, in s."""

_SECONDS_TO_STOP = 5
_ENDED: set[str] = set()
"""Keys of leases that this process gave back; a board that did not answer may still have their entries."""

Tell = Callable[[str], object]


class Board(Protocol):
    """A place for the entry of one lease, which all who may want the lease can read and change."""

    settling: float
    """How long, in s, another process may still be between reading an entry and replacing it; 0 if replacing is
    atomic."""

    def read(self) -> str | None:
        """Return the entry, None if there is none; TrackingError if the board does not answer."""

    def swap(self, seen: str | None, new: str | None) -> bool:
        """Replace the entry ``seen`` by ``new`` (None: no entry); return False if it is no longer ``seen``.

        Raises TrackingError if the board does not answer.
        """


@dataclass(frozen=True)
class Holder:
    """The process that holds a lease, as its entry describes it.

    Attributes
    ----------
    key
        Random text that identifies this holding.
    user, host, pid
        Account, name of the machine, and process id, for messages.
    kernel, pids
        Identify the running system and the namespace of its process ids; empty where unknown.
    started
        When the process was started, in ticks since the system was, to recognise a process id that was given again; -1
        where unknown.
    since, beat
        When the lease was taken and last renewed, by the holder's clock, for messages.
    count
        Number of the heartbeat.
    """

    key: str
    user: str
    host: str
    pid: int
    kernel: str
    pids: str
    started: int
    since: str
    beat: str
    count: int = 0

    def __str__(self) -> str:
        return f"{self.user} on {self.host} (PID {self.pid}) since {self.since}, last heartbeat {self.beat}"

    @property
    def text(self) -> str:
        """The entry of this holder."""
        return json.dumps(asdict(self))

    def renewed(self) -> Holder:
        """Return the holder with its next heartbeat."""
        return replace(self, beat=_now(), count=self.count + 1)

    def is_gone(self, *, alone: bool) -> bool:
        """Return whether this holder is a process of this machine that has ended, or gave the lease back.

        With ``alone``, a lock of this machine's system shows that no other of its processes can be the holder.
        """
        if self.key in _ENDED:
            return True
        if not self.kernel or self.kernel != _kernel():
            return False
        if alone:
            return True
        if self.pids != _pids():
            return False
        return _started(self.pid) != self.started


def this_process() -> Holder:
    """Return this process as a new holder."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = "unknown user"
    now = _now()
    pid = os.getpid()
    return Holder(secrets.token_hex(8), user, platform.node(), pid, _kernel(), _pids(), _started(pid), now, now)


def holder_of(text: str) -> Holder | None:
    """Return the holder that an entry describes, None if it describes none."""
    try:
        return Holder(**json.loads(text))
    except (ValueError, TypeError):
        return None


class Lease:
    """The lease on one board; :meth:`acquire` or :meth:`seek`, then :meth:`release`.

    Parameters
    ----------
    board
        Where its entry is.
    what
        What is leased, for messages.
    tell
        Called with messages for the user.
    alone
        As in :meth:`Holder.is_gone`.
    """

    def __init__(self, board: Board, what: str, tell: Tell, *, alone: bool = False) -> None:
        self._board, self._what, self._tell, self._alone = board, what, tell, alone
        self._me = this_process()
        self._entry: str | None = None
        """The entry as this process wrote it last; None while the lease is not held."""
        self._renewed = 0.0
        self._seen: str | None = None
        self._unchanged = self._looked = 0.0
        self._lost = ""
        self._changing = threading.RLock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def held(self) -> bool:
        """Whether this process holds the lease for certain."""
        return self._entry is not None and _awake() - self._renewed < SURE

    def is_sure(self) -> bool:
        """Return whether this process holds the lease, after renewing it where that is in doubt."""
        if not self.held:
            self._renew()
        return self.held

    def acquire(self, *, wait: bool = True) -> None:
        """Take the lease, waiting for its holder.

        Raises
        ------
        InUseError
            When another process holds it, and ``wait`` is False.
        TrackingError
            When the board does not answer.
        """
        told = False
        while (holder := self._first_attempt()) is not None:
            if not wait:
                raise InUseError(
                    f"{self._what} is in use by {holder}; run the command without --no-wait to wait for it (if that "
                    f"process is dead, it is replaced {STALE:g} s after its last heartbeat)"
                )
            if not told:
                self._tell(f"{self._what} is in use by {holder}; waiting for it to finish")
                told = True
            time.sleep(POLL)
        self._begin(self._renew)

    def _first_attempt(self) -> Holder | None:
        try:
            return self.attempt()
        except TrackingError:
            # The entry may have been written nevertheless.
            _ENDED.add(self._me.key)
            raise

    def seek(self) -> None:
        """Take the lease as soon as it is free, and keep it, in the background."""

        def step() -> None:
            if self._entry is None:
                self.attempt()
            else:
                self._renew()

        self._begin(step)

    def attempt(self) -> Holder | None:
        """Take the lease if it is free or its holder is dead; return the holder if it is not.

        A holder counts as dead once calls of this method have seen the same entry for :data:`STALE` seconds. Raises as
        :meth:`acquire`.
        """
        with self._changing:
            while True:
                try:
                    text = self._board.read()
                except TrackingError:
                    self._seen = None
                    raise
                holder = holder_of(text) if text is not None else None
                mine_before = holder is not None and holder.key == self._me.key
                if text is not None and holder is not None and not (mine_before or holder.is_gone(alone=self._alone)):
                    if not self._is_stale(text):
                        return holder
                    self._tell(f"{self._what}: no heartbeat of {holder} for {STALE:g} s; this process takes over")
                mine = self._me.renewed()
                if self._board.swap(text, mine.text) and self._settled(mine.text):
                    self._me, self._entry, self._renewed, self._lost = mine, mine.text, _awake(), ""
                    return None

    def _is_stale(self, text: str) -> bool:
        now = time.monotonic()
        if text != self._seen:
            self._seen, self._unchanged = text, 0.0
        else:
            # An observer that slept has not looked in the meantime.
            self._unchanged += min(now - self._looked, 2 * max(POLL, BEAT))
        self._looked = now
        return self._unchanged >= STALE

    def _settled(self, text: str) -> bool:
        """Return whether an entry is still there once no other process can be about to replace it."""
        if not self._board.settling:
            return True
        time.sleep(self._board.settling)
        return self._board.read() == text

    def check(self) -> None:
        """Make sure that this process still holds the lease, before it writes.

        Raises
        ------
        TrackingError
            When it does not, or cannot know.
        """
        if not self._lost and not self.held:
            self._renew(raising=True)
        if self._lost:
            raise TrackingError(self._lost)

    @property
    def lost(self) -> bool:
        """Whether another process has taken the lease over."""
        return bool(self._lost)

    def release(self) -> None:
        """Give the lease back, if this process holds it."""
        self._stopped.set()
        _ENDED.add(self._me.key)
        if self._thread is not None:
            self._thread.join(_SECONDS_TO_STOP)
            if self._thread.is_alive():
                # The board does not answer: the entry becomes stale.
                return
            self._thread = None
        with self._changing:
            if self._entry is not None:
                # Others replace the entry of a process that has ended.
                with suppress(TrackingError):
                    self._board.swap(self._entry, None)
            self._entry = None

    def _begin(self, step: Callable[[], object]) -> None:
        def work() -> None:
            while not self._stopped.wait(BEAT):
                with suppress(TrackingError):
                    step()

        self._stopped.clear()
        self._thread = threading.Thread(target=work, name="lease", daemon=True)
        self._thread.start()

    def _renew(self, *, raising: bool = False) -> None:
        with self._changing:
            if self._entry is None:
                return
            mine = self._me.renewed()
            try:
                renewed = self._board.swap(self._entry, mine.text) or (
                    self._is_still_mine() and self._board.swap(self._entry, mine.text)
                )
            except TrackingError:
                if raising:
                    raise
                return
            if renewed:
                self._me, self._entry, self._renewed = mine, mine.text, _awake()

    def _is_still_mine(self) -> bool:
        """Return whether the entry is another one of this process, as when an answer was lost; otherwise the lease is
        lost."""
        text = self._board.read()
        holder = holder_of(text) if text is not None else None
        if holder is not None and holder.key == self._me.key:
            self._entry = text
            return True
        self._entry = None
        self._lost = (
            f"{self._what} was taken over by {holder or 'another process'}, because this process could not renew its "
            f"lease for {STALE:g} s (it was suspended, or the network was interrupted); nothing more is written. Run "
            "the same command again: it waits for that process"
        )
        return False


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _awake() -> float:
    """Return a monotonic time in s that includes the time for which the machine was suspended, where there is one."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


def _kernel() -> str:
    """Return what identifies the running system of this machine until its next start; empty where unknown."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _started(pid: int) -> int:
    """Return when a process of this machine was started, in ticks since the system was; -1 if there is none."""
    try:
        # The name of the program, in parentheses, may contain spaces. The clock of the machine has no part in this.
        return int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return -1


def _pids() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")  # noqa: PTH115
    except OSError:
        return ""
