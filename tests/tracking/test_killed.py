"""What is half done when a process dies is done by the next: the store's layout, runs without their parameters."""

from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from mlflow.tracking import MlflowClient
from sqlalchemy import event
from sqlalchemy.engine import Engine

from harness.tracking import log_reports
from harness.tracking.store import open_store


def _open_and_die(uri: str, die_at: int) -> int:
    """Open a new store in a process of its own, which dies before statement ``die_at``; return the signal."""
    child = os.fork()
    if child == 0:
        count = 0

        def counted(*_: object) -> None:
            nonlocal count
            count += 1
            if count == die_at:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            event.listen(Engine, "before_cursor_execute", counted)
            open_store(uri, create=True)
        finally:
            os._exit(0)
    return os.waitpid(child, 0)[1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that can fork")
def test_a_store_whose_maker_died_between_two_migrations_is_made_anew(
    tmp_path: Path, first_opening: tuple[Path, object]
) -> None:
    file = tmp_path / "mlruns" / "mlflow.db"
    # A death within a migration: MLflow itself could not go on from a table that is there already.
    assert _open_and_die(f"sqlite:///{file}", 450) == signal.SIGKILL
    assert not file.exists()
    store = open_store(f"sqlite:///{file}", create=True)
    assert store.ensure_experiment("tiny", "")
    with closing(sqlite3.connect(file)) as made, closing(sqlite3.connect(first_opening[0])) as other:
        # Not the statements themselves: MLflow writes the words of its checks in any order.
        for question in ("SELECT type, name FROM sqlite_master ORDER BY 1, 2", "SELECT * FROM alembic_version"):
            assert made.execute(question).fetchall() == other.execute(question).fetchall()
    assert not list(file.parent.glob(".making-*"))


def test_runs_whose_writer_died_before_their_parameters_get_them(study: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    arm, values = study.spec.arm("A"), {"train.lr": 0.02}
    with monkeypatch.context() as patch:
        patch.setattr("mlflow.tracking.MlflowClient.log_batch", die)
        with pytest.raises(KeyboardInterrupt):
            study.open()
    client = MlflowClient(study.uri)
    with study.recording() as recorder, monkeypatch.context() as patch:
        patch.setattr("mlflow.tracking.MlflowClient.log_batch", die)
        with pytest.raises(KeyboardInterrupt):
            recorder.trial(arm, "search", 0, values)
    with study.recording() as resumed:
        assert resumed.run_id == recorder.run_id
        trial = client.get_run(resumed.trial(arm, "search", 0, values))
        assert client.get_run(trial.info.run_id).data.params == {"train.lr": "0.02"}
    found = client.get_run(recorder.run_id)
    assert found.data.params["train.lr"] == str(study.spec.train.lr)
    assert found.data.tags["study_run"] == recorder.run_id
    assert len(found.inputs.dataset_inputs) == 1


def test_what_a_dead_writer_left_aside_is_no_part_of_a_report(study: Any, tmp_path: Path) -> None:
    report = tmp_path / "report"
    (report / ".writing-1-abc").mkdir(parents=True)
    (report / ".writing-1-abc" / "half.json").write_text("{")
    (report / "tables").mkdir()
    (report / "tables" / "one.tex").write_text("one\n")
    with study.recording() as recorder:
        pass
    log_reports(study.uri, recorder.run_id, report)
    folder = Path(MlflowClient(study.uri).get_run(recorder.run_id).info.artifact_uri.removeprefix("file://"))
    copied = [file.relative_to(folder / "reports") for file in (folder / "reports").rglob("*") if file.is_file()]
    assert copied == [Path("tables/one.tex")]
