"""Stores from elsewhere: whatever a database says and wherever a link leads, nothing outside the store is touched."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from click.testing import CliRunner, Result

from harness.cli import cli
from harness.errors import TrackingError
from harness.tracking.store import Store, open_store
from harness.tracking.sync.arrived import Receipt, Receipts
from harness.tracking.sync.mirror import artifact_files
from tests.stores import record_tiny


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a store of one study."""
    folder = tmp_path_factory.mktemp("original")
    record_tiny(folder)
    return folder


@pytest.fixture
def store(original: Path, tmp_path: Path, copied: Callable[[Path, Path], Path]) -> Path:
    """Return the folder of a copy, whose records a test may forge."""
    return copied(original / "mlruns", tmp_path / "mlruns")


@pytest.fixture
def copied() -> Callable[[Path, Path], Path]:
    import shutil

    return lambda source, target: Path(shutil.copytree(source, target))


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """Return a folder of another user that has a file of each name that is read."""
    folder = tmp_path / "victim"
    for name in ("study.json", "data.json", "leakage.json", "environment.json", "predictions.parquet", "history.csv"):
        (folder / "artifacts").mkdir(parents=True, exist_ok=True)
        (folder / "artifacts" / name).write_text('"the victim\'s"')
    return folder


def _sql(store: Path, statement: str, *values: str) -> list[Any]:
    with closing(sqlite3.connect(store / "mlflow.db")) as database, database:
        return database.execute(statement, values).fetchall()


def _files(folder: Path) -> dict[str, bytes]:
    return {str(each.relative_to(folder)): each.read_bytes() for each in sorted(folder.rglob("*")) if each.is_file()}


def _run(store: Path, *words: str) -> Result:
    named = ["--tracking-uri", f"sqlite:///{store / 'mlflow.db'}"]
    return CliRunner().invoke(
        cli, [*words, *named, *(["--reports", str(store.parent / "r")] if "report" in words else [])]
    )


PLACES = {
    "absolute": "{victim}/artifacts",
    "a URI": "file://{victim}/artifacts",
    "another host": "file://files.example{victim}/artifacts",
    "dots": "file://{store}/../victim/artifacts",
    "percent-encoded dots": "file://{store}/%2e%2e/victim/artifacts",
    "a server's": "mlflow-artifacts:/victim/artifacts",
    "a bucket": "s3://bucket/victim",
    "the web": "http://127.0.0.1:9/victim",
}


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("table", ["runs", "experiments"])
def test_a_database_does_not_choose_where_files_are(
    store: Path, victim: Path, refusal: Callable[..., str], place: str, table: str
) -> None:
    before = _files(victim)
    location = PLACES[place].format(victim=victim, store=store)
    column = {"runs": "artifact_uri", "experiments": "artifact_location"}[table]
    _sql(store, f"UPDATE {table} SET {column} = ?", location)
    (study,) = _sql(store, "SELECT value FROM tags JOIN runs USING (run_uuid) WHERE key = 'study_run' LIMIT 1")[0]
    # The experiment's own place is not asked for by them: once is enough.
    for words in (["report", "tiny"], ["replay", study]) if table == "runs" or place == "absolute" else ():
        result = _run(store, *words)
        assert "the victim's" not in result.output
        if table == "runs":
            refusal(result)
    refusal(_run(store, "ui", "--port", "1"), "outside its folder")
    assert _files(victim) == before


@pytest.mark.parametrize("linked", ["", "tiny", "tiny/RUN", "tiny/RUN/artifacts", "tiny/RUN/artifacts/study.json"])
def test_a_link_in_the_store_leads_nowhere(store: Path, victim: Path, refusal: Callable[..., str], linked: str) -> None:
    (run,) = _sql(store, "SELECT value FROM tags WHERE key = 'study_run' LIMIT 1")[0]
    file = store / "artifacts" / linked.replace("RUN", run)
    hidden = file.rename(victim / f"hidden-{file.name}")
    file.symlink_to(hidden)
    before = _files(victim)
    result = _run(store, "report", "tiny")
    refusal(result, "resolves through a symbolic link", "replace the link by the files")
    assert _files(victim) == before


def test_a_report_is_not_logged_through_a_link(store: Path, victim: Path, caplog: pytest.LogCaptureFixture) -> None:
    (run,) = _sql(store, "SELECT value FROM tags WHERE key = 'study_run' LIMIT 1")[0]
    (store / "artifacts" / "tiny" / run / "artifacts" / "reports").symlink_to(victim)
    before = _files(victim)
    assert _run(store, "report", "tiny").exit_code == 0
    assert "The report was written but could not be logged to its run" in caplog.text
    assert "resolves through a symbolic link" in caplog.text
    assert _files(victim) == before


def test_a_link_is_not_sent_to_a_server(store: Path, victim: Path) -> None:
    opened = open_store(f"sqlite:///{store / 'mlflow.db'}", create=False)
    (run,) = opened.search([str(opened.experiment("tiny"))], "tags.level = 'study'")
    folder = opened.artifact_folder(run)
    assert folder is not None
    (folder / "notes.md").symlink_to(victim / "artifacts" / "study.json")
    (folder / "more").symlink_to(victim)
    assert not {name for name, _ in artifact_files(opened, run)} & {"notes.md", "more/artifacts/study.json"}


def test_a_run_id_is_no_path(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir()
    Receipts(tmp_path / "spool").put("../../evil", Receipt("copy"))
    assert not list(tmp_path.glob("evil*"))
    assert Receipts(tmp_path / "spool").get("../../evil") == Receipt("copy")


def test_a_server_elsewhere_does_not_choose_a_folder_here() -> None:
    run = cast("Any", SimpleNamespace(info=SimpleNamespace(artifact_uri="file:///home/user", run_id="r")))
    with pytest.raises(TrackingError, match="nothing is read or written there: start the server"):
        Store("https://mlflow.example", cast("Any", None)).artifact_folder(run)
    assert Store("http://127.0.0.1:5000", cast("Any", None)).artifact_folder(run) == Path("/home/user")
