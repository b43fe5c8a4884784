"""Unpacking an untrusted archive: nothing outside the target, no links, no more bytes or memory than expected."""

from __future__ import annotations

import unicodedata
from pathlib import Path, PurePosixPath
from typing import IO

from harness.data.archive_members import DAMAGED, members, refuse
from harness.data.bounded_streams import CHUNK
from harness.errors import DataError


def unpack(archive: Path, target: Path, *, max_bytes: int, max_members: int = 200_000) -> None:
    """Unpack a zip or tar archive (plain, gzip, bzip2 or xz).

    Only regular files and folders are written, without the archive's permissions and owners. Members are refused before
    the first of their bytes is written, and bytes are counted as they are read, whatever the archive's headers say.

    Parameters
    ----------
    archive : Path
        The archive.
    target : Path
        Folder to unpack into; created if missing.
    max_bytes : int
        Bound on the bytes of all members together, uncompressed.
    max_members : int
        Bound on the number of members.

    Raises
    ------
    OSError
        When the system cannot write, for lack of space or permission.
    DataError
        When a member has an absolute path or one that leaves ``target``, is a link, a device or a pipe, or has the name
        of another (upper and lower case are one, as some file systems have it); when there are more than ``max_bytes``
        or ``max_members``, or headers of more than 1 MiB before a member; when the archive is damaged, encrypted or of
        another format. What was written until then remains: use a folder that can be deleted.
    """
    target.mkdir(parents=True, exist_ok=True)
    budget = max_bytes
    spelled: dict[str, str] = {}
    try:
        for name, content in members(archive, target, max_bytes, max_members):
            _one_spelling(archive, name, spelled)
            file = _create(archive, target / name, name, is_folder=content is None)
            if file is None or content is None:
                continue
            with file:
                while chunk := content.read(CHUNK):
                    budget -= len(chunk)
                    if budget < 0:
                        refuse(archive, name, f"exceeds the {max_bytes} bytes expected of the archive")
                    file.write(chunk)
    except (*DAMAGED, OSError) as error:
        # An OSError with a number is the system's (such as a full disk); without, gzip's or bzip2's about the content.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        what = "it needs more memory than is available" if isinstance(error, MemoryError) else str(error)
        raise DataError(f"{archive}: cannot be unpacked ({what}); delete it and fetch it again") from None


def _one_spelling(archive: Path, name: PurePosixPath, spelled: dict[str, str]) -> None:
    """Refuse a name that differs from another only in case, or in the Unicode form of its accents."""
    for path in (name, *name.parents):
        key = unicodedata.normalize("NFC", str(path).casefold())
        if spelled.setdefault(key, str(path)) != str(path):
            refuse(archive, name, f"collides with another member ({spelled[key]!r}) on a case-insensitive file system")


def _create(archive: Path, path: Path, name: PurePosixPath, is_folder: bool) -> IO[bytes] | None:
    """Make the folder, or return the new file, that a member becomes."""
    try:
        (path if is_folder else path.parent).mkdir(parents=True, exist_ok=True)
        return None if is_folder else path.open("xb")
    except (FileExistsError, NotADirectoryError):
        refuse(archive, name, "collides with another member")
