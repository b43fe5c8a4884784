"""Generated files and the files of others in one folder."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import ReportError
from harness.report.folder.place import LOCK, MANIFEST, put_in_place
from harness.system.locks import locked

FILES = {"tables/a.tex": b"a", "figures/a.pdf": b"b", "results.json": b"c"}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    """Return the folder of somebody's paper, whose names are those that reports use."""
    folder = tmp_path / "paper"
    for name in ("figures/mine.pdf", "tables/mine.tex", "report.pdf", "notes.md"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"mine")
    return folder


def test_nothing_of_a_folder_that_is_not_ours_is_deleted(paper: Path) -> None:
    before = contents(paper)
    for _ in range(2):
        put_in_place(FILES, paper)
        assert before.items() <= contents(paper).items()
    put_in_place({"protocols.md": b"other"}, paper)
    after = contents(paper)
    assert before.items() <= after.items()
    assert not FILES.keys() & after.keys()


def test_a_document_that_was_there_before_is_not_taken_for_ours(paper: Path) -> None:
    put_in_place(FILES, paper, "other.pdf")
    assert (paper / "report.pdf").read_bytes() == b"mine"


@pytest.mark.parametrize("name", ["notes.md", "figures/mine.pdf"])
def test_a_file_of_somebody_else_is_not_replaced(paper: Path, name: str) -> None:
    before = contents(paper)
    with pytest.raises(ReportError, match=r"was not written by harness and would be replaced"):
        put_in_place({**FILES, name: b"ours"}, paper)
    assert contents(paper) == before


@pytest.mark.parametrize("link", ["figures", "results.json", "tables/a.tex", MANIFEST, "."])
def test_no_link_is_followed(tmp_path: Path, link: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.pdf").write_bytes(b"mine")
    folder = tmp_path / "report"
    target = outside if link in ("figures", ".") else outside / "a.pdf"
    place = folder if link == "." else folder / link
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)
    with pytest.raises(ReportError, match="is a symbolic link"):
        put_in_place(FILES, folder)
    assert contents(outside) == {"a.pdf": b"mine"}


def test_a_manifest_that_names_files_elsewhere_deletes_nothing_there(tmp_path: Path) -> None:
    folder, secret = tmp_path / "report", tmp_path / "secret.txt"
    secret.write_bytes(b"mine")
    (folder / "linked").mkdir(parents=True)
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "x").write_bytes(b"mine")
    (folder / "way").symlink_to(tmp_path / "far")
    digest = hashlib.sha256(b"mine").hexdigest()
    named = dict.fromkeys(["../secret.txt", str(secret), "way/x", "", "."], digest)
    (folder / MANIFEST).write_text(json.dumps({"files": named}), encoding="utf-8")
    put_in_place(FILES, folder)
    assert secret.read_bytes() == b"mine"
    assert (tmp_path / "far" / "x").read_bytes() == b"mine"


def test_what_an_earlier_call_wrote_goes_unless_it_was_changed_since(tmp_path: Path) -> None:
    put_in_place(FILES, tmp_path)
    (tmp_path / "tables" / "a.tex").write_bytes(b"edited by hand")
    put_in_place({"results.json": b"new"}, tmp_path)
    after = contents(tmp_path)
    assert after["results.json"] == b"new"
    assert after["tables/a.tex"] == b"edited by hand"
    assert "figures/a.pdf" not in after


def test_a_report_from_before_there_was_a_manifest_is_taken_over(tmp_path: Path) -> None:
    old = {"results.json": b"old", "report.tex": b"old", "predictions.parquet": b"old", "tables/old.tex": b"old"}
    for name, content in old.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (tmp_path / "report.pdf").write_bytes(b"of the old numbers")
    put_in_place({**old, "results.json": b"new"}, tmp_path, "report.pdf")
    assert (tmp_path / "results.json").read_bytes() == b"new"
    assert (tmp_path / "tables" / "old.tex").exists()
    assert not (tmp_path / "report.pdf").exists()


def test_the_compiled_document_goes_where_a_file_changed_and_stays_where_none_did(tmp_path: Path) -> None:
    put_in_place({**FILES, "report.pdf": b"compiled"}, tmp_path, "report.pdf")
    for _ in range(2):
        put_in_place(FILES, tmp_path, "report.pdf")
        assert (tmp_path / "report.pdf").read_bytes() == b"compiled"
    put_in_place({**FILES, "results.json": b"new"}, tmp_path, "report.pdf")
    assert not (tmp_path / "report.pdf").exists()


def test_a_document_compiled_by_hand_goes_where_a_file_changed(tmp_path: Path) -> None:
    put_in_place(FILES, tmp_path, "report.pdf")
    (tmp_path / "report.pdf").write_bytes(b"by hand")
    put_in_place(FILES, tmp_path, "report.pdf")
    assert (tmp_path / "report.pdf").exists()
    put_in_place({**FILES, "results.json": b"new"}, tmp_path, "report.pdf")
    assert not (tmp_path / "report.pdf").exists()
    (tmp_path / "report.pdf").write_bytes(b"by hand")
    put_in_place({**FILES, "report.pdf": b"compiled"}, tmp_path, "report.pdf")
    assert (tmp_path / "report.pdf").read_bytes() == b"compiled"


def test_a_document_of_somebody_else_is_neither_replaced_nor_deleted(tmp_path: Path) -> None:
    (tmp_path / "report.pdf").write_bytes(b"mine")
    for content in (b"old", b"new"):
        put_in_place({**FILES, "results.json": content}, tmp_path, "report.pdf")
    with pytest.raises(ReportError, match=r"report\.pdf: was not written by harness"):
        put_in_place({**FILES, "report.pdf": b"compiled"}, tmp_path, "report.pdf")
    assert (tmp_path / "report.pdf").read_bytes() == b"mine"


@pytest.mark.parametrize("name", ["results.json", "tables/a.tex", MANIFEST])
def test_a_folder_in_the_place_of_a_file_is_refused_before_anything_is_written(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir(parents=True)
    with pytest.raises(ReportError, match=name.rpartition("/")[2]):
        put_in_place(FILES, tmp_path)
    assert contents(tmp_path) == {}
    assert not list(tmp_path.glob(".writing-*"))


def test_a_file_in_the_place_of_a_folder_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    put_in_place({"results.json": b"old"}, tmp_path)
    (tmp_path / "figures").write_bytes(b"mine")
    before = contents(tmp_path)
    with pytest.raises(ReportError, match=r"figures: the report cannot be written: Not a directory"):
        put_in_place(FILES, tmp_path)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("name", [MANIFEST, "results.json", "old.json"])
def test_a_pipe_is_not_waited_for(tmp_path: Path, name: str) -> None:
    if name == "old.json":
        put_in_place({name: b"old"}, tmp_path)
        (tmp_path / name).unlink()
    os.mkfifo(tmp_path / name)
    with suppress(ReportError):
        put_in_place(FILES, tmp_path)
    assert (tmp_path / "results.json").is_file() or name == "results.json"


def test_what_cannot_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_in_place(FILES, tmp_path / "old")
    before = contents(tmp_path)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    for place in ("old", "new/deep"):
        with pytest.raises(ReportError, match=r": the report cannot be written: No space left on device; make space"):
            put_in_place({**FILES, "results.json": b"new"}, tmp_path / place)
    assert contents(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


def test_a_second_writer_waits_for_the_first_and_says_when_it_gives_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_in_place(FILES, tmp_path)
    monkeypatch.setattr("harness.report.folder.place.PATIENCE", 0.1)
    with (
        locked(tmp_path / LOCK, temporary=True),
        pytest.raises(ReportError, match=r"another process has been writing a report there for 0 seconds"),
    ):
        put_in_place(FILES, tmp_path)
    put_in_place(FILES, tmp_path)
    assert not (tmp_path / LOCK).exists()


def test_writers_at_once_leave_what_one_of_them_made(tmp_path: Path) -> None:
    made = [
        {f"tables/{number}-{name}.tex": f"{number}".encode() for name in range(number + 1)}
        | {name: f"{number}".encode() * 1000 for name in ("a", "b", "results.json")}
        for number in range(20)
    ]
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda files: put_in_place(files, tmp_path), made))
    found = contents(tmp_path)
    named = json.loads(found.pop(MANIFEST))["files"]
    assert found in made
    assert named == {name: hashlib.sha256(content).hexdigest() for name, content in found.items()}
    assert not list(tmp_path.glob(".writing-*"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(
    manifest=st.binary(max_size=60)
    | st.recursive(st.none() | st.text(max_size=5), st.lists).map(lambda value: json.dumps({"files": value}).encode())
)
def test_any_manifest_is_read_without_harm(tmp_path: Path, manifest: bytes) -> None:
    folder = tmp_path / os.urandom(4).hex()
    folder.mkdir()
    (folder / MANIFEST).write_bytes(manifest)
    (folder / "mine.txt").write_bytes(b"mine")
    put_in_place(FILES, folder)
    assert (folder / "mine.txt").read_bytes() == b"mine"


def test_an_overview_of_an_earlier_version_is_replaced(tmp_path: Path) -> None:
    # It has no manifest, and no document is compiled from it.
    for name in ("protocols.md", "protocols.csv", "protocols.tex"):
        (tmp_path / name).write_bytes(b"old")
    put_in_place({"protocols.md": b"new", "protocols.csv": b"new", "protocols.tex": b"new"}, tmp_path)
    assert (tmp_path / "protocols.csv").read_bytes() == b"new"
    assert "" not in json.loads((tmp_path / MANIFEST).read_text(encoding="utf-8"))["files"]
