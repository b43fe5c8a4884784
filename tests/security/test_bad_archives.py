"""Downloads that are not what they should be, through `harness data fetch`; and two fetches at the same time."""

from __future__ import annotations

import contextlib
import functools
import gzip
import hashlib
import http.server
import io
import json
import os
import stat
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st

import harness.data.download as module
from harness.cli import cli
from harness.data.unpack import unpack
from harness.errors import DataError
from harness.registry import DATASETS
from tests.security.conftest import COLUMNS, ESC10
from tests.security.fuzz import fuzz


def _tar(members: list[tuple[str, bytes, bytes, str]]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as file:
        for name, kind, data, link in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.size = kind, link, len(data)
            file.addfile(info, io.BytesIO(data))
    return content.getvalue()


def _zip(members: dict[str, bytes], link: str = "") -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system, info.external_attr = 3, (stat.S_IFLNK if name == link else stat.S_IFREG | 0o644) << 16
            file.writestr(info, data)
    return content.getvalue()


def _long_header(megabytes: int) -> bytes:
    """Return a gzipped tar that begins with a PAX header of so many megabytes (10**6 zeros make 1 kB)."""
    info = tarfile.TarInfo("p")
    info.type, info.size = tarfile.XHDTYPE, megabytes * 1_000_000
    zeros = gzip.compress(bytes(1_000_000))
    return gzip.compress(info.tobuf(tarfile.GNU_FORMAT)) + zeros * megabytes


CASES: dict[str, tuple[bytes, str]] = {
    "a path out of the folder": (_tar([("ESC-50/../../evil", tarfile.REGTYPE, b"x", "")]), "points outside the folder"),
    "an absolute path": (_zip({"/tmp/evil": b"x"}), "points outside the folder"),
    "a symbolic link": (_tar([("ESC-50", tarfile.SYMTYPE, b"", "/")]), "is a link"),
    "a symbolic link in a zip": (_zip({"ESC-50/meta": b"/etc"}, link="ESC-50/meta"), "is a link"),
    "a hard link": (_tar([("ESC-50/x", tarfile.LNKTYPE, b"", "/etc/passwd")]), "is a link"),
    "a device": (_tar([("ESC-50/x", tarfile.CHRTYPE, b"", "")]), "a device"),
    "a bomb": (_zip({"ESC-50/audio/x.wav": bytes(3_000_000)}), "exceeds the 2000000 bytes"),
    "headers of 48 MB in 50 kB": (_long_header(48), "more than 1048576 bytes of headers"),
    "names that differ in case": (_zip({"ESC-50/a": b"x", "ESC-50/A": b"y"}), "collides with another member"),
    "a file below a file": (_zip({"ESC-50": b"x", "ESC-50/A": b"y"}), "collides with another member"),
    "an escape sequence": (_zip({"ESC-50/\x1b]0;evil\x07": b"x"}), "unprintable character"),
    "a name too long": (_zip({"ESC-50/" + "x" * 300: b"x"}), "a name of more than"),
    "half an archive": (_zip({"ESC-50/x": np.random.default_rng(0).bytes(9000)})[:4000], "neither a zip nor a tar"),
    "a web page": (b"<html>Please log in</html>", "neither a zip nor a tar"),
    "nothing": (b"", "neither a zip nor a tar"),
    "another archive": (_zip({"other/readme.txt": b"x"}), "has no ESC-50/meta/esc50.csv"),
    "bad metadata": (_zip({"ESC-50/meta/esc50.csv": b"a,b\n1,2\n"}), "has no column 'filename'"),
}


class Server:
    """A web server on this machine whose files a test puts there.

    ``asked`` counts requests, ``gate`` holds answers, ``answer`` gives another one.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked = 0
        self.gate = threading.Event()
        self.gate.set()
        self.answer: Callable[[http.server.BaseHTTPRequestHandler], None] | None = None
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                return

            def do_GET(self) -> None:
                server.asked += 1
                server.gate.wait(60)
                if server.answer is not None:
                    with contextlib.suppress(OSError):  # the client has gone
                        server.answer(self)
                    return
                content = server.files[self.path]
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def put(self, content: bytes) -> str:
        self.files["/archive"] = content
        return f"http://127.0.0.1:{self.http.server_address[1]}/archive"


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.http.shutdown()
    made.http.server_close()


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let two megabytes be too much, so that a bomb need not be large."""
    known = DATASETS.get("esc10")
    assert known.source
    monkeypatch.setitem(DATASETS._items, "esc10", replace(known, source=replace(known.source, max_bytes=2_000_000)))


def _fetch(root: Path, url: str, *more: str) -> object:
    return CliRunner().invoke(cli, ["data", "fetch", "esc10", "--data-root", str(root), "--url", url, *more])


@pytest.mark.parametrize("case", CASES)
def test_a_bad_archive_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, server: Server, refusal: Callable[..., str], case: str
) -> None:
    content, said = CASES[case]
    message = refusal(_fetch(tmp_path / "root", server.put(content)), said)
    assert "; " in message
    assert [path.name for path in tmp_path.rglob("*")] == ["root"]


WITHIN = """
import json, resource, sys
from harness.cli import cli
import harness.data.download, pooch, requests, rich.progress
pages = int(open("/proc/self/statm").read().split()[0])
most = pages * resource.getpagesize() + 400_000_000
resource.setrlimit(resource.RLIMIT_AS, (most, most))
cli(json.loads(sys.argv[1]), prog_name="harness")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limiting memory needs Linux")
def test_three_gigabytes_of_header_in_a_small_archive_need_no_memory(tmp_path: Path, server: Server) -> None:
    content, said = _long_header(3000), b"more than 1048576 bytes of headers"
    root = tmp_path / "root"
    arguments = ["data", "fetch", "esc10", "--data-root", str(root), "--url", server.put(content)]
    done = subprocess.run(
        [sys.executable, "-c", WITHIN, json.dumps(arguments)], capture_output=True, timeout=300, check=False,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert b"Traceback" not in done.stderr
    assert done.stderr.count(b"error: ") == 1
    assert list(root.iterdir()) == []


def test_memory_that_runs_out_is_one_sentence(
    tmp_path: Path, server: Server, refusal: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> object:
        raise MemoryError

    url = server.put(_zip({"a": b"x"}))
    monkeypatch.setattr("harness.data.archive_members.zipfile.ZipFile", full)
    refusal(_fetch(tmp_path / "root", url), "needs more memory than is available")
    assert list((tmp_path / "root").iterdir()) == []


def _quick(monkeypatch: pytest.MonkeyPatch, **settings: object) -> None:
    """Let a download be given up after a second."""
    made = functools.partial(module.ResumingDownloader, attempts=2, pause=0.01, **settings)  # type: ignore[arg-type]
    monkeypatch.setattr(module, "ResumingDownloader", made)


def _begin(handler: http.server.BaseHTTPRequestHandler, **headers: str) -> None:
    handler.send_response(200)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()


@pytest.mark.parametrize("headers", [{}, {"Content_Length": "9" * 5000}, {"Content_Length": "\u00b2"}], ids=repr)
def test_a_download_without_an_end_is_given_up(
    tmp_path: Path,
    server: Server,
    refusal: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    headers: dict[str, str],
) -> None:
    sent = []

    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        _begin(handler, **headers)
        while True:
            sent.append(handler.wfile.write(bytes(100_000)))

    server.answer = answer
    _quick(monkeypatch)
    refusal(_fetch(tmp_path / "root", server.put(b"")), "expected at most 2000000", "check the address")
    assert list((tmp_path / "root").iterdir()) == []
    assert sum(sent) < 50_000_000


def test_chunks_without_an_end_are_given_up(
    tmp_path: Path, server: Server, refusal: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.protocol_version = "HTTP/1.1"
        _begin(handler, Transfer_Encoding="chunked")
        while True:
            handler.wfile.write(b"186a0\r\n" + bytes(100_000) + b"\r\n")

    server.answer = answer
    _quick(monkeypatch)
    refusal(_fetch(tmp_path / "root", server.put(b"")), "expected at most 2000000")
    assert list((tmp_path / "root").iterdir()) == []


def test_more_than_fits_is_refused_before_a_byte_is_fetched(
    tmp_path: Path, server: Server, refusal: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answer = functools.partial(_begin, Content_Length="2000001")
    _quick(monkeypatch)
    refusal(_fetch(tmp_path / "root", server.put(b"")), "sends 2000001 bytes, expected at most 2000000")
    assert list((tmp_path / "root").iterdir()) == []


@pytest.mark.parametrize("closes", [False, True], ids=["one connection", "a connection for each byte"])
def test_a_server_that_sends_a_byte_at_a_time_is_given_up(
    tmp_path: Path, server: Server, refusal: Callable[..., str], monkeypatch: pytest.MonkeyPatch, closes: bool
) -> None:
    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        start = int(handler.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        handler.send_response(206 if start else 200)
        handler.send_header("ETag", '"a"')
        handler.send_header("Content-Length", str(1000 - start))
        handler.send_header("Content-Range", f"bytes {start}-999/1000")
        handler.end_headers()
        for _ in range(1 if closes else 1000):
            handler.wfile.write(b"P")
            handler.wfile.flush()
            time.sleep(0.02)

    server.answer = answer
    _quick(monkeypatch, window=0.5)
    began = time.monotonic()
    refusal(
        _fetch(tmp_path / "root", server.put(b"")),
        "bytes per second, which is too slow",
        "run the same command again to resume",
    )
    assert time.monotonic() - began < 10


def test_a_server_that_sends_less_each_other_time_is_given_up(
    tmp_path: Path, server: Server, refusal: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        _begin(handler, Content_Length="9000")
        handler.wfile.write(bytes(500 if server.asked % 2 else 400))

    server.answer = answer
    _quick(monkeypatch)
    refusal(_fetch(tmp_path / "root", server.put(b"")), "the download was interrupted", "run the same command again")
    assert server.asked < 6


def test_bytes_beyond_those_promised_are_not_read(
    tmp_path: Path, server: Server, refusal: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        _begin(handler, Content_Length="4")
        handler.wfile.write(b"PK\3\4" + bytes(100_000))

    server.answer = answer
    _quick(monkeypatch)
    refusal(_fetch(tmp_path / "root", server.put(b"")), "neither a zip nor a tar")
    assert list((tmp_path / "root").iterdir()) == []


def test_a_wrong_checksum_is_told_with_what_to_do(tmp_path: Path, server: Server, refusal: Callable[..., str]) -> None:
    url = server.put(_zip({"ESC-50/x": b"x"}))
    wrong = f"sha256:{hashlib.sha256(b'other').hexdigest()}"
    refusal(_fetch(tmp_path / "root", url, "--checksum", wrong), url, wrong, "fetch again")
    refusal(_fetch(tmp_path / "root", url, "--checksum", "md5:12"), "md5:12", "expected algorithm:digest")
    assert [path.name for path in tmp_path.rglob("*")] == ["root"]


@fuzz(150)
@given(
    kind=st.sampled_from(["zip", "tar"]),
    edits=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=4),
    keep=st.just(1.0) | st.floats(0, 1),
)
@example(kind="zip", edits=[(0.984375, 1)], keep=1.0)  # its list begins before the archive
def test_a_damaged_archive_is_unpacked_below_its_folder_or_refused(
    tmp_path_factory: pytest.TempPathFactory, kind: str, edits: list[tuple[float, int]], keep: float
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    content = bytearray(_zip({"a/b": b"x" * 300, "c": b"y"}) if kind == "zip" else _plain_tar())
    for place, value in edits:
        content[int(place * (len(content) - 1))] = value
    archive = folder / "archive"
    archive.write_bytes(content[: int(keep * len(content))])
    _unpacks_or_refuses(archive)


@fuzz(100)
@given(
    kinds=st.lists(
        st.tuples(
            st.sampled_from("0127345678gxXLKSVMDNZ\0"),
            st.text(max_size=120) | st.sampled_from(["../x", "/x", "a", "A", "a/b", "."]),
            st.integers(-(2**40), 2**40) | st.integers(0, 2000),
            st.binary(max_size=1500)
            | st.sampled_from(
                [b"18 path=../../x12\n", b"13 size=-512\n", b"30 GNU.sparse.map=0,1,2,3,4,5\n", b"9 \n", b"0 a=b\n"]
            ),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_any_headers_are_unpacked_below_their_folder_or_refused(
    tmp_path_factory: pytest.TempPathFactory, kinds: list[tuple[str, str, int, bytes]]
) -> None:
    content = b""
    for kind, name, size, data in kinds:
        info = tarfile.TarInfo(name)
        info.type, info.size, info.mode = kind.encode(), size, 0o7777
        content += info.tobuf(tarfile.GNU_FORMAT, errors="replace") + data + bytes(-len(data) % 512)
    folder = tmp_path_factory.mktemp("fuzz")
    archive = folder / "archive"
    archive.write_bytes(content + bytes(1024))
    _unpacks_or_refuses(archive)


def _unpacks_or_refuses(archive: Path) -> None:
    """Unpack an archive beside itself; whatever comes of it is small, below its folder, and no link."""
    folder = archive.parent
    try:
        unpack(archive, folder / "out", max_bytes=1000, max_members=5)
    except DataError as error:
        assert str(archive) in str(error)  # noqa: PT017
    assert {path.name for path in folder.iterdir()} <= {"archive", "out"}
    assert not any(path.is_symlink() for path in folder.rglob("*"))
    assert sum(path.stat().st_size for path in (folder / "out").rglob("*") if path.is_file()) <= 1000


def _plain_tar() -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as file:
        for name, size in (("a/b", 300), ("c", 1)):
            info = tarfile.TarInfo(name)
            info.size = size
            file.addfile(info, io.BytesIO(b"x" * size))
    return content.getvalue()


def _whole_esc10() -> bytes:
    """Return ESC-10 as an archive, all of its clips the same tenth of a second."""
    sound = io.BytesIO()
    soundfile.write(sound, np.full(800, 0.1), 8000, format="WAV")
    rows = [
        (f"{fold}-{fold * 1000 + target * 10 + clip}-A-{target}.wav", fold, target, clip)
        for fold in range(1, 6)
        for target in ESC10
        for clip in range(8)
    ]
    table = ",".join(COLUMNS) + "\n"
    table += "".join(
        f"{name},{fold},{target},c{target},True,{fold}{target}{clip},A\n" for name, fold, target, clip in rows
    )
    return _zip(
        {"ESC-50/meta/esc50.csv": table.encode()} | {f"ESC-50/audio/{row[0]}": sound.getvalue() for row in rows}
    )


def test_two_fetches_at_once_download_once(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    url, root = server.put(_whole_esc10()), tmp_path / "root"
    server.gate.clear()
    waiting = threading.Event()
    monkeypatch.setattr(module._logger, "warning", lambda *_: waiting.set())
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(module.fetch, "esc10", root, url=url, progress=False) for _ in range(2)]
        assert waiting.wait(60)
        server.gate.set()
        assert {each.result() for each in both} == {root / "ESC-50"}
    assert server.asked == 1
    assert [path.name for path in root.iterdir()] == ["ESC-50"]


def test_an_address_with_a_token_is_not_written_down(tmp_path: Path, server: Server) -> None:
    url = f"{server.put(bytes(5000))}?token=qz-secret"
    server.files["/archive?token=qz-secret"] = bytes(5000)
    with pytest.raises(KeyboardInterrupt), pytest.MonkeyPatch.context() as patch:  # noqa: PT012
        patch.setattr(module.ResumingDownloader, "_write", _interrupt)
        module.fetch("esc10", tmp_path, url=url, progress=False)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name.endswith(".part.json") for path in files)
    assert not any(b"qz-secret" in path.read_bytes() or "qz-secret" in path.name for path in files)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
