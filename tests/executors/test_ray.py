"""Trainings on a real Ray cluster of several nodes of this machine, nodes of which die and are refused."""

from __future__ import annotations

import dataclasses
import logging
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from harness.errors import TrainingError
from harness.executors.events import Epoch, Event, Executor, Failed, Finished, Started
from harness.executors.local import InProcessExecutor
from harness.executors.queue import run_all
from harness.executors.ray import cluster as cluster_module
from harness.executors.ray import executor as executor_module
from harness.executors.ray.cluster import ray_library
from harness.executors.ray.cluster_conditions import conditions, difference
from harness.executors.ray.executor import ray_executor
from harness.own_code import find_code
from harness.training.task import FoldResult, FoldTask
from tests.ray_cluster import ROOT, Complete, Killing, add_node, local_cluster
from tests.toys import N_CLASSES, Watched, settings_of, task_of, third_of_a_gpu, write_segments

LABELS = np.arange(24, dtype=np.int64) % N_CLASSES


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with local_cluster(tmp_path_factory.mktemp("cluster")) as made:
        yield made


@pytest.fixture
def tasks(tmp_path: Path) -> list[FoldTask]:
    """Return tasks whose features are found only by a process that works in their folder."""
    features = write_segments(tmp_path, LABELS)
    near = dataclasses.replace(features, files=tuple(Path(file).name for file in features.files))
    return [task_of(near, LABELS, fold=fold, seed=fold, settings=settings_of(epochs=30)) for fold in range(1, 7)]


def results(executor: Executor, tasks: list[FoldTask]) -> dict[str, FoldResult]:
    events: list[Event] = []
    run_all(executor, tasks, events.append)
    assert not [event.error for event in events if isinstance(event, Failed)]
    for task in tasks:
        mine = [event for event in events if event.task.key == task.key]
        # Each step once, whatever had to be repeated.
        assert isinstance(mine[0], Started)
        assert isinstance(mine[-1], Finished)
        assert [event.row["epoch"] for event in mine[1:-1] if isinstance(event, Epoch)] == list(range(1, 31))
    return {event.task.key: event.result for event in events if isinstance(event, Finished)}


def same(first: FoldResult, second: FoldResult) -> None:
    assert first.predictions.equals(second.predictions)
    assert first.history.equals(second.history)
    assert first.weights.keys() == second.weights.keys()
    assert all(np.array_equal(value, second.weights[name]) for name, value in first.weights.items())


@pytest.mark.slow
def test_a_node_that_dies_changes_no_result_and_another_version_is_refused(
    cluster: Any,
    tasks: list[FoldTask],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # One node has other sources of the harness.
    shutil.copytree(ROOT / "harness", tmp_path / "other" / "harness")
    with (tmp_path / "other" / "harness" / "errors.py").open("a") as file:
        file.write("# another version\n")
    nodes = [add_node(cluster) for _ in range(3)]
    add_node(cluster, tmp_path / "other")
    monkeypatch.chdir(tmp_path)
    alone = results(InProcessExecutor(), tasks)
    with caplog.at_level(logging.WARNING), Killing(cluster, nodes, tmp_path / "cache", 5) as executor:
        assert executor.capacity == 4
        together = results(executor, tasks)
    assert executor.killed
    assert together.keys() == alone.keys()
    for key, result in together.items():
        same(result, alone[key])
    refused = [record.message for record in caplog.records if "is not used" in record.message]
    assert refused
    assert "it has harness" in refused[0]
    assert "here" in refused[0]
    # Features went through the object store, once, as nothing else has that folder.
    assert len(list((tmp_path / "cache" / "received").rglob("*.npy"))) == len(tasks[0].features.files)


@pytest.mark.slow
def test_trainings_share_gpus_as_far_as_measured_memory_allows(
    cluster: Any, tasks: list[FoldTask], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = add_node(cluster, cores=9, gpus=2)
    monkeypatch.chdir(tmp_path)
    alone = results(InProcessExecutor(), tasks)
    executor = Complete(["cuda"], cluster.address, 8, 1, tmp_path / "cache")
    # The node has GPUs only by name.
    executor._device, executor._measure, executor._packing = "cpu", third_of_a_gpu, (watched := Watched())
    with executor:
        assert executor.capacity == 8
        together = results(executor, [*tasks, *(dataclasses.replace(task, seed_index=1) for task in tasks)])
    cluster.remove_node(node)
    assert len(set(watched.gpus)) == 2
    # Four each were asked for, and three fit.
    assert max(watched.numbers) == 3
    assert watched.numbers[0] == 1
    for key, result in alone.items():
        same(result, together[key])


def test_a_cluster_of_its_own_sees_only_the_gpus_that_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def seen(gpus: list[str]) -> str | None:
        with cluster_module._visible(gpus):
            return os.environ.get("CUDA_VISIBLE_DEVICES")

    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert seen(["cuda"]) == "0"
    assert seen(["cuda:1", "cuda:3"]) == "1,3"
    assert seen([]) is None
    assert "CUDA_VISIBLE_DEVICES" not in os.environ
    # A scheduler has given GPUs to this process, whose first is cuda:0.
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,7")
    assert seen(["cuda:0", "cuda:2"]) == "4,7"
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "4,5,7"


@pytest.mark.slow
def test_a_node_without_the_user_s_own_code_is_refused_by_name(
    cluster: Any, tasks: list[FoldTask], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = add_node(cluster)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mynet.py").write_text("def build(shape, classes): ...\n")
    own = find_code({"mynet:build": "arm 'toy': model"}, tmp_path)
    (tmp_path / "mynet.py").unlink()
    guests = [dataclasses.replace(task, code=own) for task in tasks]
    why = r"no node can train: node .*mynet\.py is missing there; copy the study's folder"
    executor = ray_executor(["cpu"], address=cluster.address, workers=None, threads=1, cache=tmp_path)
    with executor, pytest.raises(TrainingError, match=why):
        run_all(executor, guests, lambda _: None)
    cluster.remove_node(node)


@pytest.mark.slow
def test_a_cluster_without_room_is_said_after_some_time(
    cluster: Any, tasks: list[FoldTask], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor_module, "_PATIENCE", 1.0)
    # More cores than any node has.
    executor = ray_executor(["cpu"], address=cluster.address, workers=None, threads=64, cache=None)
    with executor, pytest.raises(TrainingError, match=r"the cluster has no node with room for a training"):
        run_all(executor, tasks, lambda _: None)


@pytest.mark.slow
def test_another_token_is_not_accepted(cluster: Any) -> None:
    script = (
        "from harness.executors.ray.executor import ray_executor\n"
        f"with ray_executor(['cpu'], address={cluster.address!r}, workers=None, threads=1, cache=None): print('joined')"
    )
    environment = {name: value for name, value in os.environ.items() if name != "RAY_AUTH_TOKEN_PATH"}
    environment |= {"RAY_AUTH_TOKEN": "f" * 64, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=200, check=False)
    assert "joined" not in done.stdout
    assert "no Ray cluster that accepts this token" in done.stderr


def test_ray_that_was_imported_without_a_token_is_refused() -> None:
    script = (
        "import ray\n"
        "from harness.executors.ray.executor import ray_executor\n"
        "ray_executor(['cpu'], address=None, workers=None, threads=1, cache=None)\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    command = [sys.executable, "-c", script]
    environment["PYTHONPATH"] = str(ROOT)
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=200, check=False)
    assert "TrainingError: --executor ray: this process imported Ray before RAY_AUTH_MODE and" in done.stderr


def test_versions_that_differ_are_named() -> None:
    own = conditions()
    assert difference(own, own) == ""
    assert (
        difference({**own, "torch": "1.0"}, own)
        == f"it has torch 1.0, here {own['torch']}: install the same versions there"
    )
    assert "numpy unknown, here" in difference({name: own[name] for name in own if name != "numpy"}, own)


def test_an_address_is_always_explicit(monkeypatch: pytest.MonkeyPatch) -> None:
    for address in ("auto", "ray://127.0.0.1:10001", "127.0.0.1", "local", ""):
        with pytest.raises(TrainingError, match=r"expected HOST:PORT"):
            ray_executor(["cpu"], address=address, workers=None, threads=1, cache=None)
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.9:6379")
    ray_library()
    assert "RAY_ADDRESS" not in os.environ


def test_a_cluster_without_a_token_is_not_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    monkeypatch.delenv("RAY_AUTH_TOKEN_PATH", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    executor = ray_executor(["cpu"], address="127.0.0.1:6379", workers=None, threads=1, cache=None)
    with pytest.raises(TrainingError, match=r"there is no token for the cluster"):
        executor.__enter__()


def test_an_address_at_which_nothing_answers_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "0123456789abcdef" * 4)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    for address in (f"127.0.0.1:{port}", "127.0.0.1:99999"):
        executor = ray_executor(["cpu"], address=address, workers=None, threads=1, cache=None)
        with pytest.raises(TrainingError, match=rf"--address {address}: nothing answers there"):
            executor.__enter__()


@pytest.mark.slow
def test_a_cluster_of_its_own_listens_on_loopback_and_leaves_nothing(tmp_path: Path) -> None:
    script = tmp_path / "own.py"
    script.write_text(
        "import psutil\n"
        "from harness.executors.ray.executor import ray_executor\n"
        "if __name__ == '__main__':\n"
        "    with ray_executor(['cpu'] * 2, address=None, workers=None, threads=1, cache=None) as executor:\n"
        "        assert executor.capacity == 2\n"
        "        mine = [psutil.Process(), *psutil.Process().children(recursive=True)]\n"
        "        found = {each.laddr.ip for one in mine for each in one.net_connections() if each.status == 'LISTEN'}\n"
        "        print('listens', *sorted(found))\n"
        "        print('folder', executor._cluster.folder)\n"
        "        files = executor._cluster.folder.rglob('*')\n"
        "        print('longest', max(len(str(file)) for file in files if file.is_socket()))\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    environment |= {"PYTHONPATH": str(ROOT), "RAY_ADDRESS": "192.0.2.1:6379", "HOME": str(tmp_path)}
    # The names of sockets stay short all the same.
    (tmp_path / ("x" * 100)).mkdir()
    environment["TMPDIR"] = str(tmp_path / ("x" * 100))
    command = [sys.executable, str(script)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    said = dict(
        line.split(" ", 1) for line in done.stdout.splitlines() if line.startswith(("listens", "folder", "longest"))
    )
    assert said["listens"]
    assert {address.removeprefix("::ffff:") for address in said["listens"].split()} <= {"127.0.0.1", "::1"}
    assert int(said["longest"]) <= 107
    assert not Path(said["folder"]).exists()
    assert not [
        each for each in psutil.process_iter(["cmdline"]) if said["folder"] in " ".join(each.info["cmdline"] or ())
    ]
