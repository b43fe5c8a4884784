"""The members of an untrusted archive, one by one: plain files and folders with names below the target."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path, PurePosixPath
from typing import IO, NoReturn

from harness.data.bounded_streams import CHUNK, Counted, Short, TooLargeError, Xz
from harness.errors import DataError
from harness.text.messages import shortened

DAMAGED = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, TooLargeError,
    # An invalid or absurdly large number in a header; deeply nested headers.
    ValueError, OverflowError, RecursionError, MemoryError, LookupError, struct.error,
    # zipfile: an encrypted member, or an unknown compression method.
    RuntimeError,
)  # fmt: skip
"""Exceptions raised for a damaged archive, besides an OSError without a number (gzip's and bzip2's)."""

# A header and the padding of a small file; it also leaves room for an extra header with a long name and times.
_BESIDE_CONTENT = 4096
# An entry of a zip's list has 46 bytes, a name, and often about 30 bytes of times and permissions.
_LIST_ENTRY = 256
_LONGEST, _LONGEST_PART, _DEEPEST = 500, 255, 30
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

Member = tuple[PurePosixPath, IO[bytes] | None]


def members(archive: Path, target: Path, max_bytes: int, max_members: int) -> Iterator[Member]:
    """Yield each member's checked name and open content, None for a folder; the content is closed afterwards.

    Parameters
    ----------
    archive : Path
        A zip or tar file.
    target : Path
        Folder below which all names must be.
    max_bytes : int
        Bound on the bytes of all members together, uncompressed.
    max_members : int
        Bound on the number of members.

    Raises
    ------
    DataError
        When a member is neither a plain file nor a folder, or its name does not lead to a place below ``target``; when
        the archive has another format, or needs more memory or bytes than the bounds allow.
    OSError, and any of :data:`DAMAGED`
        When the archive is damaged.
    """
    if zipfile.is_zipfile(archive):
        found = _zip_members(archive, max_members)
    else:
        found = _tar_members(archive, target, max_bytes + CHUNK + max_members * _BESIDE_CONTENT)
    for count, (name, content) in enumerate(found):
        if count >= max_members:
            refuse(archive, name, f"is member {count + 1}, but at most {max_members} are expected")
        yield name, content


def refuse(archive: Path, name: object, what: str) -> NoReturn:
    """Raise the DataError for a member that is not unpacked."""
    raise DataError(
        f"{archive}: rejected, member {shortened(str(name), 100)!r} {what}; this is not the original archive of "
        "the data set: delete it and check the address it came from"
    )


def _zip_members(archive: Path, max_members: int) -> Iterator[Member]:
    opened = Short(archive)
    opened.limit = CHUNK + max_members * _LIST_ENTRY
    with opened, zipfile.ZipFile(opened) as file:
        for info in file.infolist():
            # orig_filename: zipfile truncates a name at a NUL byte and converts the system's separators.
            name = _safe_name(archive, info.orig_filename)
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                refuse(archive, name, "is a link or a device")
            if info.is_dir():
                yield name, None
                continue
            if info.flag_bits & 1:
                refuse(archive, name, "is encrypted")
            if info.compress_type not in _COMPRESSIONS:
                # With other methods zipfile decompresses all that it has read at once, however large the result.
                refuse(
                    archive,
                    name,
                    f"uses compression method {info.compress_type}; only stored and deflated members are accepted",
                )
            if info.header_offset < 0:
                # A damaged list of members; zipfile would seek there.
                refuse(archive, name, "begins before the archive does")
            with file.open(info) as content:
                yield name, content


def _tar_members(archive: Path, target: Path, limit: int) -> Iterator[Member]:
    with archive.open("rb") as packed, closing(_decompressed(packed)) as plain:
        stream = Counted(plain, limit)
        try:
            file = tarfile.TarFile(fileobj=stream)  # type: ignore[arg-type]
        except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError) as error:
            raise _unknown(archive, error) from None
        except OSError as error:
            if error.errno is not None:
                raise
            raise _unknown(archive, error) from None
        while (member := _next(archive, file, stream)) is not None:
            name = _safe_name(archive, member.name)
            if not (member.isreg() or member.isdir()):
                refuse(archive, name, "is a link, a device or a pipe")
            if member.issparse():
                refuse(archive, name, "is a sparse file")
            # An additional check, where this Python has it (3.11.4 and later): the standard library's own filter.
            if hasattr(tarfile, "data_filter"):
                tarfile.data_filter(member, str(target))
            if member.isdir():
                yield name, None
                continue
            content = file.extractfile(member)
            if content is None:
                refuse(archive, name, "has no content")
            stream.content()
            with content:
                yield name, content


def _next(archive: Path, file: tarfile.TarFile, stream: Counted) -> tarfile.TarInfo | None:
    """Return the next member, None at the end of the archive. Members are not kept: each may have a long header."""
    stream.next_header()
    member = file.next()
    file.members.clear()  # type: ignore[attr-defined]
    if sum(len(key) + len(value) for key, value in file.pax_headers.items()) > CHUNK:
        raise TooLargeError(f"has more than {CHUNK} bytes of headers that apply to all members")
    if member is None and any(stream.last):
        # tarfile treats a damaged header as the end.
        raise DataError(
            f"{archive}: cannot be unpacked (invalid header before byte {stream.tell()}); delete it and fetch it again"
        )
    return member


def _decompressed(file: IO[bytes]) -> IO[bytes]:
    start = file.read(6)
    file.seek(0)
    if start.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=file)  # type: ignore[return-value]
    if start.startswith(b"BZh"):
        return bz2.BZ2File(file)
    if start == b"\xfd7zXZ\0":
        return io.BufferedReader(Xz(file))
    return file


def _unknown(archive: Path, error: Exception) -> DataError:
    return DataError(f"{archive}: is neither a zip nor a tar archive ({error}); check the address it came from")


def _safe_name(archive: Path, name: str) -> PurePosixPath:
    """Return ``name`` as a path below the target."""
    path = PurePosixPath(name)
    if name.startswith("/") or ".." in path.parts or (not path.name and name.strip("./")):
        refuse(archive, name, "points outside the folder it is unpacked into")
    if any(sign in name for sign in "\\:\0") or not name.isprintable():
        refuse(archive, name, "has a backslash, a colon, a NUL or another unprintable character in its name")
    longest = max((len(part.encode()) for part in path.parts), default=0)
    if len(name.encode()) > _LONGEST or longest > _LONGEST_PART or len(path.parts) > _DEEPEST:
        refuse(
            archive,
            name,
            f"has a name of more than {_LONGEST} bytes, {_LONGEST_PART} in one part, or {_DEEPEST} folders deep",
        )
    return path
