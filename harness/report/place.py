"""Putting generated files into a folder that may hold other files as well.

A manifest in the folder names the files that were generated, each with its SHA-256. Nothing is replaced that it does
not name, nothing is deleted that was changed since, and no symbolic link is followed: a report that is written into the
folder of a paper leaves the paper alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import psutil

from harness.errors import ReportError

MANIFEST = ".harness-files.json"
"""In each folder of generated files: their paths below it, and what they held; null for a compiled document."""


def put_in_place(files: Mapping[str, bytes], folder: Path, pdf: str = "") -> None:
    """Write ``files``, by path below ``folder``, aside; then replace them one by one in the given order, and delete
    what an earlier call wrote there and this one does not.

    An interruption leaves each file as it was or as it shall be, never half of one.

    Parameters
    ----------
    pdf
        Name of the document that is compiled from these files: it is deleted where any of them changed, since it would
        show the old ones.

    Raises
    ------
    ReportError
        When a file would replace one that was not generated, or the folder or a part of it is a symbolic link.
    OSError
        When the folder cannot be written.
    """
    _refuse_links(files, folder)
    folder.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    known = _known(folder)
    if known is None:
        # A folder from before there was a manifest: what has today's names is taken over, nothing is deleted.
        known = dict.fromkeys([*files, pdf]) if _is_earlier_report(folder) else {}
    changed = any(not _holds(folder / name, content) for name, content in files.items())
    foreign = [name for name in files if name not in known and (folder / name).exists()]
    for name in foreign:
        if not _holds(folder / name, files[name]):
            raise ReportError(
                f"{folder / name}: was not written by harness and would be replaced; move it away, or name another "
                "folder"
            )
    aside = Path(tempfile.mkdtemp(prefix=f".writing-{os.getpid()}-", dir=folder))
    try:
        for name, content in files.items():
            _write(aside / name, content)
        now: dict[str, str | None] = {name: _digest(content) for name, content in files.items()}
        if pdf:
            now[pdf] = None
        # Named before it is there: what an interrupted call has written is replaced by the next one.
        _put_manifest(known | now, aside, folder)
        if changed and pdf in known:
            (folder / pdf).unlink(missing_ok=True)
        for name in files:
            (folder / name).parent.mkdir(exist_ok=True)
            os.replace(aside / name, folder / name)  # noqa: PTH105
        for name in sorted(known.keys() - now.keys()):
            if _is_unchanged(folder / name, known[name]):
                (folder / name).unlink()
        _put_manifest(now, aside, folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _refuse_links(files: Mapping[str, bytes], folder: Path) -> None:
    parents = {(folder / name).parent for name in files}
    for path in (folder, *sorted(parents), *(folder / name for name in files), folder / MANIFEST):
        if path.is_symlink():
            raise ReportError(
                f"{path}: is a symbolic link, and what it leads to would be changed; remove the link, or name another "
                "folder"
            )


def _known(folder: Path) -> dict[str, str | None] | None:
    """Return the files below the folder that the manifest names, with what they held; None without a manifest."""
    try:
        named = dict(json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"])
    except FileNotFoundError:
        return None
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
)
"""What reports, audits and overviews consist of: a folder with all of one was written by an earlier version."""


def _is_earlier_report(folder: Path) -> bool:
    return any(all((folder / name).is_file() for name in names) for names in _EARLIER)


def _put_manifest(named: Mapping[str, str | None], aside: Path, folder: Path) -> None:
    _write(aside / MANIFEST, (json.dumps({"files": dict(sorted(named.items()))}, indent=1) + "\n").encode())
    os.replace(aside / MANIFEST, folder / MANIFEST)  # noqa: PTH105


def _is_unchanged(path: Path, digest: str | None) -> bool:
    try:
        return digest is not None and _digest(path.read_bytes()) == digest
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
    """Remove what processes left aside that died while they wrote or compiled a report here."""
    for left in folder.iterdir():
        named = re.fullmatch(r"\.(?:writing|latex)-(\d+)-\w+", left.name)
        if named and not psutil.pid_exists(int(named[1])):
            shutil.rmtree(left, ignore_errors=True)


def _holds(path: Path, content: bytes) -> bool:
    try:
        return path.stat().st_size == len(content) and path.read_bytes() == content
    except OSError:
        return False
