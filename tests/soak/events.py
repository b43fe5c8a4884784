"""What a study does to the world, seen from inside its process: files, databases, phases; and death at one of them.

The product is not asked to help: Python's audit hook tells of every file that is opened for writing, renamed or
removed and of all that is sent to a server, SQLAlchemy of every statement that changes a database. Each is one event,
told *before* it happens.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Functions by place; what happens between them opens or closes the study run. Arms proceed at the same time, so
# searches and fusions are steps within the trainings.
PHASES = {
    "harness.running.study:study_inputs": "features",
    "harness.running.trainings:Trainings.run": "training",
    "harness.running.arm_chains:StudyArms._run": "search",
    "harness.running.arm_chains:StudyArms._fuse": "fusion",
    "harness.running.study:report_run": "report",
    "harness.running.study:send_waiting_runs": "sending",
    "harness.running.study:log_report": "report",
}
_WRITING = os.O_WRONLY | os.O_RDWR
_FOLDERS = {"data": "data", "cache": "cache", "mlruns": "artifacts", "reports": "reports"}


@dataclass(frozen=True)
class Death:
    """Die at event ``count`` (from 1) of those in ``phases`` on ``targets``; empty means any.

    With ``share`` the file that was being written (or is about to get its name) holds only that share of its bytes, as
    a process leaves it that dies within the write.
    """

    phases: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    count: int = 1
    share: float | None = None

    def matches(self, phase: str, target: str) -> bool:
        """Tell whether an event is one that counts."""
        return (not self.phases or phase in self.phases) and (not self.targets or target in self.targets)


class Watch:
    """Tells each event as a line ``phase target kind name`` on a file descriptor, and dies where it is told to."""

    def __init__(self, folder: Path, tell: int, death: Death | None) -> None:
        self._folder = str(folder.resolve())
        self._tell = tell
        self._death = death
        self._left = death.count if death else 0
        self._phase = "opening"
        self._writing: str | None = None
        self._lock = threading.Lock()

    def install(self) -> None:
        """Begin to watch this process; there is no way back."""
        from sqlalchemy import event
        from sqlalchemy.engine import Engine

        for place, phase in PHASES.items():
            module, _, names = place.partition(":")
            *classes, name = names.split(".")
            owner = functools.reduce(getattr, classes, importlib.import_module(module))
            function = getattr(owner, name)
            within = self._steps_in_phase if inspect.isgeneratorfunction(function) else self._in_phase
            setattr(owner, name, within(function, phase))
        event.listen(Engine, "before_cursor_execute", self._statement)
        event.listen(Engine, "commit", lambda connection: self._happens(_database(connection), "commit", ""))
        sys.addaudithook(self._audit)

    def _steps_in_phase(self, function: Callable[..., Any], phase: str) -> Callable[..., Any]:
        """As :meth:`_in_phase`, for each step of a generator."""

        @functools.wraps(function)
        def told(*args: Any, **kwargs: Any) -> Any:
            steps, given = function(*args, **kwargs), None
            while True:
                try:
                    found = self._in_phase(steps.send, phase)(given)
                except StopIteration as end:
                    return end.value
                given = yield found

        return told

    def _in_phase(self, function: Callable[..., Any], phase: str) -> Callable[..., Any]:
        @functools.wraps(function)
        def told(*args: Any, **kwargs: Any) -> Any:
            before, self._phase = self._phase, phase
            self._happens("phase", "begin", "")
            try:
                return function(*args, **kwargs)
            finally:
                self._happens("phase", "end", "")
                self._phase = before

        return told

    def _statement(self, connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        verb = statement.split(None, 1)[0].upper()
        if verb not in ("SELECT", "PRAGMA"):
            self._happens(_database(connection), verb.lower(), " ".join(statement.split()[1:3]))

    def _audit(self, name: str, args: tuple[Any, ...]) -> None:
        if name == "open":
            path, mode, flags = args
            writes = bool(flags & _WRITING) if isinstance(flags, int) else False
            writes = writes or (isinstance(mode, str) and any(letter in mode for letter in "wxa+"))
            if writes and isinstance(path, str | os.PathLike):
                self._file("open", os.fspath(path))
        elif name == "os.rename":
            self._file("rename", os.fspath(args[1]), source=os.fspath(args[0]))
        elif name in ("os.remove", "os.rmdir", "os.mkdir"):
            self._file(name[3:], os.fspath(args[0]))
        elif name == "http.client.send":
            # The head of a request, and its body where it has one.
            self._happens("server", "send", "")

    def _file(self, kind: str, path: str | bytes, source: str | bytes = "") -> None:
        full = os.path.join(os.getcwd(), os.fsdecode(path))  # noqa: PTH109, PTH118
        if not full.startswith(self._folder + os.sep) or full.endswith((".lock", ".db-journal")):
            return
        inside = full[len(self._folder) + 1 :]
        target = _FOLDERS.get(inside.partition(os.sep)[0], "other")
        if kind == "rename":
            self._writing = os.path.join(os.getcwd(), os.fsdecode(source))  # noqa: PTH109, PTH118
        self._happens(target, kind, inside)
        self._writing = full if kind == "open" else None

    def _happens(self, target: str, kind: str, name: str) -> None:
        with self._lock:
            os.write(self._tell, f"{self._phase} {target} {kind} {name}\n".encode())
            if self._death is None or not self._death.matches(self._phase, target):
                return
            self._left -= 1
            if self._left:
                return
            if self._death.share is not None and self._writing is not None:
                _shorten(self._writing, self._death.share)
            os.killpg(0, signal.SIGKILL)


def _shorten(path: str, share: float) -> None:
    # A folder that is being renamed holds files that are whole.
    if os.path.isfile(path):  # noqa: PTH113
        os.truncate(path, int(share * os.path.getsize(path)))  # noqa: PTH202


def _database(connection: Any) -> str:
    return Path(str(connection.engine.url.database or "memory")).stem
