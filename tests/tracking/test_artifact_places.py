"""Where artifacts are: in the folder of the store, wherever the store was when its records were written."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow.tracking import MlflowClient

from harness.errors import TrackingError
from harness.tracking.store import Store, open_store
from harness.tracking.study_reader import read_study
from harness.tracking.study_recorder import log_reports
from harness.tracking.sync.mirror import artifact_files
from harness.tracking.ui import ui_server


def digest(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file below a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def home_of(study: Any) -> Path:
    return Path(study.uri.removeprefix("sqlite:///")).parent


def train(study: Any, seed: int = 0) -> str:
    """Record a study with one training and a report; return the training's run."""
    with study.recording() as recorder:
        trial = recorder.trial(study.spec.arm("A"), "final", None)
        run_id = str(study.run_fold(recorder, trial, study.task(seed=seed)))
    log_reports(study.uri, recorder.run_id, {"results.json": f'"seed {seed}"'.encode()})
    return run_id


def locations(file: Path) -> list[str]:
    """Return every artifact location of the study in a database."""
    with closing(sqlite3.connect(file)) as database:
        said = database.execute(
            "SELECT artifact_location FROM experiments WHERE name = 'tiny' UNION SELECT artifact_uri FROM runs "
            "UNION SELECT artifact_location FROM logged_models"
        )
        return [location for (location,) in said]


def relocate(file: Path, location: str) -> None:
    """Give the experiment of the study another artifact location."""
    with closing(sqlite3.connect(file)) as database, database:
        assert database.execute(
            "UPDATE experiments SET artifact_location = ? WHERE name = 'tiny'", (location,)
        ).rowcount


def at(study: Any, home: Path, **sections: Any) -> Any:
    """Return the study in the store in another folder, with other sections."""
    spec = type(study.spec).model_validate({**study.spec.model_dump(), **sections})
    return study.with_changes(uri=f"sqlite:///{home / 'mlflow.db'}", spec=spec)


def two_seeds(study: Any, home: Path) -> Any:
    return at(study, home, evaluate={**study.spec.evaluate.model_dump(), "seeds": 2})


def test_a_copied_store_writes_into_the_copy(study: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    train(study)
    first = read_study(study.uri, "tiny")
    copy = shutil.copytree(home_of(study), tmp_path / "elsewhere" / "mlruns", copy_function=shutil.copy2)
    before = digest(home_of(study))
    again = two_seeds(study, copy)
    new = train(again, seed=1)
    assert digest(home_of(study)) == before
    assert f"was moved or copied from {home_of(study)}" in caplog.text
    assert all(location.startswith(copy.as_uri()) for location in locations(copy / "mlflow.db"))
    second = read_study(again.uri, "tiny")
    assert second.run_id == first.run_id
    assert len(second.predictions) == 2 * len(first.predictions)
    folder = copy / "artifacts" / "tiny"
    assert (folder / new / "artifacts" / "predictions.parquet").is_file()
    assert (folder / second.run_id / "artifacts" / "reports" / "results.json").read_text() == '"seed 1"'
    pd.testing.assert_frame_equal(read_study(study.uri, "tiny").predictions, first.predictions, check_exact=True)
    # What MLflow itself reads, and what is sent to a server, are the copy's files as well.
    assert MlflowClient(again.uri).list_artifacts(new)
    store = open_store(again.uri, create=False)
    sent = list(artifact_files(store, store.client.get_run(second.run_id)))
    assert sent
    assert all(file.is_relative_to(copy) for _, file in sent)
    caplog.clear()
    open_store(again.uri, create=True)
    assert not caplog.text


def test_a_copy_is_read_and_reported_without_the_original(study: Any, tmp_path: Path) -> None:
    train(study)
    copy = shutil.copytree(home_of(study), tmp_path / "elsewhere" / "mlruns")
    record = read_study(study.uri, "tiny")
    environment = copy / "artifacts" / "tiny" / record.run_id / "artifacts" / "environment.json"
    environment.write_text(environment.read_text().replace('"session": 1', '"session": 7'))
    before = digest(home_of(study))
    moved = at(study, copy)
    assert read_study(moved.uri, "tiny").environment["session"] == 7
    log_reports(moved.uri, record.run_id, {"results.json": b'"from the copy"'})
    assert (environment.parent / "reports" / "results.json").read_text() == '"from the copy"'
    assert digest(home_of(study)) == before


def test_a_moved_store_goes_on_where_it_is(study: Any, tmp_path: Path) -> None:
    train(study)
    old, new = home_of(study), tmp_path / "a new place" / "mlruns"
    new.parent.mkdir()
    old.rename(new)
    train(two_seeds(study, new), seed=1)
    assert not old.exists()
    assert len(read_study(f"sqlite:///{new / 'mlflow.db'}", "tiny").folds) == 2


def test_a_store_behind_a_link_was_not_moved(study: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    train(study)
    # The fixture's own store is a copy, which the first training has noticed.
    caplog.clear()
    known = set(locations(home_of(study) / "mlflow.db"))
    (tmp_path / "link").symlink_to(home_of(study))
    train(two_seeds(study, tmp_path / "link"), seed=1)
    assert not caplog.text
    assert known < set(locations(home_of(study) / "mlflow.db"))


def test_a_study_goes_on_while_its_store_is_opened_by_another_path(study: Any, tmp_path: Path) -> None:
    """As a container does that mounts the store's folder elsewhere: the file is the same, its path is not."""
    home = home_of(study)
    with study.recording() as recorder:
        trial = recorder.trial(study.spec.arm("A"), "final", None)
        relocate(home / "mlflow.db", (tmp_path / "mounted" / "artifacts" / "tiny").as_uri())
        run_id = study.run_fold(recorder, trial, study.task())
    assert not (tmp_path / "mounted").exists()
    assert (home / "artifacts" / "tiny" / run_id / "artifacts" / "predictions.parquet").is_file()
    open_store(study.uri, create=True)
    assert all(location.startswith(home.as_uri()) for location in locations(home / "mlflow.db"))
    assert len(read_study(study.uri, "tiny").predictions)


def test_a_database_that_was_copied_alone_is_not_written_until_its_files_are_there(study: Any, tmp_path: Path) -> None:
    train(study)
    before = digest(home_of(study))
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(home_of(study) / "mlflow.db", alone)
    copied, kept = at(study, alone), home_of(study) / "artifacts" / "tiny"
    for attempt in (copied.open, lambda: read_study(copied.uri, "tiny")):
        with pytest.raises(TrackingError) as caught:
            attempt()
        assert str(kept) in str(caught.value)
        assert str(alone / "artifacts" / "tiny") in str(caught.value)
    assert digest(home_of(study)) == before
    assert not (alone / "artifacts").exists()
    shutil.copytree(kept, alone / "artifacts" / "tiny")
    train(copied)
    assert digest(home_of(study)) == before


def test_a_location_outside_the_store_is_never_written(study: Any, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    MlflowClient(study.uri).create_experiment("tiny", artifact_location=elsewhere.as_uri())
    with pytest.raises(TrackingError, match=r"outside the folder of the store, and nothing is written there.*rename"):
        study.open()
    assert not elsewhere.exists()


@pytest.mark.parametrize("location", ["s3://bucket/tiny", "mlflow-artifacts:/1", "http://files.example:8080/tiny"])
def test_a_local_store_has_no_artifacts_elsewhere(study: Any, location: str) -> None:
    MlflowClient(study.uri).create_experiment("tiny", artifact_location=location)
    with pytest.raises(TrackingError, match="nothing is read or written there; choose the server"):
        study.open()


def test_a_database_from_elsewhere_does_not_choose_where_a_report_goes(study: Any, tmp_path: Path) -> None:
    train(study)
    run_id = read_study(study.uri, "tiny").run_id
    victim = tmp_path / "victim" / "artifacts" / "tiny" / run_id / "artifacts"
    victim.mkdir(parents=True)
    for target in (victim.as_uri(), f"{home_of(study).as_uri()}/../victim", str(victim)):
        with closing(sqlite3.connect(home_of(study) / "mlflow.db")) as database, database:
            database.execute("UPDATE runs SET artifact_uri = ? WHERE run_uuid = ?", (target, run_id))
        log_reports(study.uri, run_id, {"results.json": b'"seed 1"'})
        assert digest(tmp_path / "victim") == {}


_LETTERS = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
_NAMES = st.sampled_from(["..", ".", "artifacts", "tiny", "a b", "é#?%", "~", "etc"])


@given(
    parts=st.lists(_NAMES, max_size=6),
    run_id=st.one_of(
        _NAMES,
        st.lists(_NAMES).map("/".join),
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    ),
    scheme=st.sampled_from(["", "file:", "file://"]),
    kind=st.sampled_from(["sqlite:////s/mlruns/mlflow.db", "file:///s/mlruns"]),
)
def test_no_record_leads_out_of_the_store(parts: list[str], run_id: str, scheme: str, kind: str) -> None:
    run = SimpleNamespace(info=SimpleNamespace(artifact_uri=f"{scheme}/{'/'.join(parts)}", run_id=run_id))
    model = SimpleNamespace(artifact_location=run.info.artifact_uri, model_id=run_id)
    store = Store(kind, cast("MlflowClient", None))
    for folder in (store.artifact_folder(cast("Any", run)), store.model_folder(cast("Any", model))):
        assert folder is not None
        assert Path(os.path.normpath(folder)).is_relative_to("/s/mlruns")


def test_an_artifact_location_that_is_no_address_is_named(study: Any) -> None:
    run_id = train(study)
    with closing(sqlite3.connect(home_of(study) / "mlflow.db")) as database, database:
        database.execute("UPDATE runs SET artifact_uri = 'file://[' WHERE run_uuid = ?", (run_id,))
    with pytest.raises(TrackingError, match=r"'file://\[' is not the address of a folder"):
        read_study(study.uri, "tiny")


def test_a_moved_file_store_writes_where_it_is(study: Any, tmp_path: Path) -> None:
    first = study.with_changes(uri=f"file://{tmp_path}/files")
    with first.recording() as recorder:
        first.run_fold(recorder, recorder.trial(study.spec.arm("A"), "final", None), study.task())
    copy = shutil.copytree(tmp_path / "files", tmp_path / "copy")
    before = digest(tmp_path / "files")
    second = first.with_changes(uri=f"file://{copy}")
    with second.recording() as again:
        assert again.run_id == recorder.run_id
        second.run_fold(again, again.trial(study.spec.arm("A"), "final", None), study.task(fold=2))
    assert digest(tmp_path / "files") == before
    assert len(read_study(second.uri, "tiny").folds) == 2


def test_the_ui_follows_a_moved_store(
    study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    train(study)
    copy = shutil.copytree(home_of(study), tmp_path / "elsewhere" / "mlruns")
    before = digest(home_of(study))

    def read_only(_: Path) -> None:
        raise sqlite3.OperationalError("attempt to write a readonly database")

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        def start(said: str) -> None:
            # The server itself does not start: its port is taken.
            address = f"sqlite:///{copy / 'mlflow.db'}"
            with (
                pytest.raises(TrackingError, match=said),
                ui_server(address, port=int(taken.getsockname()[1])),
            ):
                pass

        with monkeypatch.context() as patch:
            patch.setattr("harness.tracking.store.follow", read_only)
            # Until it can, MLflow would show the files of the original.
            start("artifact locations are outside its folder")
        assert "make the folder writable" in caplog.text
        start("cannot listen")
    assert all(location.startswith(copy.as_uri()) for location in locations(copy / "mlflow.db"))
    assert digest(home_of(study)) == before


def test_a_damaged_file_of_the_study_is_written_anew_when_it_is_renamed(
    study: Any, make_study: Callable[..., Any]
) -> None:
    train(study)
    record = read_study(study.uri, "tiny")
    file = home_of(study) / "artifacts" / "tiny" / record.run_id / "artifacts" / "environment.json"
    file.write_text("{")
    for attempt in (study.open, lambda: read_study(study.uri, "tiny")):
        with pytest.raises(TrackingError, match=r"it is damaged: restore it from a backup.*rename this file"):
            attempt()
    file.rename(file.with_name("environment.damaged"))
    with make_study().recording() as again:
        assert again.run_id == record.run_id
        assert len(again.finished_folds()) == 1
    assert len(read_study(study.uri, "tiny").predictions) == len(record.predictions)
