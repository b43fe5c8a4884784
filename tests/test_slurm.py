"""A real SLURM of one node runs the batch file: told to stop, the study is saved, queued again, and resumes."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from harness.cli import cli
from harness.tracking.study_reader import list_studies
from tests.servers import free_port, runs_of
from tests.two_machines import STUDY, TRAININGS

pytestmark = pytest.mark.slow

_PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scontrol")


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Run a SLURM of this machine alone; return what calls one of its programs."""
    missing = [name for name in _PROGRAMS if shutil.which(name) is None]
    if missing or os.geteuid() != 0:
        pytest.skip("needs root and a SLURM (Debian: apt-get install slurmctld slurmd slurm-client munge)")
    folder = tmp_path_factory.mktemp("slurm")
    host = socket.gethostname().partition(".")[0]
    munge = folder / "munge"
    munge.mkdir(mode=0o700)
    (munge / "key").write_bytes(secrets.token_bytes(128))
    (munge / "key").chmod(0o400)
    files = {name: munge / name for name in ("socket", "pid-file", "log-file", "seed-file")}
    options = [f"--{name}={file}" for name, file in files.items()]
    settings = {
        "ClusterName": "test",
        "SlurmctldHost": f"{host}(127.0.0.1)",
        "SlurmctldPort": free_port(),
        "SlurmdPort": free_port(),
        "AuthInfo": f"socket={files['socket']}",
        "SlurmUser": "root",
        "StateSaveLocation": folder,
        "SlurmdSpoolDir": folder / "spool",
        "SlurmctldPidFile": folder / "slurmctld.pid",
        "SlurmdPidFile": folder / "slurmd.pid",
        "SlurmctldLogFile": folder / "slurmctld.log",
        "SlurmdLogFile": folder / "slurmd.log",
        # A container has neither systemd nor control groups of its own.
        "ProctrackType": "proctrack/linuxproc",
        "TaskPlugin": "task/none",
        "JobAcctGatherType": "jobacct_gather/none",
        "SchedulerParameters": "sched_interval=2",
        "NodeName": f"{host} NodeAddr=127.0.0.1 CPUs=1 State=UNKNOWN",
        "PartitionName": "main Nodes=ALL Default=YES MaxTime=INFINITE State=UP",
    }
    conf = folder / "slurm.conf"
    conf.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    environment = {**os.environ, "SLURM_CONF": str(conf)}

    def call(*command: str | Path) -> str:
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60).stdout

    try:
        call("munged", "--force", f"--key-file={munge / 'key'}", *options)
        call("slurmctld", "-f", conf)
        call("slurmd", "-f", conf)
        yield call
    finally:
        for file in (settings["SlurmdPidFile"], settings["SlurmctldPidFile"], files["pid-file"]):
            if Path(str(file)).exists():
                psutil.Process(int(Path(str(file)).read_text())).terminate()


def until(reached: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + 200
    while not reached():
        assert time.monotonic() < deadline, log.read_text() if log.exists() else "no log"
        time.sleep(0.1)


def said(log: Path) -> str:
    return log.read_text() if log.exists() else ""


@pytest.fixture
def job(tmp_path: Path, synthetic_shared: Path, slurm: Callable[..., str]) -> tuple[str, Path]:
    """Submit the study; return the number of the job, and its log."""
    (tmp_path / "tiny.toml").write_text(STUDY)
    batch, store = tmp_path / "job.sh", f"sqlite:///{tmp_path}/mlruns/mlflow.db"
    options = ["--data-root", f"{synthetic_shared}/data", "--cache", f"{synthetic_shared}/cache", "--report", "none"]
    options += ["--tracking-uri", store, "--device", "cpu", "--workers", "1", "--set", "train.epochs=3"]
    asked = ["slurm", str(tmp_path / "tiny.toml"), "--gpus-per-node", "0", "--time", "10", "--output", str(batch)]
    result = CliRunner().invoke(cli, [*asked, "--", *options])
    assert result.exit_code == 0, result.output
    # Only in a test: the program is not installed where the tests' python is.
    program = "from harness.cli import main; main()"
    batch.write_text(
        batch.read_text().replace(f"{Path(sys.executable).parent}/harness", f"{sys.executable} -c '{program}'")
    )
    number = slurm("sbatch", "--parsable", f"--chdir={tmp_path}", batch).strip()
    return number, tmp_path / f"harness-tiny-{number}.log"


def test_a_study_that_is_told_to_stop_is_queued_again_and_resumes(
    job: tuple[str, Path], slurm: Callable[..., str], tmp_path: Path
) -> None:
    number, log = job
    until(lambda: "macro accuracy" in said(log), log)
    # What SLURM itself sends two minutes before the time is up.
    slurm("scancel", "--batch", "--signal=USR1", number)
    until(lambda: "JobState=PENDING" in slurm("scontrol", "show", "job", number), log)
    before = said(log)
    assert "finished trainings are recorded" in before
    assert before.count("seed 0: macro accuracy") < TRAININGS

    # SLURM lets a job that is queued again wait for two minutes; at once its node would not know it for another.
    time.sleep(3)
    slurm("scontrol", "update", f"JobId={number}", "StartTime=now")
    until(lambda: "JobState=COMPLETED" in slurm("scontrol", "show", "job", number), log)
    assert said(log).count("seed 0: macro accuracy") == TRAININGS
    store = f"sqlite:///{tmp_path}/mlruns/mlflow.db"
    assert [study.status for study in list_studies(store)] == ["FINISHED"]
    levels = Counter(run.data.tags["level"] for run in runs_of(store, "tiny") if run.info.status == "FINISHED")
    assert levels == {"study": 1, "trial": 3, "fold": TRAININGS}


def test_a_study_that_is_cancelled_is_saved_and_not_queued_again(
    job: tuple[str, Path], slurm: Callable[..., str], tmp_path: Path
) -> None:
    number, log = job
    until(lambda: "macro accuracy" in said(log), log)
    slurm("scancel", number)
    until(lambda: "finished trainings are recorded" in said(log), log)
    until(lambda: "JobState=CANCELLED" in slurm("scontrol", "show", "job", number), log)
    (study,) = list_studies(f"sqlite:///{tmp_path}/mlruns/mlflow.db")
    assert study.status == "KILLED"
    assert "RUNNING" not in study.folds
