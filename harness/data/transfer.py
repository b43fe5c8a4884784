"""A downloader for pooch that resumes interrupted downloads.

pooch names the file, verifies the checksum and moves the result into place; this module fetches the bytes. They are
collected in a ``.part`` file that outlives the process, with a small JSON file that records the version of the resource
(RFC 9110: Range, If-Range, Content-Range, ETag), so that pieces of two versions never mix.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import DataError
from harness.system.environment_variables import reach_loopback_directly
from harness.terminal.progress import download_bar

if TYPE_CHECKING:
    import requests

_CHUNK = 1 << 18
_LENGTH = re.compile(r"[0-9]{1,18}")
_RANGE = re.compile(r"bytes ([0-9]{1,18})-[0-9]{1,18}/([0-9]{1,18}|\*)")
_RETRIED = (408, 425, 429, 500, 502, 503, 504)


class _BrokenOffError(Exception):
    """A transfer that stopped early and may be resumed."""


@dataclass
class ResumingDownloader:
    """Fetch a URL into ``part``, then move it into place; callable as a pooch downloader.

    Attributes
    ----------
    part
        File that collects the bytes; kept when the download fails, so that the next call resumes.
    attempts
        Number of consecutive attempts without a new byte before giving up.
    pause
        Seconds before the second attempt; doubled for each further one without a new byte.
    timeout
        Seconds to wait for a connection, and for the next bytes.
    progress
        Whether to show a bar with rate and time left.
    max_bytes
        Largest size of the resource; a server may send endlessly.
    slowest, window
        Bytes per second below which the download is given up, and the seconds over which they are averaged.
    """

    part: Path
    attempts: int = 5
    pause: float = 1.0
    timeout: tuple[float, float] = (20.0, 60.0)
    progress: bool = True
    max_bytes: int = 1 << 40
    slowest: int = 1024
    window: float = 300.0

    def __call__(self, url: str, output_file: str, _pooch: Any = None) -> None:
        """Fetch ``url`` and move it to ``output_file``.

        Raises
        ------
        DataError
            When the server refuses, sends too much or too slowly, the connection keeps failing, or the disk is too
            small.
        """
        fruitless, most = 0, self._size()
        pace = _Pace(self.slowest, self.window)
        while True:
            try:
                self._advance(url, pace)
                break
            except _BrokenOffError as error:
                # More than in any earlier attempt: a server without ranges starts from the beginning each time.
                fruitless = 0 if self._size() > most else fruitless + 1
                most = max(most, self._size())
                if fruitless >= self.attempts:
                    raise self._given_up(url, error) from None
                time.sleep(self.pause * 2.0 ** max(fruitless - 1, 0))
        self.part.replace(output_file)
        self._note.unlink(missing_ok=True)

    def _given_up(self, url: str, error: Exception) -> DataError:
        if not self._size():
            return DataError(
                f"{url}: cannot be fetched ({error}); check the network connection, or give another address with --url"
            )
        return DataError(
            f"{url}: the download was interrupted after {self._size()} bytes ({error}); the data received so far are "
            f"kept in {self.part}: run the same command again to resume"
        )

    @property
    def _note(self) -> Path:
        return self.part.with_name(self.part.name + ".json")

    def _size(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _advance(self, url: str, pace: _Pace) -> None:
        """Fetch what is missing of ``url``."""
        version = self._version(url)
        offset = self._size() if version else 0
        headers = {}
        if offset:
            headers["Range"] = f"bytes={offset}-"
            if version.get("validator"):
                headers["If-Range"] = version["validator"]
        with self._request(url, headers) as response:
            if response.status_code == 416:
                # Either the file is complete already, or its bytes are not of this resource.
                if version.get("total") == offset:
                    return
                self._forget()
                raise _BrokenOffError("the server does not have the requested range; starting over")
            self._refuse(url, response)
            offset, total = self._place(response, offset, version)
            self._limit(url, total or 0)
            self._reserve(url, total, offset)
            if not offset:
                self.part.unlink(missing_ok=True)
                note = {"url": _known_by(url), "validator": _validator(response), "total": total}
                self._note.write_text(json.dumps(note), encoding="utf-8")
            self._write(url, response, offset, total, pace)
        if total is not None and self._size() != total:
            raise _BrokenOffError(f"{self._size()} of {total} bytes")

    def _version(self, url: str) -> dict[str, Any]:
        """Return what is recorded of the bytes in ``part``; empty when they are not of ``url`` or their state is
        unknown."""
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        known = (
            isinstance(note, dict)
            and note.get("url") == _known_by(url)
            and (note.get("validator") or note.get("total"))
        )
        return note if known else {}

    def _forget(self) -> None:
        self.part.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def _place(self, response: requests.Response, offset: int, version: dict[str, Any]) -> tuple[int, int | None]:
        """Return the offset of the response's bytes, and the size of the resource, None when the server does not state
        it."""
        if response.status_code != 206:
            length = response.headers.get("Content-Length", "").strip()
            return 0, int(length) if _LENGTH.fullmatch(length) else None
        match = _RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
        total = int(match[2]) if match and match[2] != "*" else None
        if match is None or int(match[1]) != offset or total != version.get("total"):
            self._forget()
            raise _BrokenOffError("the server returned another range; starting over")
        return offset, total

    def _limit(self, url: str, size: int) -> None:
        """Refuse more than ``max_bytes``, and keep nothing of them."""
        if size > self.max_bytes:
            self._forget()
            raise DataError(
                f"{url}: the server sends {size} bytes, expected at most {self.max_bytes}; check the address"
            )

    def _reserve(self, url: str, total: int | None, offset: int) -> None:
        free = shutil.disk_usage(self.part.parent).free
        if total is not None and total - offset > free:
            raise DataError(
                f"{self.part.parent}: {(total - offset) / 1e9:.1f} GB of {url} remain to be downloaded, but "
                f"{free / 1e9:.1f} GB are free; free some space, or choose another data root with --data-root"
            )

    def _write(self, url: str, response: requests.Response, offset: int, total: int | None, pace: _Pace) -> None:
        import urllib3

        with (
            self.part.open("ab") as file,
            download_bar(self.part.stem, offset, total, shown=self.progress) as arrived,
        ):
            try:
                # Undecoded: some servers label a .tar.gz as gzip-encoded, and the checksum is of the archive. Reads
                # what has arrived, not a full chunk: with a slow server each byte would otherwise have its own timeout.
                while chunk := response.raw.read1(_CHUNK, decode_content=False):
                    offset += len(chunk)
                    self._limit(url, offset)
                    file.write(chunk)
                    arrived(offset)
                    pace.add(url, len(chunk))
            except (urllib3.exceptions.HTTPError, ConnectionError, TimeoutError) as error:
                raise _BrokenOffError(str(error)) from None
            finally:
                file.flush()
                os.fsync(file.fileno())

    @contextmanager
    def _request(self, url: str, headers: dict[str, str]) -> Iterator[requests.Response]:
        import requests

        reach_loopback_directly()
        try:
            response = requests.get(
                url,
                headers={"Accept-Encoding": "identity", **headers},
                stream=True,
                timeout=self.timeout,
                allow_redirects=True,
            )
        except (requests.ConnectionError, requests.Timeout) as error:
            raise _BrokenOffError(str(error)) from None
        except requests.RequestException as error:
            raise DataError(f"{url}: cannot be fetched ({error}); give an http or https address") from None
        with response:
            yield response

    def _refuse(self, url: str, response: requests.Response) -> None:
        if response.ok:
            return
        answer = f"the server answered {response.status_code} {response.reason}"
        if response.status_code in _RETRIED:
            raise _BrokenOffError(answer)
        raise DataError(f"{url}: {answer}; check the address, or give another one with --url")


class _Pace:
    """Download rate over consecutive windows; a server that sends a byte per minute would otherwise never end."""

    def __init__(self, slowest: int, window: float) -> None:
        self._slowest, self._window = slowest, window
        self._begun, self._bytes = time.monotonic(), 0

    def add(self, url: str, count: int) -> None:
        """Count bytes; DataError where a window has too few."""
        self._bytes += count
        seconds = time.monotonic() - self._begun
        if seconds < self._window:
            return
        if self._bytes < self._slowest * seconds:
            raise DataError(
                f"{url}: the server sends {self._bytes / seconds:.3g} bytes per second, which is too slow; the data "
                "received so far are kept: run the same command again to resume, or give another address with --url"
            )
        self._begun, self._bytes = time.monotonic(), 0


def _known_by(url: str) -> str:
    """Return the digest that identifies an address in the JSON file: the address itself may contain a secret."""
    return hashlib.sha256(url.encode()).hexdigest()


def _validator(response: requests.Response) -> str:
    """Return what identifies this version of the resource: a strong ETag, else the date of its last change."""
    tag = response.headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified", "")
