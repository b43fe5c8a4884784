"""Locks between processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.system.locks import locked


@contextmanager
def another_process(file: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock on ``file`` until its standard input ends."""
    script = (
        "import sys; from pathlib import Path; from harness.system.locks import locked\n"
        "with locked(Path(sys.argv[1]), temporary=True): print('locked', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        yield process


def test_a_second_process_learns_who_holds_the_lock_and_waits(tmp_path: Path) -> None:
    file, told = tmp_path / "new" / "lock", []
    with another_process(file) as other:

        def wait(holder: str) -> None:
            told.append(holder)
            assert other.stdin is not None
            other.stdin.close()

        with locked(file, waiting=wait):
            assert told == [f" (PID {other.pid})"]
            assert other.wait(30) == 0
            assert file.read_text() == str(os.getpid())
    with locked(file, waiting=told.append):
        assert len(told) == 1


def test_waiting_ends(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    with another_process(file):
        for seconds in (0, 0.1):
            with pytest.raises(TimeoutError), locked(file, seconds=seconds):
                pass


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    with another_process(file) as other:
        other.kill()
        other.wait(30)
        with locked(file, seconds=10, temporary=True):
            pass
    assert not file.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
def test_a_lock_file_belongs_to_this_account_and_to_the_group_of_a_shared_folder(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o2770)
    for folder, mode in ((tmp_path, 0o600), (shared, 0o660)):
        with locked(folder / "lock"):
            assert (folder / "lock").stat().st_mode & 0o777 == mode
    with locked(tmp_path / "open", mode=0o644):
        assert (tmp_path / "open").stat().st_mode & 0o777 == 0o644


def test_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("mine")
    (tmp_path / "lock").symlink_to(tmp_path / "victim")
    with pytest.raises(OSError, match="lock"), locked(tmp_path / "lock"):
        pass
    assert (tmp_path / "victim").read_text() == "mine"
