"""Finding files with the same audio: the same samples, the same audio in another form, or a part in common.

1. Files whose decoded samples are equal are identical.
2. Of the others, pairs with landmarks in common at one lag are candidates (:mod:`.candidates`).
3. A candidate is reported when the waveforms agree as well (:mod:`.waveform`): their best lag is that of the landmarks,
   and their correlation is far above that of different recordings. The other candidates are merely alike; most end at
   a quick look at the lags around that of the landmarks.

What it finds survives lossy coding, another sample rate, gain, inverted polarity, padding, cutting and a lag. What it
does not find: another speed or pitch, strong filtering or reverberation, a mixture with louder sound, and clips that
were cut from one recording without a part in common. Among many clips it may miss a pair that has only three or four
landmarks in common, which other clips then have by chance.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

import numpy as np

from harness.data.audiofile import not_a_file, open_audio, unusable
from harness.duplicates.candidates import Candidate, candidates
from harness.duplicates.fingerprint import RATE, Landmarks, landmarks
from harness.duplicates.waveform import Agreement, Whitened, agreement, correlation_near, whitened
from harness.errors import FeatureError
from harness.features.audio import read_mono, resample

A = TypeVar("A")
B = TypeVar("B")

LEAST_R, LEAST_Z = 0.1, 15.0
"""Correlation and t-statistic that confirm a candidate. Of the candidates of ESC-50 and UrbanSound8K whose lags agree,
no two clips of different classes, and no clip and another one reversed, reach both (benchmarks/README.md)."""
SAME_LAG = 0.03
"""Seconds by which the lags of landmarks and waveform may differ: two frames of landmarks."""
WHOLE = 0.9
"""Share of either clip that the other one must have for both to be the same audio."""


class Likeness(StrEnum):
    """How much two clips have in common."""

    IDENTICAL = "identical"
    """The same samples, at the same sample rate."""
    SAME = "same audio"
    """At least 90 % of the sounding part of one clip is in the other one."""
    PART = "part in common"
    """The same recording at another time, with an overlap; or a part that both repeat."""


@dataclass(frozen=True)
class Pair:
    """Two clips, by position, with audio in common.

    Attributes
    ----------
    first, second
        Positions of the clips.
    likeness
        How much they have in common.
    hits
        Landmarks in common; 0 for identical clips.
    agreement
        What was measured on the waveforms.
    """

    first: int
    second: int
    likeness: Likeness
    hits: int
    agreement: Agreement


@dataclass(frozen=True)
class Duplicates:
    """What was found among n files.

    Attributes
    ----------
    pairs
        Pairs with audio in common, by position. Of identical files each is paired with the first one only, and only
        the first one is compared with others.
    n_alike
        Candidates that the waveforms did not confirm.
    unreadable
        Position and fault of each file that cannot be decoded.
    silent
        Positions of files without landmarks: silent, or with too little sound. Only equality of their samples was
        tested, and that of silent files not at all.
    """

    pairs: tuple[Pair, ...]
    n_alike: int
    unreadable: tuple[tuple[int, str], ...]
    silent: tuple[int, ...]

    def groups(self, n: int) -> list[int]:
        """Return for each of ``n`` files the lowest position of those that it is connected with by pairs."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        ends = np.array([(pair.first, pair.second) for pair in self.pairs], dtype=np.int64).reshape(-1, 2)
        graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(n, n))
        _, component = connected_components(graph, directed=False)
        _, lowest, inverse = np.unique(component, return_index=True, return_inverse=True)
        return [int(position) for position in lowest[inverse]]


@dataclass(frozen=True)
class _Prepared:
    digest: str
    landmarks: Landmarks
    whitened: Whitened


def find_duplicates(
    paths: Sequence[Path], workers: int = 2, progress: Callable[[str, int, int], None] | None = None
) -> Duplicates:
    """Return which of the audio files ``paths`` have audio in common.

    Memory: about 50 kB for each second of audio, for landmarks and the whitened signal.

    Parameters
    ----------
    paths : sequence of Path
        The files, 60 s at most each.
    workers : int
        Number of threads; the result does not depend on it.
    progress : callable, optional
        Called in the caller's thread with what is being done, how much is done, and of how much.
    """
    read = [*_mapped(_prepare, paths, workers, "reading", progress)]
    clips = {position: one for position, one in enumerate(read) if isinstance(one, _Prepared)}
    first_of: dict[str, int] = {}
    equal, kept = [], []
    for position, clip in clips.items():
        first = first_of.setdefault(clip.digest, position)
        if first == position:
            kept.append(position)
        elif clip.whitened.any():
            equal.append(Candidate(first, position, len(clip.landmarks.hashes), 0.0))
    alike = [
        replace(each, first=kept[each.first], second=kept[each.second])
        for each in candidates([clips[position].landmarks for position in kept])
    ]

    def measure(pair: Candidate) -> Agreement | None:
        one, other = clips[pair.first].whitened, clips[pair.second].whitened
        # Nearly all candidates of a large data set have landmarks in common by chance, and end here.
        near = correlation_near(one, other, pair.lag, SAME_LAG)
        return agreement(one, other) if near >= LEAST_R / 2 else None

    measured = [*_mapped(measure, [*equal, *alike], workers, "comparing", progress)]
    pairs = [
        Pair(each.first, each.second, likeness, each.hits, found)
        for k, (each, found) in enumerate(zip([*equal, *alike], measured, strict=True))
        if found and (likeness := Likeness.IDENTICAL if k < len(equal) else _likeness(each, found))
    ]
    return Duplicates(
        pairs=tuple(sorted(pairs, key=lambda pair: (pair.first, pair.second))),
        n_alike=len(equal) + len(alike) - len(pairs),
        unreadable=tuple((position, one) for position, one in enumerate(read) if isinstance(one, str)),
        silent=tuple(position for position, clip in clips.items() if not len(clip.landmarks.hashes)),
    )


def _prepare(path: Path) -> _Prepared | str:
    """Return what is compared of a file, or why it cannot be."""
    import soundfile

    try:
        if fault := not_a_file(path):
            return fault
        with open_audio(path) as file:
            if fault := unusable(file.frames, file.samplerate):
                return fault
        decoded, rate = read_mono(path)
    except (FeatureError, OSError, soundfile.SoundFileError) as error:
        return str(error).removeprefix(f"{path}: ")
    digest = hashlib.sha256(f"{rate} Hz".encode() + decoded.tobytes()).hexdigest()
    samples = resample(decoded, rate, RATE)
    return _Prepared(digest, landmarks(samples), whitened(samples))


def _likeness(candidate: Candidate, found: Agreement) -> Likeness | None:
    """Return how much two clips have in common, None if the waveforms do not confirm it."""
    agrees = abs(found.lag - candidate.lag) <= SAME_LAG
    if not agrees or abs(found.r) < LEAST_R or abs(found.z) < LEAST_Z:
        return None
    return Likeness.SAME if max(found.first, found.second) >= WHOLE else Likeness.PART


def _mapped(
    function: Callable[[A], B],
    items: Sequence[A],
    workers: int,
    what: str,
    progress: Callable[[str, int, int], None] | None,
) -> Iterator[B]:
    """Yield ``function`` of each item, in order, computed by ``workers`` threads."""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(function, item) for item in items]
        try:
            for done, future in enumerate(futures, start=1):
                yield future.result()
                if progress is not None:
                    progress(what, done, len(items))
        except BaseException:
            # Without this, an interrupt would have to wait for thousands of files.
            pool.shutdown(wait=False, cancel_futures=True)
            raise
