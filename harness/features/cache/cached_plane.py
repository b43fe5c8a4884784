"""An entry of the cache: one finished plane of all clips, and the manifest that proves it complete.

An entry is a folder with ``<plane>.npy``, ``offsets.npy`` and ``manifest.json``. The manifest states the key and what
went into it, and of each array the shape, the size and the SHA-256 of the file.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import secrets
import shutil
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.features.cache.arrays import open_array
from harness.features.cache.chunks import Part
from harness.features.sets import LaidOut
from harness.registry import Layout
from harness.system.accounts import as_open_as, distrust, is_shared_cache, make_private
from harness.system.locks import locked
from harness.system.writing import write_atomically

_FORMAT = 1


class DamagedEntryError(Exception):
    """An entry exists but differs from its manifest; the message says how."""


@dataclass(frozen=True)
class Target:
    """A requested entry: the plane, its key and what the key was computed from."""

    cache: Path
    plane: LaidOut
    key: str
    identity: dict[str, Any]

    @property
    def folder(self) -> Path:
        """Folder of the entry when it is complete."""
        return self.cache / f"{self.plane.slug}-{self.key[:32]}"

    @property
    def scratch(self) -> Path:
        """Folder of its parts until then."""
        return self.folder.with_name(f".{self.folder.name}.parts")


@dataclass(frozen=True)
class Entry:
    """A verified entry: path of the plane, offsets of the clips (image: empty), digest of key and contents, and the
    CRC-32 of the plane's values, by which later readers check that they are still the verified ones."""

    values: Path
    offsets: NDArray[np.int64]
    digest: str
    checksum: int


def open_entry(target: Target, n_clips: int) -> Entry | None:
    """Return the entry requested by ``target`` after reading all of it; None when there is none.

    Raises
    ------
    DamagedEntryError
        When another account could have written it, the manifest is unreadable, names another key or other clips, or an
        array differs from it in shape, size or a single bit.
    """
    folder, plane = target.folder, target.plane
    if not folder.exists():
        return None
    _refuse_foreign(target, (folder, folder / "manifest.json"))
    manifest = _read_manifest(folder)
    if manifest.get("format") != _FORMAT or manifest.get("key") != target.key or manifest.get("clips") != n_clips:
        raise DamagedEntryError("the manifest belongs to other clips, settings or another version")
    stated = manifest.get("files")
    names = [f"{plane.slug}.npy", "offsets.npy"]
    if not isinstance(stated, dict) or sorted(stated) != sorted(names):
        raise DamagedEntryError("the manifest does not list the files of this plane")
    _refuse_foreign(target, [folder / name for name in names])
    values, offsets = (_verified(folder / name, stated[name]) for name in names)
    _check_fit(plane, values, offsets, n_clips)
    content = "".join(stated[name]["sha256"] for name in names)
    with suppress(OSError):  # a read-only cache also works
        (folder / "manifest.json").touch()  # when it was last used: harness.features.cache.contents
    return Entry(
        values=folder / names[0],
        offsets=np.array(offsets),
        digest=hashlib.sha256(f"{target.key}{content}".encode()).hexdigest(),
        checksum=zlib.crc32(values.data),
    )


def publish_entry(target: Target, read_parts: Callable[[], Iterator[Part]]) -> None:
    """Join parts into an entry in the scratch folder and move it into place atomically.

    ``read_parts`` is called twice and yields all parts in the order of their clips; one is in memory at a time. Where
    another process has published the same entry in the meantime, that entry is kept.
    """
    plane = target.plane
    building = target.scratch / f"entry-{os.getpid()}-{secrets.token_hex(4)}"
    make_private(building, group=False)
    values = building / f"{plane.slug}.npy"
    frames, shape, checksum = _join(values, read_parts)
    segments = plane.layout == Layout.SEGMENTS
    offsets = np.concatenate([[0], np.cumsum(frames)]).astype(np.int64) if segments else np.empty(0, np.int64)
    buffer = io.BytesIO()
    np.save(buffer, offsets, allow_pickle=False)
    write_atomically(building / "offsets.npy", lambda file: file.write_bytes(buffer.getvalue()))
    manifest = {
        "format": _FORMAT,
        "key": target.key,
        "clips": len(frames) if segments else shape[0],
        **target.identity,
        "files": {
            values.name: {"shape": shape, "bytes": values.stat().st_size, "sha256": checksum},
            "offsets.npy": {
                "shape": list(offsets.shape),
                "bytes": len(buffer.getvalue()),
                "sha256": hashlib.sha256(buffer.getvalue()).hexdigest(),
            },
        },
    }
    text = json.dumps(manifest, indent=2) + "\n"
    write_atomically(building / "manifest.json", lambda file: file.write_text(text, encoding="utf-8"))
    for path in (*building.iterdir(), building):
        as_open_as(target.cache, path)
    try:
        building.rename(target.folder)
    except OSError:
        if not target.folder.exists():
            raise
        shutil.rmtree(building)


def entry_lock(cache: Path, name: str, **options: Any) -> AbstractContextManager[None]:
    """Return the lock on the entry ``name`` of ``cache``, for a ``with`` block; ``options`` are those of
    :func:`~harness.system.locks.locked`."""
    # Every account that may write to the cache must be able to acquire the lock.
    return locked(cache / f".{name}.lock", mode=cache.stat().st_mode & 0o666, **options)


def discard_entry(folder: Path) -> None:
    """Remove a damaged entry: it is first moved away, then deleted."""
    doomed = folder.with_name(f".{folder.name}.damaged-{secrets.token_hex(4)}")
    folder.rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)


def _join(path: Path, read_parts: Callable[[], Iterator[Part]]) -> tuple[NDArray[np.int64], list[int], str]:
    """Write all values as one array file; return the frames of each clip, the array's shape and the file's SHA-256."""
    frames: list[NDArray[np.int64]] = []
    shape = [0]
    # The file begins with the shape, so the parts are read once for their sizes and once for their values.
    for part in read_parts():
        frames.append(part.frames)
        shape = [shape[0] + len(part.values), *part.values.shape[1:]]
    with path.open("w+b") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": tuple(shape)}
        np.lib.format.write_array_header_1_0(file, header)
        for part in read_parts():
            file.write(np.ascontiguousarray(part.values, dtype="<f4").data)
        file.flush()
        os.fsync(file.fileno())
        file.seek(0)
        checksum = hashlib.file_digest(file, "sha256").hexdigest()
    return np.concatenate(frames), shape, checksum


def _refuse_foreign(target: Target, paths: Sequence[Path]) -> None:
    """Raise DamagedEntryError when another account could have written one of ``paths``: a manifest proves that an entry
    is complete, not who made it."""
    for path in paths if not is_shared_cache(target.cache) else ():
        try:
            why = distrust(path)
        except OSError:
            # The reader reports what is wrong with it.
            continue
        if why:
            raise DamagedEntryError(f"{path.name} {why}")


def _read_manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DamagedEntryError(f"the manifest cannot be read: {error}") from None
    if not isinstance(manifest, dict):
        raise DamagedEntryError("the manifest is not a table")
    return manifest


def _verified(path: Path, stated: Any) -> NDArray[Any]:
    """Return the array at ``path``, memory-mapped, after comparing its file with what the manifest states."""
    try:
        expected, n_bytes, shape = stated["sha256"], stated["bytes"], stated["shape"]
        size = path.stat().st_size
        if size != n_bytes:
            raise DamagedEntryError(f"{path.name} has {size} bytes, but the manifest states {n_bytes}")
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != expected:
            raise DamagedEntryError(f"the contents of {path.name} differ from the manifest (SHA-256 {found[:12]}...)")
        array = open_array(path)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedEntryError(f"{path.name} cannot be read: {error}") from None
    if list(array.shape) != shape:
        raise DamagedEntryError(f"{path.name} has shape {list(array.shape)}, but the manifest states {shape}")
    return array


def _check_fit(plane: LaidOut, values: NDArray[Any], offsets: NDArray[Any], n_clips: int) -> None:
    if values.dtype != np.float32 or offsets.dtype != np.int64:
        raise DamagedEntryError(f"the arrays have dtypes {values.dtype} and {offsets.dtype}, not float32 and int64")
    if (values.ndim, offsets.ndim) != (2 if plane.layout == Layout.SEGMENTS else 3, 1):
        raise DamagedEntryError(f"the arrays have {values.ndim} and {offsets.ndim} dimensions")
    if plane.layout == Layout.SEGMENTS:
        fits = len(offsets) == n_clips + 1 and offsets[0] == 0 and offsets[-1] == len(values)
        if not fits or np.any(np.diff(offsets) < 0):
            raise DamagedEntryError("the offsets of the clips do not match the values")
    elif len(values) != n_clips:
        raise DamagedEntryError(f"there are {len(values)} images for {n_clips} clips")
