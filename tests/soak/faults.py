"""Everything short of kill -9: signals, lost workers, full and read-only disks, locked databases, two at once."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psutil

from tests.soak import evidence
from tests.soak.kills import Tell, Undisturbed, finish, must
from tests.soak.outcome import Outcome
from tests.soak.process import Ended, Event, OnEvent, Running, Study
from tests.workers import workers_of

WORKING = ("search", "training", "fusion")
"""Phases in which trainings run."""


class Scenario:
    """One attempt of a fault: what it does to a study, and what must be true at once; the end is always the same."""

    def __init__(self, folder: Path, peace: Undisturbed, draw: random.Random, workers: int) -> None:
        self.peace = peace
        self.draw = draw
        self.study = Study(folder, workers=workers, options=peace.options)

    def after(self, phases: tuple[str, ...], act: Callable[[int], object]) -> OnEvent:
        """Return what calls ``act`` with the process group after a random event of ``phases``."""
        events = [event for event in self.peace.events if event.phase in phases]
        left = self.draw.randrange(len(events) // 2) + 1

        def on_event(group: int, seen: list[Event]) -> bool:
            nonlocal left
            left -= seen[-1].phase in phases
            if left > 0:
                return False
            act(group)
            return True

        return on_event

    def end(self) -> list[str]:
        """Let the study go on to its end and compare."""
        return finish(self.study, self.peace)


def interrupted(one: Scenario) -> list[str]:
    """Ctrl-C: exit code 130 and a word, then the same command goes on."""
    ended = one.study.run(on_event=one.after(WORKING, lambda group: os.killpg(group, signal.SIGINT)))
    return [*must(ended, 130), *evidence.damage(one.study.folder, one.peace.facts), *one.end()]


def terminated(one: Scenario) -> list[str]:
    """SIGTERM to the leading process alone, as a batch system sends it."""
    ended = one.study.run(on_event=one.after(WORKING, lambda group: os.kill(group, signal.SIGTERM)))
    bad = [] if ended.code in (-signal.SIGTERM, 130, 143) else [f"exit code {ended.code}"]
    return [*bad, *evidence.damage(one.study.folder, one.peace.facts), *one.end()]


def frozen(one: Scenario) -> list[str]:
    """SIGSTOP for three seconds, then SIGCONT: nothing but time is lost."""

    def freeze(group: int) -> None:
        os.killpg(group, signal.SIGSTOP)
        time.sleep(3)
        os.killpg(group, signal.SIGCONT)

    return [*must(one.study.run(on_event=one.after(WORKING, freeze)), 0), *one.end()]


def worker_killed(one: Scenario) -> list[str]:
    """One of two workers dies in a final training: that training is a row with its error, and is made up for later."""
    killed: list[int] = []

    def kill(group: int) -> None:
        for worker in workers_of(psutil.Process(group))[:1]:
            worker.kill()
            killed.append(worker.pid)

    ended = one.study.run(on_event=one.after(("training",), kill))
    if not killed:
        return ["no worker was found to kill"]
    # Between two trainings its death costs nothing.
    bad = [] if ended.code in (0, 1) else [f"exit code {ended.code}: {ended.said[-500:]}"]
    return [*bad, *evidence.damage(one.study.folder, one.peace.facts), *one.end()]


def disk_full(one: Scenario) -> list[str]:
    """The disk of the tracking store fills up: one sentence, exit code 2; with room made, the study goes on."""
    megabytes = one.draw.randrange(2, 150)
    with _small_disk(one.study.folder / "mlruns", megabytes) as make_room:
        ended = one.study.run()
        bad = [*_refused(ended), *evidence.damage(one.study.folder, one.peace.facts)]
        make_room()
        return [*bad, *one.end()]


def search_disk_full(one: Scenario) -> list[str]:
    """The disk of Optuna's database fills up within the search: one sentence, exit code 2; with room, it goes on."""
    disk, mlruns = one.study.folder / "disk", one.study.folder / "mlruns"
    mlruns.mkdir()
    with _small_disk(disk, 4):
        # SQLite puts its journal where the link leads, too.
        (mlruns / "optuna.db").symlink_to(disk / "optuna.db")
        filler = disk / "filler"

        def fill(_: int) -> None:
            # Unbuffered: closing it must not fail for what is left to write.
            with filler.open("wb", buffering=0) as file, suppress(OSError):
                while True:
                    file.write(bytes(4096))

        ended = one.study.run(on_event=one.after(("search",), fill))
        bad = [*_refused(ended), *evidence.damage(one.study.folder, one.peace.facts)]
        if "free some space" not in ended.said:
            bad.append(f"it did not say what to do: {ended.said[-500:]}")
        filler.unlink()
        return [*bad, *one.end()]


def files_too_large(one: Scenario) -> list[str]:
    """No file may grow beyond a limit, which looks like a full disk and needs no rights to set up."""
    limit = one.draw.randrange(1, 40) << 20
    ended = one.study.start(before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))).wait()
    return [*_refused(ended), *evidence.damage(one.study.folder, one.peace.facts), *one.end()]


def cache_read_only(one: Scenario) -> list[str]:
    """The cache cannot be written: one sentence, exit code 2; then the study goes on."""
    with _read_only(one.study.folder / "cache"):
        bad = _refused(one.study.run())
    return [*bad, *one.end()]


def two_at_once(one: Scenario) -> list[str]:
    """The same command twice at the same time: one waits or is refused, and nothing is done double."""
    first, second = one.study.start(), one.study.start()
    # Both must be listened to: one that is not heard would stop, with the study in its hands.
    with ThreadPoolExecutor(2) as pool:
        codes = [ended.code for ended in pool.map(Running.wait, (first, second))]
    bad = [] if sorted(codes) in ([0, 0], [0, 2]) else [f"exit codes {codes}"]
    return [*bad, *one.end()]


def search_locked(one: Scenario) -> list[str]:
    """Another program holds Optuna's database for seconds: the search waits."""
    return _while_locked(one, "optuna", ("search",))


def store_locked(one: Scenario) -> list[str]:
    """Another program holds MLflow's database for seconds: the study waits."""
    return _while_locked(one, "mlflow", WORKING)


FAULTS: dict[str, tuple[Callable[[Scenario], list[str]], int]] = {
    "Ctrl-C": (interrupted, 1),
    "Ctrl-C, two workers": (interrupted, 2),
    "SIGTERM": (terminated, 2),
    "stopped and continued": (frozen, 1),
    "a worker killed": (worker_killed, 2),
    "disk full": (disk_full, 1),
    "disk full: Optuna": (search_disk_full, 1),
    "file size limit": (files_too_large, 1),
    "cache read-only": (cache_read_only, 1),
    "two at once": (two_at_once, 1),
    "Optuna's database locked": (search_locked, 1),
    "MLflow's database locked": (store_locked, 1),
}
"""By name: what it does, and with how many workers."""


def faults() -> dict[str, tuple[Callable[[Scenario], list[str]], int]]:
    """Return every fault by name: those here, and those of servers."""
    from tests.soak.servers import SERVERS

    return {**FAULTS, **SERVERS}


def suffered(name: str, times: int, peace: Undisturbed, folder: Path, draw: random.Random, tell: Tell) -> Outcome:
    """Put ``times`` studies through a fault."""
    act, workers = faults()[name]
    outcome = Outcome(name, workers, note=(act.__doc__ or "").partition(":")[0].rstrip("."))
    for time_ in range(times):
        place = folder / str(time_)
        bad = act(Scenario(place, peace, draw, workers))
        outcome.tried += 1
        tell(f"  {name}: {'; '.join(bad) or 'survived'}")
        if bad:
            outcome.lost.append("; ".join(bad))
        else:
            shutil.rmtree(place, ignore_errors=True)
    return outcome


def _refused(ended: Ended) -> list[str]:
    bad = must(ended, 2)
    return [*bad, "a traceback was printed"] if "Traceback" in ended.said else bad


def _while_locked(one: Scenario, name: str, phases: tuple[str, ...]) -> list[str]:
    def lock(_: int) -> None:
        file = one.study.folder / "mlruns" / f"{name}.db"
        with closing(sqlite3.connect(file, timeout=60, isolation_level=None)) as database:
            database.execute("BEGIN EXCLUSIVE")
            time.sleep(8)
            database.execute("ROLLBACK")

    return [*must(one.study.run(on_event=one.after(phases, lock)), 0), *one.end()]


@contextmanager
def _small_disk(folder: Path, megabytes: int) -> Iterator[Callable[[], object]]:
    """Mount a disk of so many megabytes on ``folder``; yields what makes it large."""
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "soak", str(folder)], check=True)
    try:
        yield lambda: subprocess.run(["mount", "-o", "remount,size=4g", str(folder)], check=True)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def _read_only(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True)
    if os.geteuid() == 0:
        # Root may write where the mode forbids it.
        subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "soak", str(folder)], check=True)
        undo = ["umount", "--lazy", str(folder)]
    else:
        folder.chmod(0o555)
        undo = ["chmod", "755", str(folder)]
    try:
        yield
    finally:
        subprocess.run(undo, check=True)


def possible(name: str) -> bool:
    """Tell whether this machine lets us set up a fault."""
    return not name.startswith("disk full") or (os.geteuid() == 0 and shutil.which("mount") is not None)
