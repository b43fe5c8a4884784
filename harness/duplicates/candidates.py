"""Pairs of clips that have landmarks in common at one lag, from a sorted index instead of comparing every pair.

Sorting takes n log n; each landmark is then paired with a bounded number of equal ones, and each clip with a bounded
number of others, so the rest grows with n.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.duplicates.fingerprint import HOP, RATE, Landmarks

_LINKS = 8
"""Equal landmarks that each one is paired with; of more copies, each is paired with the next ones in order."""
_FEWEST = 3
"""Landmarks in common, at lags that differ by one frame at most, that make a pair a candidate."""
_STRONG = 5
"""Four peaks by chance in common make four landmarks at most, so that with five, chance is rare."""
_STRONG_PER_CLIP, _WEAK_PER_CLIP = 10, 4
"""A pair is compared if it is among the so many best that its first clip has with later ones, or its second clip with
earlier ones. Pairs by chance grow with the square of n; where they are many, a weak pair that is none may be lost."""
_AT_ONCE = 8_000_000
_LAG_BITS, _NO_LAG = 14, 1 << 13


@dataclass(frozen=True)
class Candidate:
    """Two clips by position, the landmarks that they have in common, and the lag of the second one in seconds."""

    first: int
    second: int
    hits: int
    lag: float


def candidates(clips: Sequence[Landmarks]) -> list[Candidate]:
    """Return the pairs of ``clips`` that are worth comparing, ``first`` below ``second``, ascending."""
    if len(clips) < 2:
        return []
    keys, hits = _lags(clips)
    # Frames of two recordings of one sound are up to half a frame apart, so that its lags fall into two bins.
    next_bin = np.flatnonzero(np.diff(keys) == 1)
    near = hits.copy()
    near[next_bin] += hits[next_bin + 1]
    near[next_bin + 1] += hits[next_bin]
    pairs, lags = keys >> _LAG_BITS, (keys & ((1 << _LAG_BITS) - 1)) - _NO_LAG
    best = np.lexsort((-hits, -near, pairs))
    best = best[np.diff(pairs[best], prepend=-1) != 0]
    best = best[near[best] >= _FEWEST]
    first, second = np.divmod(pairs[best], len(clips))
    strength = near[best]
    strong = strength >= _STRONG
    chosen = _among_best(first, second, strength, strong, _STRONG_PER_CLIP)
    chosen |= _among_best(first, second, strength, ~strong, _WEAK_PER_CLIP)
    return [
        Candidate(int(one), int(other), int(common), float(lag * HOP / RATE))
        for one, other, common, lag in zip(
            first[chosen], second[chosen], strength[chosen], lags[best][chosen], strict=True
        )
    ]


def _lags(clips: Sequence[Landmarks]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return pairs with their lags in frames, packed and ascending, and how many landmarks each has."""
    found = [np.unique(keys, return_counts=True) for keys in _linked(clips)]
    keys, inverse = np.unique(np.concatenate([keys for keys, _ in found]), return_inverse=True)
    return keys, np.bincount(inverse, np.concatenate([counts for _, counts in found]), len(keys)).astype(np.int64)


def _linked(clips: Sequence[Landmarks]) -> Iterator[NDArray[np.int64]]:
    """Yield a packed pair and lag for every two equal landmarks that are linked, a range of landmarks at a time."""
    parts = 1 + sum(len(clip.hashes) for clip in clips) // _AT_ONCE
    for part in range(parts):
        chosen = [np.flatnonzero(clip.hashes % np.uint64(parts) == part) for clip in clips]
        hashes = np.concatenate([clip.hashes[rows] for clip, rows in zip(clips, chosen, strict=True)])
        frames = np.concatenate([clip.frames[rows] for clip, rows in zip(clips, chosen, strict=True)]).astype(np.int64)
        owners = np.repeat(np.arange(len(clips)), [len(rows) for rows in chosen])
        order = np.argsort(hashes, kind="stable")
        hashes, frames, owners = hashes[order], frames[order], owners[order]
        for step in range(1, _LINKS + 1):
            rows = np.flatnonzero(hashes[step:] == hashes[:-step])
            lags = frames[rows] - frames[rows + step]
            yield ((owners[rows] * len(clips) + owners[rows + step]) << _LAG_BITS) + lags + _NO_LAG


def _among_best(
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    strength: NDArray[np.int64],
    which: NDArray[np.bool_],
    most: int,
) -> NDArray[np.bool_]:
    """Return which pairs in ``which`` are among the ``most`` strongest of their first clip with later ones, or of their
    second clip with earlier ones."""
    chosen = np.zeros(len(first), bool)
    rows = np.flatnonzero(which)
    for owners in (first[rows], second[rows]):
        order = np.lexsort((-strength[rows], owners))
        starts = np.flatnonzero(np.diff(owners[order], prepend=-1) != 0)
        rank = np.arange(len(order)) - np.repeat(starts, np.diff(starts, append=len(order)))
        chosen[rows[order[rank < most]]] = True
    return chosen
