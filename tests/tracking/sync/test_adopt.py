"""Two machines record one study of one server, in turns, at once or without it: no run twice, lost or changed back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from mlflow.tracking import MlflowClient

from harness.tracking.store import open_store
from harness.tracking.study_reader import read_study
from harness.tracking.study_recorder import StudyRecorder
from harness.tracking.sync import adopt
from harness.tracking.sync.delivery import send_waiting
from harness.tracking.sync.spool import recording_uri
from tests.servers import Proxy, runs_of

pytestmark = pytest.mark.slow


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return what goes on as another machine, with a working folder of its own."""

    def go(machine: str) -> None:
        (tmp_path / machine).mkdir(exist_ok=True)
        monkeypatch.chdir(tmp_path / machine)

    return go


def train(study: Any, recorder: StudyRecorder, folds: tuple[int, ...] = (1, 2, 3)) -> list[int]:
    """Record the folds of arm A that are not finished; return them."""
    trial = recorder.trial(study.spec.arm("A"), "final", None)
    due = [fold for fold in folds if study.task(fold=fold).digest not in recorder.finished_folds()]
    for fold in due:
        study.run_fold(recorder, trial, study.task(fold=fold))
    recorder.finish_trial(trial, dict.fromkeys(folds, 0.5), "test")
    return due


def die(recorder: StudyRecorder) -> None:
    """End as with kill -9, and be found dead."""
    recorder._courier.stop(5)  # type: ignore[union-attr]
    recorder._own_lease.release()  # type: ignore[union-attr]


def on_server(study: Any, server: str) -> dict[str, str]:
    """Return the status of every run by its name and id."""
    return {f"{run.info.run_name} {run.info.run_id}": run.info.status for run in runs_of(server, study.spec.study.name)}


def check_whole(study: Any, server: str) -> None:
    """One study, each fold finished once with the results of a machine that was alone, nothing open."""
    runs = runs_of(server, study.spec.study.name)
    assert Counter(run.data.tags["level"] for run in runs if run.info.status == "FINISHED") == {
        "study": 1, "trial": 1, "fold": 3
    }  # fmt: skip
    assert "RUNNING" not in {run.info.status for run in runs}
    record = read_study(server, study.spec.study.name)
    expected = pd.concat([study.tables(study.result(study.task(fold=fold)))["test"] for fold in (1, 2, 3)])
    found = record.predictions[expected.columns]
    pd.testing.assert_frame_equal(found, expected.reset_index(drop=True), check_exact=True)


def test_what_one_machine_began_the_other_continues_and_the_first_knows(
    remote: Any, server: str, at: Callable[[str], None]
) -> None:
    at("first")
    with remote.recording() as recorder:
        assert train(remote, recorder, folds=(1,)) == [1]
    assert send_waiting(remote.uri)[0].waiting == 0
    at("second")
    told: list[str] = []
    with remote.recording(tell=told.append) as recorder:
        assert train(remote, recorder) == [2, 3]
        assert recorder.load_result(next(iter(recorder.finished_folds().values())).run_id).segments is not None
    assert "3 runs of another machine were received from the server" in told[-1]
    assert send_waiting(remote.uri)[0].waiting == 0
    check_whole(remote, server)
    at("first")
    with remote.recording() as recorder:
        assert train(remote, recorder) == []
    assert send_waiting(remote.uri)[0].waiting == 0
    check_whole(remote, server)
    # In its own spool, too, every run is there once.
    assert sorted(on_server(remote, recording_uri(remote.uri)).values()) == ["FINISHED"] * 5
    here, there = (read_study(uri, remote.spec.study.name) for uri in (recording_uri(remote.uri), server))
    pd.testing.assert_frame_equal(here.history, there.history, check_exact=True)
    assert here.environment == there.environment
    assert here.environment["session"] == 3


def test_a_machine_that_died_and_comes_back_changes_nothing_of_what_the_other_did(
    remote: Any, proxy: Proxy, server: str, at: Callable[[str], None]
) -> None:
    at("first")
    recorder = remote.open()
    trial = recorder.trial(remote.spec.arm("A"), "final", None)
    remote.run_fold(recorder, trial, remote.task(fold=1))
    recorder._courier._thread.join(3)
    proxy.passing = 0
    remote.run_fold(recorder, trial, remote.task(fold=2))
    recorder.start_fold(trial, remote.task(fold=3))
    proxy.passing = None
    recorder._courier._stopped.set()
    die(recorder)
    at("second")
    with remote.recording() as other:
        assert set(train(remote, other)) >= {3}
    send_waiting(remote.uri)
    check_whole(remote, server)
    before = on_server(remote, server)
    at("first")
    (delivery,) = send_waiting(remote.uri)
    assert (delivery.waiting, delivery.error) == (0, "")
    assert on_server(remote, server) == before
    with remote.recording() as again:
        assert train(remote, again) == []
    send_waiting(remote.uri)
    assert on_server(remote, server) == before
    check_whole(remote, server)


def test_of_two_machines_without_the_server_only_what_is_new_arrives(
    remote: Any, proxy: Proxy, server: str, at: Callable[[str], None]
) -> None:
    proxy.passing = 0
    for machine, folds in {"first": (1, 2), "second": (2, 3)}.items():
        at(machine)
        with remote.recording(tell=lambda _: None) as recorder:
            train(remote, recorder, folds)
    proxy.passing = None
    for machine in ("first", "second"):
        at(machine)
        (delivery,) = send_waiting(remote.uri)
        assert (delivery.waiting, delivery.error) == (0, "")
    check_whole(remote, server)
    assert send_waiting(remote.uri)[0].sent == 0


def test_while_another_machine_runs_the_study_nothing_is_sent(
    remote: Any, proxy: Proxy, server: str, at: Callable[[str], None]
) -> None:
    at("first")
    proxy.passing = 0
    with remote.recording(tell=lambda _: None) as recorder:
        train(remote, recorder, (1,))
    proxy.passing = None
    at("second")
    with remote.recording() as other:
        at("first")
        (delivery,) = send_waiting(remote.uri)
        assert delivery.waiting == 3
        assert "is in use by" in delivery.error
        # The second may have sent its study run.
        assert len(on_server(remote, server)) <= 1
        at("second")
        train(remote, other)
    send_waiting(remote.uri)
    at("first")
    assert send_waiting(remote.uri)[0].waiting == 0
    check_whole(remote, server)


def test_an_interrupted_reception_is_begun_again(
    remote: Any, at: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    at("first")
    with remote.recording() as recorder:
        train(remote, recorder)
    send_waiting(remote.uri)
    at("second")
    receive, received = adopt._receive_values, 0

    def interrupted(*given: Any) -> None:
        nonlocal received
        received += 1
        if received == 3:
            raise KeyboardInterrupt
        receive(*given)

    with monkeypatch.context() as patch:
        patch.setattr(adopt, "_receive_values", interrupted)
        with pytest.raises(KeyboardInterrupt):
            remote.open()
    assert len(on_server(remote, recording_uri(remote.uri))) == 4
    with remote.recording() as recorder:
        assert train(remote, recorder) == []
    assert sorted(on_server(remote, recording_uri(remote.uri)).values()) == ["FINISHED"] * 5
    client = MlflowClient(recording_uri(remote.uri))
    assert client.get_run(recorder.run_id).data.params["train.epochs"] == "4"
    assert (
        open_store(recording_uri(remote.uri), create=False).search(["1"], "tags.`harness.being_received` = 'yes'") == []
    )
