"""Folders with any character that a file system allows hold a store of their own, in the place that they name."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import make_url

from harness.errors import TrackingError
from harness.running.arm_chains import default_storage
from harness.search.arm_search import _open as open_search
from harness.system.sqlite_uri import split_sqlite_uri, sqlalchemy_uri
from harness.tracking.store import open_store
from harness.tracking.study_reader import read_study
from harness.tracking.ui import ui_server
from harness.tracking.uri import absolute_uri, sqlite_file
from tests.servers import free_port
from tests.tracking.conftest import small_study

pytestmark = pytest.mark.slow

NAMES = [
    "a b", "a%20b", "100%", "a#b", "a?b", "a?x=1", "?", "a&b;c", "q'u\"o", "é ü", "new\nline", "a:b@c", "[x]{y}*",
    "-dash", "a\\b", "$HOME", "file:x", "a+b,c=d|e~`!^",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_store_lies_in_the_folder_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, new_store: Callable[[Path], str], name: str
) -> None:
    folder = tmp_path / name
    folder.mkdir()
    monkeypatch.chdir(folder)
    new_store(folder)
    # Named from its own folder as the default has it, and from outside.
    study = small_study("sqlite:///mlruns/mlflow.db")
    with study.recording() as recorder:
        trial = recorder.trial(study.spec.arm("A"), "final", None)
        study.run_fold(recorder, trial, study.task("A"))
    assert read_study(f"sqlite:///{folder}/mlruns/mlflow.db", "tiny").folds["status"].tolist() == ["FINISHED"]
    assert (folder / "mlruns" / "artifacts" / "tiny" / recorder.run_id / "artifacts" / "study.json").is_file()
    open_search("a search", default_storage(study.uri))
    seen = sorted(each.name for each in (folder / "mlruns").iterdir() if each.name != ".mlflow.db.lock")
    assert seen == ["artifacts", "mlflow.db", "optuna.db"]
    storage = sqlalchemy_uri(f"sqlite:///{folder}/mlruns/optuna.db")
    assert optuna.get_all_study_names(storage) == ["a search"]
    assert [each.name for each in tmp_path.iterdir()] == [name]


def test_neighbours_whose_names_encode_each_other_keep_their_own(
    tmp_path: Path, new_store: Callable[[Path], str]
) -> None:
    for name in ("a?b", "a%3Fb", "a%253Fb"):
        (tmp_path / name).mkdir()
        store = open_store(new_store(tmp_path / name), create=False)
        store.client.create_experiment(f"of {name}")
    for name in ("a?b", "a%3Fb", "a%253Fb"):
        store = open_store(f"sqlite:///{tmp_path / name}/mlruns/mlflow.db", create=False)
        assert store.experiment(f"of {name}") is not None
        assert len(store.client.search_experiments()) == 2


@pytest.mark.slow
def test_the_ui_shows_a_store_of_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "what? 100% #1"
    folder.mkdir()
    monkeypatch.chdir(folder)
    study = small_study("sqlite:///mlruns/mlflow.db")
    with study.recording() as recorder:
        trial = recorder.trial(study.spec.arm("A"), "final", None)
        run_id = study.run_fold(recorder, trial, study.task("A"))
        recorder.add_pictures(run_id, {"curves.png": b"\x89PNG"})
    picture = f"get-artifact?path=pictures/curves.png&run_uuid={run_id}"
    with ui_server(study.uri, port=free_port()) as (_, url), urlopen(f"{url}/{picture}", timeout=10) as answer:
        assert answer.read() == b"\x89PNG"
    assert [each.name for each in tmp_path.iterdir()] == [folder.name]
    assert [each.name for each in folder.iterdir()] == ["mlruns"]


@pytest.mark.slow
def test_a_whole_study_runs_in_a_folder_of_any_name(tmp_path: Path) -> None:
    folder = tmp_path / "what? 100% #1 é;{x}'q\"&"
    folder.mkdir()
    (folder / "tiny & 1.toml").write_text(
        '[study]\nname = "tiny"\n[data]\ndataset = "synthetic"\nfolds = [1, 2, 3]\n'
        "synthetic = { clips_per_class_and_fold = 1 }\n[train]\nepochs = 1\nbatch_size = 16\n"
        '[[arms]]\nname = "A é"\nmodel = "su8"\nfeatures = "LM"\n[search]\ntrials = 1\n[search.space]\n'
        '"train.lr" = { low = 0.0003, high = 0.003, log = true }\n[evaluate]\nfolds = [1]\n'
    )

    def harness(*words: str) -> str:
        script = "from harness.cli import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", script, *words],
            cwd=folder,
            env={**os.environ, "PYTHONIOENCODING": "ascii", "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    places = ["--data-root", "da ta?", "--cache", "ca#che%20"]
    harness("run-study", "tiny & 1.toml", *places, "--device", "cpu", "--workers", "2", "--reports", "re?ports")
    assert (folder / "re?ports" / "tiny" / "results.json").is_file()
    assert "tiny" in harness("report", "tiny", "--reports", "again #2")
    assert harness("replay", "re?ports/tiny", *places, "--workers", "1")
    assert [each.name for each in tmp_path.iterdir() if not each.name.startswith(".")] == [folder.name]
    inside = {"mlruns", "da ta?", "ca#che%20", "re?ports", "again #2", "tiny & 1.toml"}
    assert {each.name for each in folder.iterdir()} == inside


def test_a_folder_whose_name_is_no_text_is_refused() -> None:
    with pytest.raises(TrackingError, match="not UTF-8 text and cannot be written in a URI; rename that folder"):
        open_store("sqlite:////tmp/caf\udce9/mlflow.db", create=True)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
def test_sqlalchemy_reads_the_path_that_is_meant(name: str) -> None:
    uri = f"sqlite:////x/{name}/mlflow.db"
    assert split_sqlite_uri(uri) == ("sqlite", f"/x/{name}/mlflow.db", "")
    assert make_url(sqlalchemy_uri(uri)).database == f"/x/{name}/mlflow.db"
    assert sqlite_file(absolute_uri(uri)) == sqlite_file(uri)
    with_query = make_url(sqlalchemy_uri(f"{uri}?timeout=5"))
    assert (with_query.database, dict(with_query.query)) == (f"/x/{name}/mlflow.db", {"timeout": "5"})


def test_other_databases_keep_their_address() -> None:
    for uri in ("postgresql://me:p%40ss@host/db?sslmode=require", "http://host:5000/a?b", "sqlite:///mlruns/mlflow.db"):
        assert sqlalchemy_uri(uri) == uri
