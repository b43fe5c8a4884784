"""Listing the contents of a feature cache, and removing entries that have not been used for long."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from harness.errors import FeatureError
from harness.features.cache.cached_plane import discard_entry, entry_lock

_DAY = 86_400.0


@dataclass(frozen=True)
class CacheEntry:
    """One entry of a cache, or the parts of an unfinished one.

    ``bytes`` is its size, ``days`` how long ago it was last used, ``whole`` is whether it was finished.
    """

    folder: Path
    bytes: int
    days: float
    complete: bool

    @property
    def name(self) -> str:
        """Name of the plane."""
        return self.folder.name.removeprefix(".").rpartition("-")[0]


def cache_entries(cache: Path) -> list[CacheEntry]:
    """Return the contents of ``cache``, least recently used first; empty when there is no such folder."""
    now = time.time()
    found = []
    for manifest in cache.glob("[!.]*-*/manifest.json"):
        folder = manifest.parent
        found.append(CacheEntry(folder, _size(folder), _days(now, manifest.stat().st_mtime), True))
    for folder in cache.glob(".*-*.parts"):
        times = [file.stat().st_mtime for file in (folder, *folder.rglob("*"))]
        found.append(CacheEntry(folder, _size(folder), _days(now, max(times)), False))
    return sorted(found, key=lambda each: -each.days)


def prune(cache: Path, days: float) -> list[CacheEntry]:
    """Remove what has not been used for ``days`` from ``cache``, and return it; what is being computed is kept.

    Raises
    ------
    FeatureError
        When the folder cannot be written.
    """
    gone = []
    for each in cache_entries(cache):
        if each.days < days:
            continue
        name = each.folder.name.removeprefix(".").removesuffix(".parts")
        try:
            with entry_lock(cache, name, seconds=0):
                if each.complete:
                    discard_entry(each.folder)
                else:
                    shutil.rmtree(each.folder)
        except TimeoutError:
            continue
        except OSError as error:
            raise FeatureError(
                f"{error.filename or each.folder}: cannot be removed: {error.strerror or error}; remove it manually, "
                "or as its owner"
            ) from None
        gone.append(each)
    return gone


def _days(now: float, then: float) -> float:
    """Return the days between two times; 0 where the clock was set back between them."""
    return max(0.0, now - then) / _DAY


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
