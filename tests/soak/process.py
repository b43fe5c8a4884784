"""A study in a process group of its own: started, watched, killed."""

from __future__ import annotations

import importlib
import os
import selectors
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.soak.events import Death, Watch

STUDY = Path(__file__).with_name("study.toml").resolve()
_LONGEST = 600.0
_HEAVY = (
    "harness.cli",
    "harness.features.compute",
    "harness.running.study",
    "harness.cli.output.show_studies",
    "harness.training.loop",
    "matplotlib.backends.backend_agg",
    "mlflow.tracking",
    "optuna.storages",
    "pyarrow.parquet",
    "safetensors.numpy",
)


@dataclass(frozen=True)
class Event:
    """One event of a study, ``seconds`` after its start."""

    seconds: float
    phase: str
    target: str
    kind: str
    name: str


@dataclass(frozen=True)
class Ended:
    """How a study's process ended: exit code (negative: signal), what it printed, and what it did."""

    code: int
    said: str
    events: list[Event] = field(default_factory=list)
    acted: bool = False


OnEvent = Callable[[int, list[Event]], bool]
"""Called with the process group and all events so far, the newest last; True when it has done what it wanted."""


def preload() -> None:
    """Import what a study needs, once, before anything is forked."""
    for name in _HEAVY:
        importlib.import_module(name)


class Study:
    """A folder in which the soak's study runs, from an empty start to its report."""

    def __init__(self, folder: Path, *, workers: int = 1, options: Sequence[str] = (), pdf: bool = False) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self._options = list(options)
        self._workers = workers
        self._pdf = pdf

    def start(self, death: Death | None = None, before: Callable[[], None] | None = None) -> Running:
        """Start ``harness run-study`` in a new process group; ``before`` runs in it first."""
        arguments = ["run-study", str(STUDY), "--data-root", "data", "--cache", "cache", "--reports", "reports"]
        arguments += ["--device", "cpu", "--workers", str(self._workers), *self._options]
        return Running(self.folder, arguments, death, self._pdf, before)

    def command(self, *arguments: str) -> Ended:
        """Run another command of the harness in the study's folder."""
        return Running(self.folder, list(arguments), None, self._pdf, None).wait()

    def run(self, death: Death | None = None, on_event: OnEvent | None = None) -> Ended:
        """Start it and wait for its end."""
        return self.start(death).wait(on_event)

    def run_until(self, death: Death, delay: float) -> Ended:
        """Run it, and kill its group from outside ``delay`` seconds after the event at which ``death`` stands."""
        left = death.count

        def on_event(group: int, events: list[Event]) -> bool:
            nonlocal left
            left -= death.matches(events[-1].phase, events[-1].target)
            if left:
                return False
            time.sleep(delay)
            os.killpg(group, signal.SIGKILL)
            return True

        return self.run(on_event=on_event)


class Running:
    """A study's process; its id is that of its group."""

    def __init__(
        self, folder: Path, arguments: list[str], death: Death | None, pdf: bool, before: Callable[[], None] | None
    ) -> None:
        self._log = folder / "log.txt"
        self._from = self._log.stat().st_size if self._log.exists() else 0
        self._events, tell = os.pipe()
        self._began = time.monotonic()
        sys.stdout.flush()
        sys.stderr.flush()
        self.group = os.fork()
        if self.group == 0:
            os.close(self._events)
            _be_the_study(folder, self._log, arguments, tell, death, pdf, before)
        os.close(tell)

    def wait(self, on_event: OnEvent | None = None, longest: float = _LONGEST) -> Ended:
        """Read events until the process ends. A process that takes longer than ``longest`` seconds is killed."""
        events: list[Event] = []
        acted, rest = False, b""
        with selectors.DefaultSelector() as selector:
            selector.register(self._events, selectors.EVENT_READ)
            while True:
                if not selector.select(max(0.0, longest - (time.monotonic() - self._began))):
                    os.killpg(self.group, signal.SIGKILL)
                    longest += 60
                    continue
                chunk = os.read(self._events, 1 << 16)
                if not chunk:
                    break
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    phase, target, kind, name = line.decode(errors="replace").split(" ", 3)
                    events.append(Event(time.monotonic() - self._began, phase, target, kind, name))
                    if on_event is not None and not acted:
                        acted = on_event(self.group, events)
        os.close(self._events)
        _, status = os.waitpid(self.group, 0)
        with self._log.open("rb") as log:
            log.seek(self._from)
            said = log.read().decode(errors="replace")
        return Ended(os.waitstatus_to_exitcode(status), said, events, acted)


def _be_the_study(
    folder: Path,
    log: Path,
    arguments: list[str],
    tell: int,
    death: Death | None,
    pdf: bool,
    before: Callable[[], None] | None,
) -> None:
    """Turn this forked process into the study; never returns."""
    code = 1
    try:
        os.setsid()
        # Whoever runs the soak in the background may have had it ignore Ctrl-C.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.chdir(folder)
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for stream in (1, 2):
            os.dup2(output, stream)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.argv = ["harness", *arguments]
        if not pdf:
            # LaTeX takes longer than all the rest.
            os.environ["PATH"] = ""
        if before is not None:
            before()
        Watch(folder, tell, death).install()
        import harness.cli

        harness.cli.main()
        code = 0
    except SystemExit as exit_:
        code = exit_.code if isinstance(exit_.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
