"""Unpacking an archive from elsewhere: nothing outside the target, no links, no more bytes than expected."""

from __future__ import annotations

import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, NoReturn

from harness.errors import DataError

_CHUNK = 1 << 20
# zipfile raises RuntimeError for an encrypted member, NotImplementedError for a compression it does not know.
_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError)


def unpack(archive: Path, target: Path, *, max_bytes: int, max_members: int = 200_000) -> None:
    """Unpack the zip or tar ``archive`` (gzip, bzip2 and xz alike) into the folder ``target``, which is created.

    Regular files and folders alone are written; permissions and owners of the archive are not. Members are refused
    before the first of their bytes is written, and bytes are counted as they come, whatever the archive's headers say.

    Raises
    ------
    OSError
        When the system cannot write, for lack of room or rights.
    DataError
        When a member has an absolute path or one that leaves ``target``, is a link, a device or a pipe, or stands in
        the place of another; when there are more than ``max_bytes`` or ``max_members``; when the archive is damaged,
        encrypted or of another format. What was written until then stays: give a folder that can be thrown away.
    """
    target.mkdir(parents=True, exist_ok=True)
    budget = max_bytes
    try:
        for count, (name, content) in enumerate(_members(archive, target)):
            if count >= max_members:
                _refuse(archive, name, f"is member {count + 1}, at most {max_members} are expected")
            file = _create(archive, target / name, name, is_folder=content is None)
            if file is None or content is None:
                continue
            with file:
                while chunk := content.read(_CHUNK):
                    budget -= len(chunk)
                    if budget < 0:
                        _refuse(archive, name, f"goes beyond the {max_bytes} bytes expected of the whole archive")
                    file.write(chunk)
    except (*_DAMAGED, OSError) as error:
        # An OSError with a number is the system's (a full disk, say); without, it is gzip's or bzip2's of the content.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise DataError(f"{archive}: cannot be unpacked ({error}); delete it and fetch it again") from None


def _create(archive: Path, path: Path, name: PurePosixPath, is_folder: bool) -> IO[bytes] | None:
    """Make the folder, or return the new file, that a member becomes."""
    try:
        (path if is_folder else path.parent).mkdir(parents=True, exist_ok=True)
        return None if is_folder else path.open("xb")
    except (FileExistsError, NotADirectoryError):
        _refuse(archive, name, "collides with another member")


def _members(archive: Path, target: Path) -> Iterator[tuple[PurePosixPath, IO[bytes] | None]]:
    """Yield each member's checked name and open content, None for a folder; the content is closed afterwards."""
    if zipfile.is_zipfile(archive):
        yield from _zip_members(archive)
    elif tarfile.is_tarfile(archive):
        yield from _tar_members(archive, target)
    else:
        raise DataError(f"{archive}: is neither a zip nor a tar archive; check the address it came from")


def _zip_members(archive: Path) -> Iterator[tuple[PurePosixPath, IO[bytes] | None]]:
    with zipfile.ZipFile(archive) as file:
        for info in file.infolist():
            # orig_filename: zipfile cuts a name at a NUL byte and turns the system's separators.
            name = _safe_name(archive, info.orig_filename)
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                _refuse(archive, name, "is a link or a device")
            if info.is_dir():
                yield name, None
                continue
            with file.open(info) as content:
                yield name, content


def _tar_members(archive: Path, target: Path) -> Iterator[tuple[PurePosixPath, IO[bytes] | None]]:
    with tarfile.open(archive, "r:*") as file:
        for member in file:
            name = _safe_name(archive, member.name)
            if not (member.isreg() or member.isdir()):
                _refuse(archive, name, "is a link, a device or a pipe")
            # A second opinion, where this Python has it (3.11.4 and later): the standard library's own filter.
            if hasattr(tarfile, "data_filter"):
                tarfile.data_filter(member, str(target))
            if member.isdir():
                yield name, None
                continue
            content = file.extractfile(member)
            if content is None:
                _refuse(archive, name, "has no content")
            with content:
                yield name, content


def _safe_name(archive: Path, name: str) -> PurePosixPath:
    """Return ``name`` as a path below the target."""
    path = PurePosixPath(name)
    if name.startswith("/") or ".." in path.parts or (not path.name and name.strip("./")):
        _refuse(archive, name, "leads out of the folder it is unpacked into")
    if any(sign in name for sign in "\\:\0"):
        _refuse(archive, name, "has a backslash, a colon or a NUL in its name")
    return path


def _refuse(archive: Path, name: object, what: str) -> NoReturn:
    raise DataError(
        f"{archive}: refused, member {str(name)!r} {what}; this is not the data set's own archive: delete it and check "
        "the address it came from"
    )
