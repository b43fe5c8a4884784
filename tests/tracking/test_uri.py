"""Where stores lie, and what no message, tag or file may show."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import TrackingError
from harness.system.redaction import mask_secrets, mask_tree
from harness.tracking.uri import absolute_uri, file_uri_path, local_folder, sqlite_file


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://me:pass@host:5432/db", "postgresql://me:***@host:5432/db"),
        ("postgresql+psycopg://me:p@ss/w:rd@host/db", "postgresql+psycopg://me:***@host/db"),
        ("postgresql://:pass@host/db", "postgresql://:***@host/db"),
        ("https://token123@git.example/repo", "https://***@git.example/repo"),
        ("http://u:p@h and http://v:q@i", "http://u:***@h and http://v:***@i"),
        ("--set 'tracking.uri=postgresql://a:b@c/d'", "--set 'tracking.uri=postgresql://a:***@c/d'"),
        ("postgresql://host/db?user=me&password=pass&x=1", "postgresql://host/db?user=me&password=***&x=1"),
        ("host=h sslpassword='a b' dbname=d", "host=h sslpassword=*** dbname=d"),
        ("AWS_SECRET_ACCESS_KEY=abc", "AWS_SECRET_ACCESS_KEY=***"),
        ("https://s3/x?X-Amz-Signature=abc&sig=def", "https://s3/x?X-Amz-Signature=***&sig=***"),
        ("sqlite:///mlruns/mlflow.db", "sqlite:///mlruns/mlflow.db"),
        ("http://127.0.0.1:5000/#/experiments/1", "http://127.0.0.1:5000/#/experiments/1"),
        ("postgresql://me@host/db", "postgresql://me@host/db"),
        ("train.epochs=3 and mail@example.org", "train.epochs=3 and mail@example.org"),
    ],
)
def test_secrets_are_masked_and_the_rest_is_left(text: str, shown: str) -> None:
    assert mask_secrets(text) == shown


@given(
    password=st.text(st.characters(exclude_categories=["Z", "C"], exclude_characters="'\""), min_size=4),
    scheme=st.sampled_from(["postgresql", "mysql+pymysql", "https"]),
    before=st.sampled_from(["", "uri = ", "'"]),
)
def test_no_password_of_a_uri_is_ever_shown(password: str, scheme: str, before: str) -> None:
    secret = f"<{password}>"
    assert secret not in mask_secrets(f"{before}{scheme}://user:{secret}@host.example/db")


def test_long_words_are_masked_in_reasonable_time() -> None:
    # A word of this length would take minutes if it were tried again at every letter.
    text = "x" * 200_000 + " " + "a.b-" * 50_000
    assert mask_secrets(text) == text


def test_masking_reaches_every_string_of_json_data() -> None:
    data = {"a": ["http://u:p@h", 1, None], "b": {"c": ("token=x", True)}}
    assert mask_tree(data) == {"a": ["http://u:***@h", 1, None], "b": {"c": ["token=***", True]}}


def test_local_uris_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert absolute_uri("sqlite:///mlruns/mlflow.db") == f"sqlite:///{tmp_path}/mlruns/mlflow.db"
    assert absolute_uri("sqlite:////data/x.db?timeout=5") == "sqlite:////data/x.db?timeout=5"
    assert absolute_uri("file:mlruns") == f"file://{tmp_path}/mlruns"
    assert absolute_uri("mlruns") == f"file://{tmp_path}/mlruns"
    for remote in ("http://host:5000", "postgresql://host/db", "databricks"):
        assert absolute_uri(remote) == remote


@pytest.mark.parametrize("uri", ["sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:"])
def test_a_store_in_memory_is_refused(uri: str) -> None:
    with pytest.raises(TrackingError, match="names no file"):
        sqlite_file(uri)


def test_an_empty_uri_is_refused() -> None:
    with pytest.raises(TrackingError, match="tracking URI is empty"):
        absolute_uri(" ")


def test_the_folder_of_a_store_is_known_only_where_it_is_local(tmp_path: Path) -> None:
    assert local_folder(f"sqlite:///{tmp_path}/a/mlflow.db") == tmp_path / "a"
    assert local_folder(f"file://{tmp_path}/with%20space") == tmp_path / "with space"
    assert local_folder("http://host:5000") is None
    assert local_folder("postgresql://host/db") is None
    assert file_uri_path("mlflow-artifacts:/1/abc") is None
    assert file_uri_path("s3://bucket/x") is None
