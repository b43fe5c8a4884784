"""What fails is told and is a row; the rest goes on."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from harness.cli import cli
from harness.errors import TrackingError
from harness.running.reports import Outcome, report_study
from harness.running.study import run_study
from harness.training.task import FoldTask
from tests.running.study import Counted, options_of, run, same, spec_of
from tests.servers import free_port


@pytest.mark.slow
def test_a_failing_training_is_a_row_and_the_study_goes_on(shared: Path, tmp_path: Path) -> None:
    arms = [
        {"name": "good", "model": "su8", "features": "LM"},
        {"name": "bad", "model": "su8", "features": "MFCC", "set": {"train.lr": 1e30, "train.optimizer": "sgd"}},
        {"name": "both", "fuse": ["good", "bad"], "rule": "mean"},
    ]
    spec = spec_of(arms=arms, search={"trials": 0}, train={"epochs": 2, "batch_size": 4})
    outcome, _ = run(spec, tmp_path, shared)
    assert set(outcome.record.predictions["arm"]) == {"good"}
    assert len(outcome.failures) == 2
    assert all("bad" in failure and "loss" in failure for failure in outcome.failures)
    rows = outcome.record.folds[outcome.record.folds["arm"] == "bad"]
    assert set(rows["status"]) == {"FAILED"}


@pytest.mark.slow
def test_an_arm_whose_every_trial_fails_does_not_stop_the_others(shared: Path, tmp_path: Path) -> None:
    arms = [
        {"name": "good", "model": "su8", "features": "LM", "search": False},
        {"name": "bad", "model": "su8", "features": "MFCC", "set": {"train.optimizer": "sgd"}},
        {"name": "both", "fuse": ["good", "bad"], "rule": "mean"},
    ]
    search = {"trials": 2, "sampler": "grid", "space": {"train.lr": {"choices": [1e29, 1e30]}}}
    spec = spec_of(arms=arms, search=search, train={"epochs": 2, "batch_size": 4}, evaluate={"folds": [1]})
    outcome, _ = run(spec, tmp_path, shared)
    assert set(outcome.record.predictions["arm"]) == {"good"}
    assert len(outcome.failures) == 1
    assert "arm 'bad': none of 2 trials" in outcome.failures[0]
    searched = outcome.record.folds[outcome.record.folds["phase"] == "search"]
    assert set(searched["status"]) == {"FAILED"}


@pytest.mark.slow
def test_a_trial_for_which_memory_runs_out_is_a_row_and_the_search_goes_on(
    undisturbed: tuple[Outcome, Path], shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness.training import loop

    train = loop.train_together

    def short_of_memory(tasks: Sequence[FoldTask], tell: object) -> object:
        if tasks[0].phase == "search" and tasks[0].trial == 0:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return train(tasks, tell)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "train_together", short_of_memory)
    outcome, lines = run(spec_of(), tmp_path, shared)
    assert outcome.failures == ()
    folds = outcome.record.folds
    # Each fold for itself: what one fold cannot be trained with is left to the others.
    failed, other = folds[folds["status"] == "FAILED"].to_dict("records")
    assert {(each["phase"], each["trial"]) for each in (failed, other)} == {("search", 0)}
    assert {failed["fold"], other["fold"]} == {1, 3}
    assert "out of memory on cpu with train.batch_size = 16" in failed["error"]
    assert "try train.batch_size = 8" in failed["error"]
    assert any(line.startswith("A_1 trial 0 fold 1 seed 0 failed") and ": out of memory" in line for line in lines)
    states = [(trial["trial"], trial["state"]) for trial in outcome.record.searches["A_1"]["trials"]]
    assert states == [(0, "failed"), (1, "complete")]
    assert set(folds[(folds["arm"] == "A_1") & (folds["phase"] == "final")]["trial"]) == {1}
    mine, theirs = (each.record.predictions.query("arm != 'A_1'") for each in (outcome, undisturbed[0]))
    same(mine[mine["arm"].str.startswith("B")], theirs[theirs["arm"].str.startswith("B")])


@pytest.mark.slow
def test_a_record_that_fails_in_a_search_is_no_fault_of_the_trial(
    undisturbed: tuple[Outcome, Path], shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("harness.system.writing.os.fsync", full)
        patch.setattr("harness.tracking.session.put_files", lambda *_: None)
        with pytest.raises(TrackingError, match="No space left on device; free some space there"):
            run(spec_of(), tmp_path, shared)
    outcome, _ = run(spec_of(), tmp_path, shared)
    same(outcome.record.predictions, undisturbed[0].record.predictions)
    assert outcome.record.searches == undisturbed[0].record.searches
    assert set(outcome.record.folds["status"]) == {"FINISHED"}


@pytest.mark.slow
def test_a_server_that_is_down_stops_nothing_and_its_study_waits(
    undisturbed: tuple[Outcome, Path], shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    server = f"http://127.0.0.1:{free_port()}"
    progress = Counted()
    outcome = run_study(spec_of(), options_of(tmp_path, shared, tracking_uri=server), progress)
    same(outcome.record.predictions, undisturbed[0].record.predictions)
    assert outcome.delivery is not None
    assert outcome.delivery.waiting == 1 + (2 + 4) + (4 + 8)
    assert len([line for line in progress.lines if f"nothing answers at {server[7:]}" in line]) == 1
    told = CliRunner().invoke(cli, ["sync"])
    assert told.exit_code == 1
    assert f"19 runs are waiting in {tmp_path / 'mlruns' / 'spool'}" in told.output
    assert f"harness sync --tracking-uri {server}" in told.output
    # The report of a server that is down is that of its spool.
    again = report_study("tiny", None, server, tmp_path / "again")
    assert again.record.run_id == outcome.record.run_id


def test_nothing_to_send_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told = CliRunner().invoke(cli, ["sync"])
    assert told.exit_code == 0
    assert told.output.startswith("no runs are waiting for a server")
    assert list(tmp_path.iterdir()) == []
