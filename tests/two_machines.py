"""``harness run-study`` as on machines of their own: other homes, working folders and system identities."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

STALE = 5.0

STUDY = """
[study]
name = "tiny"
seed = 3
[data]
dataset = "synthetic"
folds = [1, 2, 3]
synthetic = { clips_per_class_and_fold = 1 }
[train]
epochs = 1
batch_size = 16
[[arms]]
name = "A"
model = "su8"
features = "LM"
[search]
trials = 2
[search.space]
"train.lr" = { low = 0.0003, high = 0.003, log = true }
[evaluate]
folds = [1, 2]
[tracking]
system_metrics = false
"""
TRAININGS = 6

# The machine stops before it records the trainings whose numbers are given, until there is a file "go3".
_MACHINE = f"""
import sys, time
from pathlib import Path
from harness.system import lease
lease.BEAT, lease.POLL, lease.SURE, lease.STALE = 0.5, 0.3, 3.0, {STALE}
name, pauses = sys.argv.pop(1), sys.argv.pop(1)
lease._kernel = lambda: name
lease.platform.node = lambda: name
if pauses:
    from harness.tracking.fold_recorder import FoldRecorder
    finish, ended = FoldRecorder.finish_fold, []
    def finish_later(*args):
        ended.append(args)
        if str(len(ended)) in pauses.split(","):
            Path(f"paused{{len(ended)}}").touch()
            while not Path(f"go{{len(ended)}}").exists():
                time.sleep(0.05)
        finish(*args)
    FoldRecorder.finish_fold = finish_later
from harness.cli import cli
cli()
"""


class Machine:
    """A machine that runs the study.

    Parameters
    ----------
    folder
        Its working folder, which is created, with its home.
    shared
        Folder of audio and features.
    options
        Options of ``harness run-study``.
    """

    def __init__(self, folder: Path, shared: Path, *options: str) -> None:
        self.folder = folder
        (folder / "home").mkdir(parents=True)
        (folder / "tiny.toml").write_text(STUDY)
        self._options = ["--data-root", f"{shared}/data", "--cache", f"{shared}/cache", "--device", "cpu", *options]
        self._options += ["--workers", "1"]
        self._log = folder / "log.txt"

    @property
    def said(self) -> str:
        """What it has printed so far."""
        return self._log.read_text() if self._log.exists() else ""

    @contextmanager
    def running(self, *options: str, pauses: tuple[int, ...] = ()) -> Iterator[subprocess.Popen[bytes]]:
        """Run the study in the background; what is still running at the end is killed.

        It stops before it records the trainings of ``pauses``, by number from 1, until it is told to go on.
        """
        command = ["run-study", "tiny.toml", "--report", "data", *self._options, *options]
        known = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", _MACHINE, self.folder.name, ",".join(map(str, pauses)), *command],
                cwd=self.folder,
                env={**known, "HOME": str(self.folder / "home")},
                stdout=log,
                stderr=log,
            )
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def until(self, reached: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
        """Wait for ``reached`` while the process runs."""
        deadline = time.monotonic() + 240
        while not reached():
            assert process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.1)

    def until_paused(self, process: subprocess.Popen[bytes], training: int) -> None:
        """Wait until the machine has stopped before it records a training."""
        self.until((self.folder / f"paused{training}").exists, process)

    def go(self, training: int) -> None:
        """Let it go on."""
        (self.folder / f"go{training}").touch()

    @property
    def trained(self) -> int:
        """How many trainings it has made."""
        return self.said.count("seed 0: macro accuracy")
