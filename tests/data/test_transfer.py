"""The downloader goes on where it stopped, and never joins pieces of two versions."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from harness.data.transfer import ResumingDownloader
from harness.errors import DataError

CONTENT = random.Random(1).randbytes(1_000_000)


def _downloader(tmp_path: Path, attempts: int = 3) -> ResumingDownloader:
    return ResumingDownloader(tmp_path / "a.part", attempts=attempts, pause=0.01, timeout=(5, 5), progress=False)


def _left(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in tmp_path.iterdir())


def test_a_whole_answer_is_moved_to_its_place(tmp_path: Path, shelf: Any) -> None:
    url = shelf.put("a.zip", CONTENT)
    _downloader(tmp_path)(url, str(tmp_path / "out"))
    assert (tmp_path / "out").read_bytes() == CONTENT
    assert _left(tmp_path) == ["out"]
    assert shelf.log == [(200, "")]


def test_a_broken_transfer_goes_on_within_one_call(tmp_path: Path, shelf: Any) -> None:
    url = shelf.put("a.zip", CONTENT)
    shelf.stop_after = [300_000, 300_000]
    _downloader(tmp_path)(url, str(tmp_path / "out"))
    assert (tmp_path / "out").read_bytes() == CONTENT
    assert [status for status, _ in shelf.log] == [200, 206, 206]
    offsets = [int(asked.removeprefix("bytes=").rstrip("-")) for _, asked in shelf.log[1:]]
    assert offsets == [300_000, 600_000]


def test_a_transfer_given_up_goes_on_in_the_next_call(tmp_path: Path, shelf: Any) -> None:
    url = shelf.put("a.zip", CONTENT)
    shelf.stop_after = [400_000, 0]
    with pytest.raises(DataError, match=r"was interrupted after 400000 bytes.*run the same command again"):
        _downloader(tmp_path, attempts=1)(url, str(tmp_path / "out"))
    assert (tmp_path / "a.part").stat().st_size == 400_000
    shelf.log.clear()
    _downloader(tmp_path)(url, str(tmp_path / "out"))
    assert (tmp_path / "out").read_bytes() == CONTENT
    assert shelf.log == [(206, "bytes=400000-")]


def test_another_version_is_fetched_from_the_start(tmp_path: Path, shelf: Any) -> None:
    url = shelf.put("a.zip", CONTENT)
    shelf.stop_after = [400_000]
    with pytest.raises(KeyboardInterrupt):
        _interrupted(_downloader(tmp_path), url, tmp_path)
    changed = CONTENT[::-1]
    shelf.put("a.zip", changed, etag='"two"')
    shelf.log.clear()
    shelf.stop_after = []
    _downloader(tmp_path)(url, str(tmp_path / "out"))
    assert (tmp_path / "out").read_bytes() == changed
    assert shelf.log == [(200, "bytes=400000-")]


def _interrupted(downloader: ResumingDownloader, url: str, tmp_path: Path) -> None:
    """Let the user stop the download when it first breaks off."""
    import harness.data.transfer as module

    def stop(_: float) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module.time, "sleep", stop)
        downloader(url, str(tmp_path / "out"))


def test_a_changed_size_without_any_tag_is_noticed(tmp_path: Path, shelf: Any) -> None:
    url = shelf.put("a.zip", CONTENT, etag="")
    shelf.stop_after = [400_000]
    with pytest.raises(KeyboardInterrupt):
        _interrupted(_downloader(tmp_path), url, tmp_path)
    changed = CONTENT[::-1] + b"more"
    shelf.put("a.zip", changed, etag="")
    shelf.stop_after = []
    _downloader(tmp_path)(url, str(tmp_path / "out"))
    assert (tmp_path / "out").read_bytes() == changed


def test_a_part_of_another_address_is_not_used(tmp_path: Path, shelf: Any) -> None:
    one, two = shelf.put("a.zip", CONTENT), shelf.put("b.zip", CONTENT[::-1])
    shelf.stop_after = [400_000]
    with pytest.raises(KeyboardInterrupt):
        _interrupted(_downloader(tmp_path), one, tmp_path)
    _downloader(tmp_path)(two, str(tmp_path / "out"))
    assert (tmp_path / "out").read_bytes() == CONTENT[::-1]


def test_a_server_without_ranges_starts_anew(tmp_path: Path, shelf: Any) -> None:
    shelf.ranges = False
    url = shelf.put("a.zip", CONTENT)
    shelf.stop_after = [300_000]
    _downloader(tmp_path)(url, str(tmp_path / "out"))
    assert (tmp_path / "out").read_bytes() == CONTENT
    assert [status for status, _ in shelf.log] == [200, 200]


def test_a_part_that_is_whole_needs_no_byte_more(tmp_path: Path, shelf: Any) -> None:
    url = shelf.put("a.zip", CONTENT)
    shelf.stop_after = [400_000]
    with pytest.raises(KeyboardInterrupt):
        _interrupted(_downloader(tmp_path), url, tmp_path)
    (tmp_path / "a.part").write_bytes(CONTENT)
    shelf.stop_after = []
    _downloader(tmp_path)(url, str(tmp_path / "out"))
    assert (tmp_path / "out").read_bytes() == CONTENT
    assert shelf.log[-1] == (416, f"bytes={len(CONTENT)}-")


def test_a_part_longer_than_the_resource_is_thrown_away(tmp_path: Path, shelf: Any) -> None:
    url = shelf.put("a.zip", CONTENT)
    shelf.stop_after = [400_000]
    with pytest.raises(KeyboardInterrupt):
        _interrupted(_downloader(tmp_path), url, tmp_path)
    (tmp_path / "a.part").write_bytes(CONTENT + b"more")
    shelf.stop_after = []
    _downloader(tmp_path)(url, str(tmp_path / "out"))
    assert (tmp_path / "out").read_bytes() == CONTENT


def test_an_answer_without_length_is_taken_whole(tmp_path: Path, shelf: Any) -> None:
    shelf.tell_length = False
    url = shelf.put("a.zip", CONTENT)
    _downloader(tmp_path)(url, str(tmp_path / "out"))
    assert (tmp_path / "out").read_bytes() == CONTENT


def test_a_busy_server_is_asked_again(tmp_path: Path, shelf: Any) -> None:
    url = shelf.put("a.zip", CONTENT)
    shelf.refuse = [503, 429]
    _downloader(tmp_path)(url, str(tmp_path / "out"))
    assert [status for status, _ in shelf.log] == [503, 429, 200]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/absent.zip", "the server answered 404 Not Found; check the address"),
        (None, "cannot be fetched .* check the network"),
    ],
)
def test_what_cannot_be_fetched_says_why(tmp_path: Path, shelf: Any, path: str | None, said: str) -> None:
    # Port 9 (discard) has no listener on a machine of today.
    url = "http://127.0.0.1:9/a.zip" if path is None else shelf.address + path
    with pytest.raises(DataError, match=said):
        _downloader(tmp_path)(url, str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://127.0.0.1/a.zip", "a.zip"])
def test_other_kinds_of_addresses_are_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(DataError, match="give an http or https address"):
        _downloader(tmp_path)(url, str(tmp_path / "out"))


def test_a_full_disk_is_said_before_the_first_byte(tmp_path: Path, shelf: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import harness.data.transfer as module

    url = shelf.put("a.zip", CONTENT)
    usage = module.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: usage._replace(free=999_999))
    with pytest.raises(DataError, match="remain to be downloaded"):
        _downloader(tmp_path)(url, str(tmp_path / "out"))
    assert _left(tmp_path) == []
