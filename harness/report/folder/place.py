"""Writing generated files into a folder that may hold other files as well.

A manifest in the folder names the generated files, each with its SHA-256. Files that it does not name are never
replaced, files that were changed since are never deleted, and symbolic links are not followed: a report written into
the folder of a paper leaves the paper alone.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path, PurePosixPath

import psutil

from harness.errors import ReportError
from harness.system.locks import locked

MANIFEST = ".harness-files.json"
"""The manifest in each folder of generated files: their paths below it and SHA-256; null for a document that was not
compiled here."""

LOCK = ".harness-files.lock"
"""The lock in a folder of generated files, there only while a process writes."""

PATIENCE = 60.0
"""Seconds to wait for another process that writes into the same folder."""


def put_in_place(files: Mapping[str, bytes], folder: Path, document: str = "") -> None:
    """Write ``files`` into ``folder``, one by one in the given order, and delete obsolete files.

    Obsolete files are those that an earlier call wrote and this one does not. An interruption leaves each file either
    old or new, never incomplete. Several processes that write into one folder wait for each other: at the end the
    folder holds the files of one of them.

    Parameters
    ----------
    files
        Contents by path below ``folder``.
    folder
        The folder, created if missing.
    document
        Name of the document that is compiled from these files. If it is not among them, an earlier one is kept if
        nothing else changed, and deleted otherwise, since it would show the old numbers.

    Raises
    ------
    ReportError
        When the folder cannot be written, a file would replace one that was not generated, or the folder or a part of
        it is a symbolic link.
    """
    missing = [path for path in (folder, *folder.parents) if not os.path.lexists(path)]
    try:
        _refuse_links(files, folder)
        folder.mkdir(parents=True, exist_ok=True)
        with _alone_in(folder):
            _put(files, folder, document)
    except BaseException as error:
        for made in missing:
            with suppress(OSError):
                made.rmdir()
        if isinstance(error, OSError):
            raise unwritable(folder, error) from None
        raise


def check_place(folder: Path) -> None:
    """Check that a report can be written into ``folder``, before hours are spent on its contents.

    Raises
    ------
    ReportError
        When the folder, or the nearest one above it that exists, is a file or is not writable.
    """
    try:
        there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        if not there.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(there))
        if not os.access(there, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(there))
    except OSError as error:
        raise unwritable(folder, error) from None


def unwritable(folder: Path, error: OSError) -> ReportError:
    """Return the error that says in one sentence why ``folder`` cannot be written."""
    where = f" ({error.filename})" if error.filename else ""
    return ReportError(
        f"{folder}: the report cannot be written: {error.strerror or error}{where}; make space, allow writing, or name "
        "another folder"
    )


def holds(folder: Path, files: Mapping[str, bytes]) -> bool:
    """Return whether ``folder`` has all of ``files``, by path below it, with these contents."""
    return all(_holds(folder / name, content) for name, content in files.items())


def _put(files: Mapping[str, bytes], folder: Path, document: str) -> None:
    _sweep(folder)
    known = _known(folder)
    if known is None:
        # A folder written before manifests existed: files with current names are adopted, nothing is deleted.
        known = dict.fromkeys(filter(None, [*files, document])) if _is_earlier_report(folder) else {}
    _refuse_others(files, folder, known)
    changed = any(not _holds(folder / name, content) for name, content in files.items() if name != document)
    now: dict[str, str | None] = {name: _digest(content) for name, content in files.items()}
    if document and document not in files and (document in known or not os.path.lexists(folder / document)):
        # Its name belongs to the manifest from now on: users may compile it by hand, as the printed message advises.
        now[document] = None if changed else known.get(document)
    with tempfile.TemporaryDirectory(prefix=f".writing-{os.getpid()}-", dir=folder, ignore_cleanup_errors=True) as made:
        aside = Path(made)
        for name, content in files.items():
            _write(aside / name, content)
        # Listed before they exist, so that files written by an interrupted call are replaced by the next one.
        _write(aside / f"{MANIFEST}.before", _manifest(known | now))
        _write(aside / f"{MANIFEST}.after", _manifest(now))
        os.replace(aside / f"{MANIFEST}.before", folder / MANIFEST)  # noqa: PTH105
        if changed and document in known:
            (folder / document).unlink(missing_ok=True)
        for name in files:
            (folder / name).parent.mkdir(exist_ok=True)
            os.replace(aside / name, folder / name)  # noqa: PTH105
        for name in sorted(known.keys() - now.keys()):
            if _is_unchanged(folder / name, known[name]):
                (folder / name).unlink()
        os.replace(aside / f"{MANIFEST}.after", folder / MANIFEST)  # noqa: PTH105


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Within this context, no other process of the harness writes into ``folder``; no lock file is left behind."""
    with ExitStack() as held:
        try:
            held.enter_context(locked(folder / LOCK, seconds=PATIENCE, temporary=True))
        except TimeoutError:
            raise ReportError(
                f"{folder}: another process has been writing a report there for {PATIENCE:.0f} seconds; wait "
                "for it to end, or name another folder"
            ) from None
        yield


def _refuse_others(files: Mapping[str, bytes], folder: Path, known: Mapping[str, str | None]) -> None:
    """Refuse to replace files that were not generated, and detect in advance what would fail halfway."""
    for name, content in files.items():
        path = folder / name
        if path.is_dir() or (path.exists() and name not in known and not _holds(path, content)):
            raise ReportError(
                f"{path}: was not written by harness and would be replaced; move it away, or name another folder"
            )
        if path.parent.exists():
            check_place(path.parent)
    if (folder / MANIFEST).is_dir():
        raise ReportError(f"{folder / MANIFEST}: is a folder, and the list of generated files belongs there; remove it")


def _refuse_links(files: Mapping[str, bytes], folder: Path) -> None:
    parents = {(folder / name).parent for name in files}
    for path in (folder, *sorted(parents), *(folder / name for name in files), folder / MANIFEST):
        if path.is_symlink():
            raise ReportError(
                f"{path}: is a symbolic link, and what it leads to would be changed; remove the link, or name another "
                "folder"
            )


def _known(folder: Path) -> dict[str, str | None] | None:
    """Return the files below the folder that the manifest names, with their contents; None without a manifest."""
    if not os.path.lexists(folder / MANIFEST):
        return None
    try:
        named = dict(json.loads(_content(folder / MANIFEST).decode())["files"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
    return {
        name: digest if isinstance(digest, str) else None
        for name, digest in named.items()
        if isinstance(name, str) and _is_below(name) and not _leads_away(folder, name)
    }


def _is_below(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return bool(parts) and not name.startswith("/") and ".." not in parts and "\0" not in name


def _leads_away(folder: Path, name: str) -> bool:
    path = folder / name
    return any(part.is_symlink() for part in (path, *path.parents) if folder in part.parents)


_EARLIER = (
    ("results.json", "report.tex", "predictions.parquet"),
    ("audit.json", "audit.tex"),
    ("protocols.csv", "protocols.md", "protocols.tex"),
    ("claims-audit.json", "tables/claims-audit.csv", "tables/claims-audit.tex"),
)
"""The files of reports, audits and overviews: a folder with all files of one was written by an earlier version, or is
from a repository, which has no manifest."""


def _is_earlier_report(folder: Path) -> bool:
    return any(all((folder / name).is_file() for name in names) for names in _EARLIER)


def _manifest(named: Mapping[str, str | None]) -> bytes:
    return (json.dumps({"files": dict(sorted(named.items()))}, indent=1) + "\n").encode()


def _content(path: Path) -> bytes:
    """Return the bytes of a file; reading a pipe or a device could wait forever."""
    if not path.is_file():
        raise OSError(errno.EINVAL, "is no file", str(path))
    return path.read_bytes()


def _is_unchanged(path: Path, digest: str | None) -> bool:
    try:
        return digest is not None and _digest(_content(path)) == digest
    except OSError:
        return False


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sweep(folder: Path) -> None:
    """Remove temporary files of processes that died while they wrote or compiled a report here."""
    for left in folder.iterdir():
        named = re.fullmatch(r"\.(?:writing|latex)-(\d+)-\w+", left.name)
        if named and not psutil.pid_exists(int(named[1])):
            shutil.rmtree(left, ignore_errors=True)


def _holds(path: Path, content: bytes) -> bool:
    try:
        return path.stat().st_size == len(content) and _content(path) == content
    except OSError:
        return False
