"""The bytes of an archive as an archive module reads them: counted, and never many at once.

tarfile reads a header at once, whatever size it claims: 14 MB of gzip can hold a PAX header of 3 GiB. zipfile does the
same with the list of members at the end of the file. Both read here through a file that refuses.
"""

from __future__ import annotations

import io
import lzma
from typing import IO, Protocol

CHUNK = 1 << 20
"""Most bytes of one read: an archive module asks for more only where a header is said to be longer."""

# `xz -9` needs 65 MiB; the format allows 4 GiB.
_XZ_MEMORY = 1 << 28


class TooLargeError(Exception):
    """An archive demands more than it may; the text says what."""


class Readable(Protocol):
    """What is read: a file, or what decompresses one."""

    def read(self, size: int = -1, /) -> bytes:
        """Return at most ``size`` bytes, none at the end."""


class Counted:
    """A stream that only goes forward.

    It raises TooLargeError instead of giving more than ``limit`` bytes in all, or more than :data:`CHUNK` bytes of
    headers after a call of :meth:`next_header`.
    """

    def __init__(self, stream: Readable, limit: int) -> None:
        self._stream = stream
        self._limit = limit
        self._place = 0
        self._header: int | None = CHUNK
        self.last = b""
        """What was read last."""

    def next_header(self) -> None:
        """From now on headers are read."""
        self._header = CHUNK

    def content(self) -> None:
        """From now on a member's content is read, which its reader counts."""
        self._header = None

    def tell(self) -> int:
        """Return the place in the stream."""
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
            raise TooLargeError(f"has headers of more than {CHUNK} bytes before a member, or of a size below 0")
        self.last = self._take(size)
        return self.last

    def _take(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._place += len(data)
        if self._place > self._limit:
            raise TooLargeError(f"unpacks to more than {self._limit} bytes, headers included")
        return data


class Short(io.FileIO):
    """A file of which at most ``limit`` bytes are read at once."""

    limit = CHUNK

    def read(self, size: int | None = -1, /) -> bytes:
        """Return ``size`` bytes, fewer at the end."""
        left = self._left() if size is None or size < 0 else size
        if left > self.limit:
            raise TooLargeError(f"has a list of members of {left} bytes, at most {self.limit} are expected")
        return super().read(left) or b""

    def _left(self) -> int:
        place = self.tell()
        end = self.seek(0, io.SEEK_END)
        self.seek(place)
        return max(end - place, 0)


class Xz(io.RawIOBase):
    """The content of an xz file. lzma.open has no bound for the memory that the file may demand."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decompressor = lzma.LZMADecompressor(memlimit=_XZ_MEMORY)

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill ``buffer`` as far as one step goes; 0 at the end."""
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
                    raise EOFError("the xz file ends early")
            if data := self._decompressor.decompress(packed, len(buffer)):
                buffer[: len(data)] = data
                return len(data)
