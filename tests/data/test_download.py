"""Fetching from a local server: whole and sound or not at all."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import harness.data.download as module
from harness.data.download import fetch
from harness.data.load_clips import load_clips
from harness.errors import DataError, HarnessError
from harness.registry import DATASETS
from harness.study import DataSection


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.data.transfer import ResumingDownloader

    def quick(part: Path, progress: bool, max_bytes: int) -> ResumingDownloader:
        return ResumingDownloader(part, attempts=2, pause=0.01, timeout=(5, 5), progress=progress, max_bytes=max_bytes)

    monkeypatch.setattr(module, "ResumingDownloader", quick)


def _zipped(folder: Path, top: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(folder.rglob("*")):
            file.write(path, f"{top}/{path.relative_to(folder).as_posix()}")
    return content.getvalue()


@pytest.fixture
def archive(make_esc: Callable[..., Any]) -> bytes:
    """Return ESC-10 packed as GitHub packs a repository."""
    made = make_esc(seconds=0.05)
    (made.root / "ESC-50" / "README.md").write_text("about")
    return _zipped(made.root / "ESC-50", "ESC-50-master")


def _names(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir())


def test_a_data_set_is_fetched_checked_and_put_in_place(tmp_path: Path, shelf: Any, archive: bytes) -> None:
    root = tmp_path / "new" / "root"
    folder = fetch("esc10", root, url=shelf.put("master.zip", archive), progress=False)
    assert folder == root / "ESC-50"
    assert _names(root) == ["ESC-50"]
    assert len(load_clips(DataSection(dataset="esc10"), root)) == 400
    shelf.log.clear()
    assert fetch("esc10", root, url=f"{shelf.address}/master.zip", progress=False) == folder
    assert shelf.log == []


def test_a_transfer_that_breaks_off_is_resumed_by_the_next_call(tmp_path: Path, shelf: Any, archive: bytes) -> None:
    url, root = shelf.put("master.zip", archive), tmp_path / "root"
    checksum = f"sha256:{hashlib.sha256(archive).hexdigest()}"
    half = len(archive) // 2
    # Half arrives, then two attempts bring nothing and the downloader gives up.
    shelf.stop_after = [half, 0, 0]
    with pytest.raises(DataError, match=f"was interrupted after {half} bytes"):
        fetch("esc10", root, url=url, checksum=checksum, progress=False)
    assert not (root / "ESC-50").exists()
    assert [path.stat().st_size for path in root.glob("*.part")] == [half]
    shelf.stop_after, shelf.log = [], []
    fetch("esc10", root, url=url, checksum=checksum, progress=False)
    assert shelf.log == [(206, f"bytes={half}-")]
    assert _names(root) == ["ESC-50"]


def test_a_wrong_checksum_is_refused_and_the_bytes_thrown_away(tmp_path: Path, shelf: Any, archive: bytes) -> None:
    url = shelf.put("master.zip", archive)
    wrong = "md5:" + "0" * 32
    for _ in range(2):
        with pytest.raises(DataError, match=f"does not have the checksum {wrong}"):
            fetch("esc10", tmp_path / "root", url=url, checksum=wrong, progress=False)
        assert _names(tmp_path / "root") == []
    assert [status for status, _ in shelf.log] == [200, 200]
    right = f"MD5:{hashlib.md5(archive).hexdigest()}"  # noqa: S324
    assert fetch("esc10", tmp_path / "root", url=url, checksum=right, progress=False).is_dir()


@pytest.mark.parametrize("checksum", ["", "0" * 32, "md5:0", "crc:" + "0" * 32, "md5:" + "g" * 32])
def test_a_malformed_checksum_is_refused_before_the_download(tmp_path: Path, shelf: Any, checksum: str) -> None:
    with pytest.raises(DataError, match="expected algorithm:digest"):
        fetch("esc10", tmp_path, url=shelf.put("a.zip", b"x"), checksum=checksum, progress=False)
    assert shelf.log == []


def _tar_gz(members: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as file:
        for info, data in members:
            info.size = len(data)
            file.addfile(info, io.BytesIO(data))
    return content.getvalue()


def test_an_unsafe_archive_leaves_nothing_behind(tmp_path: Path, shelf: Any) -> None:
    link = tarfile.TarInfo("UrbanSound8K")
    link.type, link.linkname = tarfile.SYMTYPE, ".."
    evil = tarfile.TarInfo("UrbanSound8K/../../../evil")
    for members, said in (([(link, b"")], "is a link"), ([(evil, b"x")], "points outside")):
        root = tmp_path / "root"
        with pytest.raises(DataError, match=said):
            fetch("urbansound8k", root, url=shelf.put("a.tar.gz", _tar_gz(members)), progress=False)
        assert _names(root) == []
        assert _names(tmp_path) == ["root"]


def test_a_bomb_is_refused(tmp_path: Path, shelf: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    known = DATASETS.get("urbansound8k")
    assert known.source
    small = replace(known, source=replace(known.source, max_bytes=10_000))
    monkeypatch.setitem(DATASETS._items, "urbansound8k", small)
    content = _tar_gz([(tarfile.TarInfo("UrbanSound8K/big"), bytes(1_000_000))])
    with pytest.raises(DataError, match="exceeds the 10000 bytes"):
        fetch("urbansound8k", tmp_path / "root", url=shelf.put("a.tar.gz", content), progress=False)
    assert _names(tmp_path / "root") == []


def test_an_archive_of_something_else_is_refused(tmp_path: Path, shelf: Any) -> None:
    content = _tar_gz([(tarfile.TarInfo("other/file.txt"), b"x")])
    with pytest.raises(DataError, match=r"has no UrbanSound8K/metadata/UrbanSound8K\.csv"):
        fetch("urbansound8k", tmp_path / "root", url=shelf.put("a.tar.gz", content), progress=False)
    with pytest.raises(DataError, match="neither a zip nor a tar"):
        fetch("urbansound8k", tmp_path / "root", url=shelf.put("b.tar.gz", b"<html>"), progress=False)
    assert _names(tmp_path / "root") == []


def test_an_incomplete_archive_is_refused_even_with_its_checksum(
    tmp_path: Path, shelf: Any, make_esc: Callable[..., Any]
) -> None:
    made = make_esc()
    made.audio(17).unlink()
    content = _zipped(made.root / "ESC-50", "ESC-50-master")
    checksum = f"sha256:{hashlib.sha256(content).hexdigest()}"
    with pytest.raises(DataError, match=r"does not contain all of esc10.*fold 1 has 79 of 80"):
        fetch("esc10", tmp_path / "root", url=shelf.put("a.zip", content), checksum=checksum, progress=False)
    assert _names(tmp_path / "root") == []


def test_damaged_audio_is_found_where_no_checksum_stands_for_it(
    tmp_path: Path, shelf: Any, make_esc: Callable[..., Any]
) -> None:
    made = make_esc()
    name = made.audio(17).name
    made.audio(17).write_bytes(made.audio(17).read_bytes()[:-50])
    url = shelf.put("a.zip", _zipped(made.root / "ESC-50", "ESC-50-master"))
    with pytest.raises(DataError, match=rf"1 damaged files \({name}: truncated"):
        fetch("esc10", tmp_path / "root", url=url, progress=False)
    assert _names(tmp_path / "root") == []


def test_a_folder_that_is_there_is_never_changed(shelf: Any, make_esc: Callable[..., Any]) -> None:
    made = make_esc(folds=(1, 2, 3), folder="ESC-50-master")
    before = {path: path.stat().st_mtime_ns for path in made.root.rglob("*")}
    with pytest.raises(DataError, match=r"ESC-50-master already exists but is incomplete; move it away"):
        fetch("esc10", made.root, url=shelf.put("a.zip", b"x"), progress=False)
    assert {path: path.stat().st_mtime_ns for path in made.root.rglob("*")} == before
    assert shelf.log == []


def test_an_interruption_while_unpacking_keeps_the_archive_for_the_next_call(
    tmp_path: Path, shelf: Any, archive: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, root = shelf.put("master.zip", archive), tmp_path / "root"

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "unpack", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fetch("esc10", root, url=url, progress=False)
    assert len(_names(root)) == 1
    fetch("esc10", root, url=url, progress=False)
    assert len(shelf.log) == 1
    assert _names(root) == ["ESC-50"]


def test_archives_of_two_addresses_are_not_confused(
    tmp_path: Path, shelf: Any, archive: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = shelf.put("bad.zip", b"PK nonsense"), shelf.put("good.zip", archive)

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "unpack", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fetch("esc10", tmp_path / "root", url=bad, progress=False)
    assert fetch("esc10", tmp_path / "root", url=good, progress=False).is_dir()


@pytest.mark.parametrize("progress", [True, False])
def test_progress_is_shown_on_request(
    tmp_path: Path,
    shelf: Any,
    archive: bytes,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    progress: bool,
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    fetch("esc10", tmp_path / "root", url=shelf.put("master.zip", archive), progress=progress)
    whole = f"{len(archive) / 1000:.1f}/{len(archive) / 1000:.1f} kB"
    assert (whole in capfd.readouterr().err) == progress


@pytest.mark.parametrize(
    ("name", "said"), [("synthetic", "a study that uses it generates it"), ("esc51", "unknown data set 'esc51'")]
)
def test_what_has_no_source_is_refused(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(HarnessError, match=said):
        fetch(name, tmp_path, progress=False)


def test_a_root_that_is_a_file_says_so(tmp_path: Path, shelf: Any, archive: bytes) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match="cannot be written here"):
        fetch("esc10", tmp_path / "file", url=shelf.put("a.zip", archive), progress=False)


def test_the_official_sources_are_https_and_only_zenodo_promises_a_checksum() -> None:
    sources = {dataset.name: dataset.source for dataset in DATASETS if dataset.source}
    assert all(source.url.startswith("https://") for source in sources.values())
    assert sources["urbansound8k"].checksum == "md5:9aa69802bbf37fb986f71ec1483a196e"
    assert sources["esc50"].checksum is None
