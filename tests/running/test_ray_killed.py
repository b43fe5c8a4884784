"""A study on Ray whose driver is killed: nothing is left of a cluster of its own, a given one stays, and the same
command then gives what an undisturbed run gives."""

from __future__ import annotations

import signal
import socket
import tomllib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

import pandas as pd
import psutil
import pytest

from harness.study.study_file import parse_study
from harness.tracking.study_reader import read_study
from tests.ray_cluster import add_node, local_cluster
from tests.running.study import run, same
from tests.servers import runs_of
from tests.two_machines import STUDY, TRAININGS, Machine

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, synthetic_shared: Path) -> pd.DataFrame:
    """Return the predictions of a study that runs alone, without Ray."""
    folder = tmp_path_factory.mktemp("alone")
    return run(parse_study(tomllib.loads(STUDY), "tiny.toml"), folder, synthetic_shared)[0].record.predictions


def until(reached: Callable[[], bool], seconds: float = 30) -> None:
    deadline = monotonic() + seconds
    while not reached():
        assert monotonic() < deadline
        sleep(0.1)


def is_gone(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def goes_on(machine: Machine, undisturbed: pd.DataFrame) -> None:
    """Run the same command, and compare what is recorded with an undisturbed run."""
    with machine.running() as driver:
        assert driver.wait(240) == 0, machine.said
    assert machine.trained == TRAININGS
    store = f"sqlite:///{machine.folder}/mlruns/mlflow.db"
    finished = Counter(
        found.data.tags["task_key"]
        for found in runs_of(store, "tiny")
        if found.data.tags["level"] == "fold" and found.info.status == "FINISHED"
    )
    assert set(finished.values()) == {1}
    assert len(finished) == TRAININGS
    same(read_study(store, "tiny").predictions, undisturbed)


def test_a_cluster_of_its_own_ends_with_a_killed_study(
    tmp_path: Path, synthetic_shared: Path, undisturbed: pd.DataFrame
) -> None:
    machine = Machine(tmp_path / "own", synthetic_shared, "--executor", "ray")
    with machine.running(pauses=(3,)) as driver:
        machine.until_paused(driver, 3)
        started = psutil.Process(driver.pid).children(recursive=True)
        (folder,) = {Path(each.cmdline()[-1]) for each in started if "cleaner.py" in " ".join(each.cmdline())}
        # Ray's two agents, which it does not end itself, are among them.
        assert {"ray::DashboardA", "ray::RuntimeEnv"} <= {each.name()[:15] for each in started}
        ports = {each.laddr.port for one in started for each in one.net_connections() if each.status == "LISTEN"}
        assert folder.is_dir()
        assert ports
        driver.send_signal(signal.SIGKILL)
        driver.wait()
    until(lambda: all(map(is_gone, started)) and not folder.exists())
    for port in ports:
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0
    goes_on(machine, undisturbed)


def test_a_given_cluster_outlives_a_killed_study(
    tmp_path: Path, synthetic_shared: Path, undisturbed: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with local_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        for _ in range(2):
            add_node(cluster)
        machine = Machine(tmp_path / "given", synthetic_shared, "--executor", "ray", "--address", cluster.address)
        with machine.running(pauses=(3,)) as driver:
            machine.until_paused(driver, 3)
            assert trainers()
            driver.send_signal(signal.SIGKILL)
            driver.wait()
        # Ray ends the actors of a driver that is gone.
        until(lambda: not trainers(), 60)
        goes_on(machine, undisturbed)
        assert not trainers()


def trainers() -> list[psutil.Process]:
    """Return the processes that train on the nodes of a cluster of this process."""
    return [
        each
        for each in psutil.Process().children(recursive=True)
        if not is_gone(each) and each.name().startswith("ray::Trainer")
    ]
