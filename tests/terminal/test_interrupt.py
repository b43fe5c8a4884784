"""Ctrl-C, SIGTERM and SIGHUP in every phase of a study: what is saved and how to go on, exit code 128 and the signal's
number; a second ends at once."""

from __future__ import annotations

import json
import os
import pty
import shlex
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest
from click.testing import CliRunner

from harness.cli import cli
from harness.terminal.interrupt import Interrupted, Saved, second_ends_at_once
from harness.tracking.study_reader import list_studies, read_study
from tests.workers import workers_of

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
trials = 1
[search.space]
"train.lr" = { low = 0.0003, high = 0.003, log = true }
[evaluate]
folds = [1]
[tracking]
system_metrics = false
"""


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """Make Ctrl-C and SIGHUP what they are at a terminal: tests that run in the background inherit ignored ones, and
    after a SIGHUP it stays ignored."""
    interrupt = signal.signal(signal.SIGINT, signal.default_int_handler)
    hangup = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGHUP, hangup)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for the audio, which all tests may share."""
    return tmp_path_factory.mktemp("data")


def arguments(folder: Path, data: Path, workers: int) -> list[str]:
    (folder / "tiny.toml").write_text(STUDY)
    places = {
        "--data-root": data,
        "--cache": data / "cache",
        "--reports": folder / "reports",
        "--tracking-uri": f"sqlite:///{folder}/mlruns/mlflow.db",
    }
    given = ["run-study", str(folder / "tiny.toml"), "--device", "cpu", "--workers", str(workers), "--report", "data"]
    return given + [str(each) for pair in places.items() for each in pair]


PHASES = {
    "features": ("harness.features.cache.feature_store.FeatureStore.build", "computed features are kept in"),
    "search": (
        "harness.tracking.study_recorder.StudyRecorder.finish_trial",
        "1 finished trainings are recorded in sqlite:///",
    ),
    "final": ("harness.running.arm_chains.StudyArms._finish", "2 finished trainings are recorded in sqlite:///"),
    "report": ("harness.running.reports.write_report", "all trainings are recorded in sqlite:///"),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("phase", "workers", "number"),
    [
        ("features", 1, signal.SIGINT),
        ("search", 2, signal.SIGTERM),
        ("final", 1, signal.SIGHUP),
        ("report", 1, signal.SIGINT),
    ],
)
def test_an_interrupted_phase_says_what_is_saved_and_goes_on(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch, phase: str, workers: int, number: signal.Signals
) -> None:
    place, saved = PHASES[phase]

    def interrupted(*_: Any, **__: Any) -> None:
        signal.raise_signal(number)

    given = arguments(tmp_path, data, workers)
    with monkeypatch.context() as patch:
        patch.setattr(place, interrupted)
        patch.setattr(sys, "argv", ["harness", *given])
        result = CliRunner().invoke(cli, given)
    assert result.exit_code == 128 + number, result.output
    told = result.output.splitlines()[-1]
    assert told.startswith(f"interrupted: {saved}")
    assert told.endswith(f"; resume with: {shlex.join(['harness', *given])}")
    uri = f"sqlite:///{tmp_path}/mlruns/mlflow.db"
    if phase != "features":
        (summary,) = list_studies(uri)
        assert summary.status == ("FINISHED" if phase == "report" else "KILLED")
        assert "RUNNING" not in summary.folds
    if phase in ("search", "report"):
        again = CliRunner().invoke(cli, arguments(tmp_path, data, 1))
        assert again.exit_code == 0, again.output
        record = read_study(uri, "tiny")
        assert record.folds["status"].tolist() == ["FINISHED", "FINISHED"]
        assert json.loads((tmp_path / "reports" / "tiny" / "results.json").read_text())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "send"),
    [(signal.SIGINT, os.killpg), (signal.SIGTERM, os.kill), (signal.SIGTERM, os.killpg), (signal.SIGHUP, os.killpg)],
    ids=["Ctrl-C", "kill", "batch system", "closed terminal"],
)
def test_a_signal_ends_study_and_workers_and_leaves_nothing_running(
    tmp_path: Path, data: Path, number: signal.Signals, send: Callable[[int, int], None]
) -> None:
    # In the midst of training with two workers; a terminal or a batch system sends it to the whole group.
    listen = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    script = f"{listen}\nfrom harness.cli import cli\ncli()"
    long = [*arguments(tmp_path, data, 2), "--set", "train.epochs=2000"]
    with subprocess.Popen(
        [sys.executable, "-c", script, *long], stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        store = tmp_path / "mlruns" / "artifacts"
        deadline = time.monotonic() + 120
        # At the very moment in which a worker appears.
        while not list(store.rglob("study.json")) or not workers_of(psutil.Process(process.pid)):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        workers = psutil.Process(process.pid).children(recursive=True)
        send(process.pid, number)
        _, error = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert "stopping; press Ctrl-C again to exit immediately" in error
    assert "interrupted: 0 finished trainings are recorded in" in error
    assert "Traceback" not in error
    # They end when they find that the parent is gone, which takes a moment.
    _, left = psutil.wait_procs(workers, timeout=10)
    assert not [each for each in left if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
    assert set(statuses(tmp_path)) == {"KILLED"}


def statuses(folder: Path) -> list[str]:
    """Return the status of every run of the store: study, trials and folds."""
    with closing(sqlite3.connect(folder / "mlruns" / "mlflow.db")) as database:
        return [status for (status,) in database.execute("SELECT status FROM runs")]


@pytest.mark.slow
def test_a_signal_while_the_study_run_is_opened_leaves_nothing_running(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.tracking.study_recorder.begin_session", lambda *_: signal.raise_signal(signal.SIGTERM))
    assert CliRunner().invoke(cli, arguments(tmp_path, data, 1)).exit_code == 143
    assert statuses(tmp_path) == ["KILLED"]


def test_what_nohup_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with second_ends_at_once():
            signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.slow
def test_a_terminal_that_is_gone_does_not_disturb_the_end() -> None:
    # The far end of a pseudo-terminal is closed: what is written to it fails from then on. The shell and the kernel may
    # each send SIGHUP.
    script = """
import signal, sys, time
from harness.terminal.interrupt import second_ends_at_once
try:
    with second_ends_at_once():
        print("ready", flush=True)
        time.sleep(60)
except KeyboardInterrupt as stopped:
    print("a line that nobody reads", flush=True)
    signal.raise_signal(signal.SIGHUP)
    sys.exit(stopped.exit_code)
"""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as process:
        os.close(theirs)
        # The line's end may come apart from it, and a terminal that is gone before it fails the print.
        seen = b""
        while not seen.endswith(b"\n"):
            seen += os.read(ours, 10)
        assert seen == b"ready\r\n"
        os.close(ours)
        process.send_signal(signal.SIGHUP)
        assert process.wait(10) == 129


@pytest.mark.slow
def test_a_second_ctrl_c_ends_at_once_with_the_workers() -> None:
    script = """
import multiprocessing, signal, sys, time
from harness.terminal.interrupt import second_ends_at_once
def deaf():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(60)
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with second_ends_at_once():
        worker = multiprocessing.get_context("fork").Process(target=deaf)
        worker.start()
        try:
            print(worker.pid, flush=True)
            time.sleep(60)
        except KeyboardInterrupt:
            print("closing", flush=True)
            time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        worker = int(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "closing\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
    # The system takes a moment to bury it.
    psutil.wait_procs([psutil.Process(worker)] if psutil.pid_exists(worker) else [], 10)
    assert not psutil.pid_exists(worker) or psutil.Process(worker).status() == psutil.STATUS_ZOMBIE


def test_the_handler_is_put_back() -> None:
    with second_ends_at_once():
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def interrupted(command: str) -> None:
    with Saved(command, lambda: "early") as saved:
        saved.what = lambda: "late"
        raise KeyboardInterrupt


def test_what_is_saved_is_asked_when_it_is_needed() -> None:
    with pytest.raises(Interrupted, match=r"^late; resume with: harness run-study x.toml$"):
        interrupted("harness run-study x.toml")
    with pytest.raises(Interrupted, match=r"^late; run the same command to resume$"):
        interrupted("")
    with pytest.raises(ValueError, match="other"), Saved("", lambda: "never"):
        raise ValueError("other")
