"""Nothing calls out: no command of the harness, and no library below it, connects to another machine or looks one up.

Python's audit hook hears of every connection and look-up of a process, and of those that it starts. What C libraries do
by themselves it does not hear; that was looked at with ``strace -f -e trace=connect,sendto``, which showed none.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import pytest
import soundfile

from harness.cli import cli

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
ANSWERS = "clip,y_true,y_pred,fold\na,1,1,1\nb,2,1,1\nc,1,1,2\nd,2,2,2\n"
CLIPS = "file,label,fold,recording\na.wav,x,1,a\nb.wav,y,1,b\nc.wav,x,2,c\nd.wav,y,2,d\ne.wav,x,3,e\nf.wav,y,3,f\n"
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
    ("export", "reports/quiet", "--output", "exported"),
    ("predict", "exported", "sound.wav"),
    ("predict", "reports/quiet", "sound.wav"),
    ("diff", "RUN", "RUN"),
    ("compare", "--predictions", "first.csv", "second.csv"),
    ("claims", "check", str(ROOT / "tests" / "claims" / "example.toml")),
    ("claims", "show", "su2019"),
    ("new", "study", "mine"),
    ("list", "networks"),
    ("schema", "study"),
    ("features", "show", "sound.wav", "--output", "sound.png"),
    ("data", "synth", "--data-root", "synth"),
    ("data", "check", "synthetic", "--data-root", "synth", "--workers", "1"),
    ("data", "duplicates", "synth", "--workers", "1"),
    ("splits", "check", "--metadata", "clips.csv", "--split", "official"),
    ("slurm", "study.toml", "--time", "1:00:00", "--output", "job.sh"),
)
ELSEWHERE = {"data fetch", "ui"}
"""Commands that are no part of the list: one is there to call out, the other is started as a server below."""
# One process for all of them: importing torch and MLflow takes longer than what they do.
SCRIPT = f"""
import json, os, sys, urllib.request
from harness.cli import cli
from harness.tracking.study_reader import list_studies
for command in {COMMANDS!r}:
    code = 0
    run = list_studies("sqlite:///mlruns/mlflow.db")[0].run_id if "RUN" in command else ""
    try:
        cli([word.replace("RUN", run) for word in command], prog_name="harness")
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


def _names(command: click.Command, context: click.Context, *before: str) -> Iterator[str]:
    """Yield the name of every command below ``command``."""
    if not isinstance(command, click.Group):
        yield " ".join(before)
        return
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        assert below is not None
        yield from _names(below, context, *before, name)


def test_every_command_is_listened_to() -> None:
    names = set(_names(cli, click.Context(cli)))
    assert names - ELSEWHERE <= {" ".join(command[:count]) for command in COMMANDS for count in (1, 2)}
    assert names >= ELSEWHERE


@pytest.mark.slow
def test_no_command_calls_out(tmp_path: Path) -> None:
    for name, content in (
        ("study.toml", STUDY),
        ("scores.csv", SCORES),
        ("first.csv", ANSWERS),
        ("second.csv", ANSWERS),
        ("clips.csv", CLIPS),
    ):
        (tmp_path / name).write_text(content, encoding="utf-8")
    soundfile.write(tmp_path / "sound.wav", np.random.default_rng(0).normal(0, 0.1, 44100), 44100)
    ended, calls = listened(tmp_path, SCRIPT)
    said = ended.stdout + ended.stderr
    assert ended.returncode == 0, said
    codes = {line.split(" ", 2)[2]: line.split()[1] for line in said.splitlines() if line.startswith("ENDED")}
    assert codes == {" ".join(command): "0" for command in COMMANDS}, said
    assert "UI 200" in said
    assert calls == []
