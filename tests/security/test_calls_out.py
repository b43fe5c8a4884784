"""Nothing calls out: no command of the harness, and no library below it, connects to another machine or looks one up.

Python's audit hook hears of every connection and look-up of a process, and of those that it starts. What C libraries do
by themselves it does not hear; that was looked at with ``strace -f -e trace=connect,sendto``, which showed none.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LISTENING = Path(__file__).with_name("listening")
STUDY = """
[study]
name = "quiet"
[data]
dataset = "synthetic"
folds = [1, 2, 3]
synthetic = { clips_per_class_and_fold = 1 }
[train]
epochs = 1
batch_size = 32
threads = 1
[[arms]]
name = "A"
model = "su8"
features = "LM"
[search]
trials = 1
[search.space]
"train.lr" = { low = 1e-3, high = 2e-3 }
[evaluate]
folds = [1]
[[compare]]
claim = "su2019:T2/TSCNN-DS"
arm = "A"
"""
SCORES = "fold,accuracy\n1,0.5\n2,0.6\n3,0.55\n"
DATA = ("--data-root", "data", "--cache", "cache")
COMMANDS = (
    ("run-study", "study.toml", *DATA, "--workers", "1"),
    ("plan", "study.toml", "--data-root", "data"),
    ("report", "quiet"),
    ("report", "reports/quiet"),
    ("replay", "reports/quiet", *DATA, "--workers", "1"),
    ("overview", str(ROOT / "reports" / "protocols-esc10"), "--output", "overview"),
    ("compare", "--scores", "scores.csv", "--claim", "su2019:T2/TSCNN-DS"),
    ("claims", "list"),
    ("claims", "audit", "su2019", "--output", "audit"),
    ("claims", "audit", "--output", "audits"),
    ("claims", "site", "--output", "site"),
    ("data", "list", "--data-root", "data"),
    ("cache", "--cache", "cache"),
    ("fields",),
    ("sync",),
)
# One process for all of them: importing torch and MLflow takes longer than what they do.
SCRIPT = f"""
import json, os, sys, urllib.request
from harness.cli import cli
for command in {COMMANDS!r}:
    code = 0
    try:
        cli(list(command), prog_name="harness")
    except SystemExit as end:
        code = end.code or 0
    print("ENDED", code, *command, flush=True)
from harness.tracking.ui import ui_server
from tests.servers import free_port
with ui_server("sqlite:///mlruns/mlflow.db", port=free_port()) as (_, url):
    print("UI", urllib.request.urlopen(url + "/health").status, flush=True)
"""


def listened(folder: Path, script: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run ``script`` in ``folder``, in a process that is listened to; return it, and what it would have called."""
    calls = folder / "calls.txt"
    # Not the environment of pytest, in which MLflow would keep quiet by itself, and no LaTeX, which takes long.
    programs = folder / "bin"
    programs.mkdir()
    if git := shutil.which("git"):
        (programs / "git").symlink_to(git)
    environment = {
        "PATH": str(programs),
        "HOME": str(folder),
        "PYTHONPATH": os.pathsep.join(map(str, (LISTENING, ROOT))),
        "HARNESS_TEST_CALLS": str(calls),
        "OMP_NUM_THREADS": "1",
    }
    ended = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    lines = calls.read_text(encoding="utf-8").splitlines()
    assert lines.pop(0) == "listening"
    return ended, [line for line in lines if line != "listening"]


CALLS = {
    "connect": "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)",
    "urllib": "import urllib.request; urllib.request.urlopen('http://urllib.example/')",
    "requests": "import requests; requests.get('https://requests.example/')",
    "datagram": "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.2', 53))",
}


def test_a_call_is_heard_and_does_not_leave(tmp_path: Path) -> None:
    script = f"""
import subprocess, sys
for call in {list(CALLS.values())!r}:
    try:
        exec(call)
    except OSError:
        continue
    print("LEFT", call)
subprocess.run([sys.executable, "-c", "import socket; socket.getaddrinfo('child.example', 1)"])
"""
    ended, calls = listened(tmp_path, script)
    assert "LEFT" not in ended.stdout
    hosts = ["192.0.2.1", "urllib.example", "requests.example", "192.0.2.2", "child.example"]
    assert [call.split()[1] for call in calls] == hosts


@pytest.mark.slow
def test_no_command_calls_out(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(STUDY, encoding="utf-8")
    (tmp_path / "scores.csv").write_text(SCORES, encoding="utf-8")
    ended, calls = listened(tmp_path, SCRIPT)
    said = ended.stdout + ended.stderr
    assert ended.returncode == 0, said
    codes = {line.split(" ", 2)[2]: line.split()[1] for line in said.splitlines() if line.startswith("ENDED")}
    assert codes == {" ".join(command): "0" for command in COMMANDS}, said
    assert "UI 200" in said
    assert calls == []
