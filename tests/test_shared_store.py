"""Stores of several machines: of two that start one study, the second finds it done, or goes on where the first died; a
restart of PostgreSQL and of an MLflow server loses nothing."""

from __future__ import annotations

import os
import signal
import time
import tomllib
from collections import Counter
from pathlib import Path

import optuna
import pandas as pd
import pytest

from harness.errors import InUseError
from harness.study.study_file import parse_study
from harness.system.redaction import mask_address
from harness.tracking.store import open_store
from harness.tracking.study_reader import list_studies, read_study
from harness.tracking.ui import ui_server
from harness.tracking.ui_app import token_path
from tests.databases import Postgres
from tests.running.study import run
from tests.servers import free_port, not_mirrored, runs_of
from tests.two_machines import STALE, STUDY, TRAININGS, Machine

pytestmark = pytest.mark.slow

LATER = 15.0
"""How much later than the first, in s, the second machine starts."""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, synthetic_shared: Path) -> pd.DataFrame:
    """Return the predictions of a study that runs alone."""
    folder = tmp_path_factory.mktemp("alone")
    return run(parse_study(tomllib.loads(STUDY), "tiny.toml"), folder, synthetic_shared)[0].record.predictions


@pytest.fixture
def databases(postgres: Postgres) -> tuple[str, str]:
    """Return the addresses of the stores of runs and of the search."""
    number = time.time_ns()
    return postgres.create(f"runs-{number}"), postgres.create(f"search-{number}")


@pytest.fixture
def machines(tmp_path: Path, synthetic_shared: Path, databases: tuple[str, str]) -> tuple[Machine, Machine]:
    runs, search = databases
    options = ("--tracking-uri", runs, "--set", f"search.storage={search}")
    first, second = (Machine(tmp_path / name, synthetic_shared, *options) for name in ("first", "second"))
    return first, second


def statuses(uri: str) -> dict[str, str]:
    return {f"{run.info.run_name} {run.info.run_id}": run.info.status for run in runs_of(uri, "tiny")}


def start_later(began: float) -> None:
    """Wait until the second machine starts, when the first started at ``began``."""
    time.sleep(max(0.0, began + LATER - time.monotonic()))


def check_whole(databases: tuple[str, str], undisturbed: pd.DataFrame) -> None:
    """Each training finished once, nothing is open, and the results are those of a machine that was alone."""
    runs, search = databases
    found = runs_of(runs, "tiny")
    finished = Counter(
        run.data.tags["task_key"] for run in found if run.data.tags["level"] == "fold" and run.info.status == "FINISHED"
    )
    assert set(finished.values()) == {1}
    assert len(finished) == TRAININGS
    assert "RUNNING" not in {run.info.status for run in found}
    assert [study.status for study in list_studies(runs)] == ["FINISHED"]
    (name,) = optuna.get_all_study_names(search)
    trials = optuna.load_study(study_name=name, storage=search).trials
    assert [trial.state.name for trial in trials if "folds" in trial.user_attrs] == ["COMPLETE", "COMPLETE"]
    assert "RUNNING" not in {trial.state.name for trial in trials}
    pd.testing.assert_frame_equal(read_study(runs, "tiny").predictions, undisturbed, check_exact=True)


def test_the_second_machine_waits_and_finds_everything_done(
    machines: tuple[Machine, Machine],
    databases: tuple[str, str],
    undisturbed: pd.DataFrame,
    synthetic_shared: Path,
    tmp_path: Path,
) -> None:
    first, second = machines
    began = time.monotonic()
    with first.running(pauses=(3,)) as one:
        first.until_paused(one, 3)
        start_later(began)
        before = statuses(databases[0])
        with second.running() as two:
            second.until(lambda: "waiting for it to finish" in second.said, two)
            # The first is slower than a dead one, but its heart beats.
            time.sleep(1.5 * STALE)
            assert statuses(databases[0]) == before
            spec = parse_study(tomllib.loads(STUDY), "tiny.toml")
            with pytest.raises(InUseError, match=r"on first \(PID .* run the command without --no-wait"):
                run(spec, tmp_path / "third", synthetic_shared, tracking_uri=databases[0], wait=False)
            first.go(3)
            assert one.wait(200) == 0, first.said
            assert two.wait(200) == 0, second.said
    assert "on first (PID" in second.said
    assert (first.trained, second.trained) == (TRAININGS, 0), second.said
    assert "KILLED" not in statuses(databases[0]).values()
    check_whole(databases, undisturbed)


def test_the_second_machine_goes_on_when_the_first_was_killed(
    machines: tuple[Machine, Machine], databases: tuple[str, str], undisturbed: pd.DataFrame
) -> None:
    first, second = machines
    began = time.monotonic()
    with first.running(pauses=(3,)) as one:
        first.until_paused(one, 3)
        start_later(began)
        with second.running() as two:
            second.until(lambda: "waiting for it to finish" in second.said, two)
            one.send_signal(signal.SIGKILL)
            assert two.wait(240) == 0, second.said
    assert "no heartbeat of" in second.said
    assert (first.trained, second.trained) == (2, TRAININGS - 2)
    check_whole(databases, undisturbed)
    killed = [run for run in runs_of(databases[0], "tiny") if run.info.status == "KILLED"]
    assert [run.data.tags["level"] for run in killed] == ["fold"]
    assert killed[0].data.tags["error"].startswith("interrupted")


def test_a_restart_of_both_servers_in_search_and_finals_loses_nothing(
    tmp_path: Path,
    synthetic_shared: Path,
    databases: tuple[str, str],
    postgres: Postgres,
    undisturbed: pd.DataFrame,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The server keeps its artifacts in its working folder.
    monkeypatch.chdir(tmp_path)
    runs, search = databases
    open_store(runs, create=True)
    port, token = free_port(), "restarted" * 2
    url = f"http://127.0.0.1:{port}{token_path(token)}"
    machine = Machine(tmp_path / "alone", synthetic_shared, "--tracking-uri", url, "--set", f"search.storage={search}")
    with machine.running(pauses=(3, 5)) as one:
        with ui_server(runs, port=port, token=token) as (server, _):
            # The second trial's first training of two.
            machine.until_paused(one, 3)
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()
        machine.go(3)
        postgres.restart()
        with ui_server(runs, port=port, token=token) as (server, _):
            # The first of the final trainings.
            machine.until_paused(one, 5)
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()
        postgres.restart()
        with ui_server(runs, port=port, token=token):
            machine.go(5)
            assert one.wait(240) == 0, machine.said
            (spool,) = all_spools_below(machine.folder)
            assert not_mirrored(spool, url, "tiny", tmp_path / "copies") == [], machine.said
            pd.testing.assert_frame_equal(read_study(url, "tiny").predictions, undisturbed, check_exact=True)
            (study,) = list_studies(url)
    assert machine.trained == TRAININGS
    assert study.status == "FINISHED"
    assert study.folds == {"FINISHED": TRAININGS}
    # The token is masked as a password is.
    shown = mask_address(url)
    *_, place, opened, sent = machine.said.rstrip().splitlines()
    assert place.split() == ["runs", shown, "(experiment", "tiny,", "run", f"{study.run_id})"]
    assert opened.split() == ["open", shown]
    assert sent.strip().startswith(f"server  {shown} has all runs")
    assert "spool" not in place + opened + sent


def all_spools_below(folder: Path) -> list[str]:
    """Return the tracking URIs of the spools of a machine."""
    return [f"sqlite:///{file}" for file in folder.glob("mlruns/spool/*/mlflow.db")]
