"""Reading an archive's bytes on behalf of an archive module: counted, and with bounded reads.

tarfile reads a header at once, whatever size it claims: 14 MB of gzip can contain a PAX header of 3 GiB. zipfile does
the same with the list of members at the end of the file. Both read here through a file object that refuses such reads.
"""

from __future__ import annotations

import io
import lzma
from typing import IO, Protocol

CHUNK = 1 << 20
"""Most bytes of one read: an archive module requests more only where a header claims to be longer."""

# `xz -9` needs 65 MiB; the format allows 4 GiB.
_XZ_MEMORY = 1 << 28


class TooLargeError(Exception):
    """An archive exceeds its bounds; the text says which."""


class Readable(Protocol):
    """A readable source: a file, or a decompressor of one."""

    def read(self, size: int = -1, /) -> bytes:
        """Return at most ``size`` bytes, none at the end."""


class Counted:
    """A forward-only stream.

    It raises TooLargeError instead of returning more than ``limit`` bytes in total, or more than :data:`CHUNK` bytes of
    headers after a call of :meth:`next_header`.
    """

    def __init__(self, stream: Readable, limit: int) -> None:
        self._stream = stream
        self._limit = limit
        self._place = 0
        self._header: int | None = CHUNK
        self.last = b""
        """The bytes read last."""

    def next_header(self) -> None:
        """Begin to read headers."""
        self._header = CHUNK

    def content(self) -> None:
        """Begin to read a member's content, which its reader counts."""
        self._header = None

    def tell(self) -> int:
        """Return the position in the stream."""
        return self._place

    def seek(self, place: int) -> int:
        """Go forward to ``place``, or to the end."""
        if place < self._place:
            raise TooLargeError("has a header that points backwards")
        while self._place < place and self._take(min(CHUNK, place - self._place)):
            pass
        return self._place

    def read(self, size: int = -1) -> bytes:
        """Return ``size`` bytes, fewer at the end."""
        if self._header is not None:
            self._header -= size
        if not 0 <= size <= CHUNK or (self._header or 0) < 0:
            raise TooLargeError(f"has more than {CHUNK} bytes of headers before a member, or a negative header size")
        self.last = self._take(size)
        return self.last

    def _take(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._place += len(data)
        if self._place > self._limit:
            raise TooLargeError(f"unpacks to more than {self._limit} bytes, headers included")
        return data


class Short(io.FileIO):
    """A file with at most ``limit`` bytes per read."""

    limit = CHUNK

    def read(self, size: int | None = -1, /) -> bytes:
        """Return ``size`` bytes, fewer at the end."""
        left = self._left() if size is None or size < 0 else size
        if left > self.limit:
            raise TooLargeError(f"has a member list of {left} bytes, expected at most {self.limit}")
        return super().read(left) or b""

    def _left(self) -> int:
        place = self.tell()
        end = self.seek(0, io.SEEK_END)
        self.seek(place)
        return max(end - place, 0)


class Xz(io.RawIOBase):
    """The content of an xz file. lzma.open does not bound the memory that the file can require."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decompressor = lzma.LZMADecompressor(memlimit=_XZ_MEMORY)

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill ``buffer`` with the output of one step; 0 at the end."""
        while True:
            packed = b""
            if self._decompressor.eof:
                packed = self._decompressor.unused_data or self._file.read(io.DEFAULT_BUFFER_SIZE)
                if not packed:
                    return 0
                self._decompressor = lzma.LZMADecompressor(memlimit=_XZ_MEMORY)
            elif self._decompressor.needs_input:
                packed = self._file.read(io.DEFAULT_BUFFER_SIZE)
                if not packed:
                    raise EOFError("the xz file is truncated")
            if data := self._decompressor.decompress(packed, len(buffer)):
                buffer[: len(data)] = data
                return len(data)
