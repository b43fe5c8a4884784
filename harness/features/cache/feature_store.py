"""FeatureStore: planes of all clips, computed once, memory-mapped, keyed by audio and parameters."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from harness.errors import FeatureError
from harness.features.cache.arrays import open_array
from harness.features.cache.cached_plane import (
    DamagedEntryError,
    Entry,
    Target,
    discard_entry,
    entry_lock,
    open_entry,
    publish_entry,
)
from harness.features.cache.chunks import Part
from harness.features.cache.keys import canonical_digest, plane_identity, plane_key, vectors_identity
from harness.features.sets import LaidOut, n_segments, planes_of
from harness.features.vectors import read_vectors
from harness.registry import Layout
from harness.system.accounts import SHARED_CACHE, distrust, is_shared_cache, make_private

if TYPE_CHECKING:
    from harness.data.clips import ClipTable
    from harness.registry import FeatureSet
    from harness.study import FeaturesSection

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FeatureRef:
    """Where the planes of one feature set are stored, as plain data; :meth:`load` reads them.

    Attributes
    ----------
    layout
        ``"segments"``: planes stacked along bins, each clip a run of frames. ``"image"``: each plane one channel.
    files
        One ``.npy`` file per plane, in the set's order. Segments: float32, shape (total_frames, bins). Image:
        float32, shape (n_clips, rows, columns).
    offsets
        Segments: int64, shape (n_clips + 1,); clip i owns frames offsets[i] to offsets[i + 1]. Image: empty.
    segment_frames, segment_hop
        Length of a segment and distance between starts, in frames (segments only).
    digest
        Of audio, parameters and planes.
    checksums
        CRC-32 of each file's values when the entry was verified; empty for features outside of a cache.
    """

    name: str
    layout: str
    planes: tuple[str, ...]
    files: tuple[str, ...]
    offsets: NDArray[np.int64]
    segment_frames: int
    segment_hop: int
    digest: str
    checksums: tuple[int, ...] = ()

    def load(self) -> NDArray[np.float32]:
        """Return the planes in memory: (total_frames, all bins) for segments, (n_clips, channels, rows, columns) for
        images, (n_clips, 1, 1, D) for vectors.

        Raises FeatureError when a file is missing, unreadable or differs from what was verified: a study may train for
        days, and a bit that flips in the meantime must not reach a training. (CRC-32 is as fast as a copy.)
        """
        try:
            arrays = [open_array(file) for file in self.files]
        except (OSError, ValueError) as error:
            raise FeatureError(
                f"features {self.name}: the cache cannot be read: {error}; it was complete when the features were "
                "computed, so it has been removed or changed since: run again to rebuild it"
            ) from None
        for file, array, checksum in zip(self.files, arrays, self.checksums, strict=False):
            if crc32(array.data) != checksum:
                raise FeatureError(
                    f"{file}: the features have changed since they were verified at the start of the study: run again "
                    "to rebuild them (finished trainings are recorded)"
                )
        return np.concatenate(arrays, axis=1) if self.layout == Layout.SEGMENTS else np.stack(arrays, axis=1)

    def segments_per_clip(self) -> NDArray[np.int64]:
        """Return the number of segments of each clip, int64, shape (n_clips,): 1 + (frames - length) // hop."""
        if self.layout != Layout.SEGMENTS:
            raise ValueError(f"a set with the layout {self.layout} has no segments")
        return n_segments(np.diff(self.offsets), self.segment_frames, self.segment_hop)


class FeatureStore:
    """A cache of planes in one folder, shared by all studies and by processes that run at the same time.

    Each plane is one entry, keyed by the digest of the clips, the settings it depends on, the revision of its code
    and the versions of the libraries behind it. An entry is served only after its contents have been compared with
    its manifest; a damaged one is reported by a warning and built again.

    Parameters
    ----------
    cache
        Folder of the entries; made when missing.
    """

    def __init__(self, cache: Path) -> None:
        self._cache = Path(cache).absolute()

    def build(
        self,
        clips: ClipTable,
        sets: Sequence[FeatureSet],
        params: FeaturesSection,
        workers: int,
        progress: Callable[[int, int], None] | None = None,
        device: str = "cpu",
        folder: Path = Path(),
    ) -> dict[str, FeatureRef]:
        """Return a reference for each of ``sets``, by name, after computing what the cache lacks.

        Parameters
        ----------
        clips : ClipTable
            The clips.
        sets : sequence of FeatureSet
            Feature sets whose planes are needed.
        params : FeaturesSection
            Settings of the planes.
        workers : int
            Number of processes that compute, one thread each; 1 computes in this process. On a GPU: number of threads
            that decode. The result does not depend on it.
        progress : callable, optional
            Called with the number of clips done and of all clips, also at the start, where clips of an interrupted
            build count as done. Not called when nothing is missing.
        device : str
            ``"cpu"``, ``"cuda"`` or ``"cuda:N"``. Results on a GPU differ from the CPU's in their last digits, so each
            kind of device has its own entries.
        folder : Path
            What paths to files of vectors are relative to: the folder of the study file.

        Raises
        ------
        FeatureError
            When a clip cannot be used, a setting does not fit, a file of vectors does not have them all, or the cache
            cannot be written. Clips computed by then are kept.
        """
        if len(clips) == 0:
            raise FeatureError(f"{clips.dataset}: no clips to compute features for; check data.folds and the data root")
        ids = clips.frame["clip_id"].tolist()
        vectors = {
            each.name: read_vectors(folder.resolve() / each.file, ids) for each in sets if each.layout == Layout.VECTOR
        }
        planes = dict.fromkeys(plane for features in sets for plane in planes_of(features, params))
        try:
            make_private(self._cache, group=is_shared_cache(self._cache))
            self._refuse_foreign()
            entries = self._complete(
                [self._target(plane, clips, params, device, vectors.get(plane.name)) for plane in planes],
                vectors,
                clips,
                params,
                workers,
                progress,
                device,
            )
        except OSError as error:
            raise FeatureError(
                f"{error.filename or self._cache}: cannot use the feature cache: {error.strerror or error}; free some "
                "space or choose another folder"
            ) from error
        return {
            features.name: _reference(features, [entries[plane] for plane in planes_of(features, params)], params)
            for features in sets
        }

    def _refuse_foreign(self) -> None:
        """Raise FeatureError when another account could write to the cache and the user has not allowed that."""
        why = "" if is_shared_cache(self._cache) else distrust(self._cache)
        if why:
            raise FeatureError(
                f"{self._cache}: the feature cache {why}, who could change the training inputs; choose your own cache "
                "(--cache), remove write access for others (chmod go-w), or, if you trust them, set "
                f"{SHARED_CACHE}={self._cache}"
            )

    def _target(
        self,
        plane: LaidOut,
        clips: ClipTable,
        params: FeaturesSection,
        device: str,
        vectors: NDArray[np.float32] | None,
    ) -> Target:
        identity = plane_identity(plane, params, device) if vectors is None else vectors_identity(vectors)
        return Target(self._cache, plane, plane_key(clips.digest, identity), identity)

    def _complete(
        self,
        targets: list[Target],
        vectors: Mapping[str, NDArray[np.float32]],
        clips: ClipTable,
        params: FeaturesSection,
        workers: int,
        progress: Callable[[int, int], None] | None,
        device: str,
    ) -> dict[LaidOut, Entry]:
        entries = self._open(targets, len(clips))
        with ExitStack() as locks:
            # All processes lock in the same order, which avoids deadlocks.
            for target in sorted(_missing(targets, entries), key=lambda target: target.folder.name):
                locks.enter_context(_lock(target))
            # Entries that another process has finished while this one waited are reused.
            entries |= self._open(_missing(targets, entries), len(clips), discard=True)
            missing = _missing(targets, entries)
            computed = [target for target in missing if target.plane.layout != Layout.VECTOR]
            if computed:
                from harness.features.cache.fill import build_entries

                paths = [str(path) for path in clips.frame["path"]]
                build_entries(computed, paths, params, workers, progress, device)
            for target in missing:
                if target not in computed:
                    part = Part(vectors[target.plane.name][:, None, :], np.empty(0, np.int64))
                    publish_entry(target, lambda part=part: iter([part]))  # type: ignore[misc]
            entries |= self._open(missing, len(clips))
        for target in _missing(targets, entries):
            raise FeatureError(
                f"{target.folder}: damaged immediately after it was written; check the disk, then run again to rebuild "
                "it"
            )
        return entries

    def _open(self, targets: Sequence[Target], n_clips: int, discard: bool = False) -> dict[LaidOut, Entry]:
        """Return the entries that are complete; ``discard`` removes those that are damaged."""
        entries: dict[LaidOut, Entry] = {}
        for target in targets:
            try:
                entry = open_entry(target, n_clips)
            except DamagedEntryError as damage:
                if discard:
                    log.warning("%s: damaged (%s); computing it again", target.folder, damage)
                    discard_entry(target.folder)
                continue
            if entry is not None:
                entries[target.plane] = entry
        return entries


def _lock(target: Target) -> AbstractContextManager[None]:
    def wait(_holder: str) -> None:
        log.info("%s: another process is computing it; waiting for it to finish", target.folder)

    return entry_lock(target.cache, target.folder.name, waiting=wait)


def _missing(targets: Sequence[Target], entries: dict[LaidOut, Entry]) -> list[Target]:
    return [target for target in targets if target.plane not in entries]


def _reference(features: FeatureSet, entries: Sequence[Entry], params: FeaturesSection) -> FeatureRef:
    offsets = entries[0].offsets
    # Planes of one set share rate, hop and padding; this guards against differences in how libraries count frames.
    if any(not np.array_equal(entry.offsets, offsets) for entry in entries):
        raise FeatureError(f"features {features.name}: its planes differ in frames; please report this bug")
    parts = {
        "set": features.name,
        "planes": [entry.digest for entry in entries],
        "segment": [params.segment_frames, params.segment_hop] if features.layout == Layout.SEGMENTS else [],
    }
    return FeatureRef(
        name=features.name,
        layout=features.layout,
        planes=features.planes,
        files=tuple(str(entry.values) for entry in entries),
        offsets=offsets,
        segment_frames=params.segment_frames,
        segment_hop=params.segment_hop,
        digest=canonical_digest(parts),
        checksums=tuple(entry.checksum for entry in entries),
    )
