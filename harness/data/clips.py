"""ClipTable: one row per clip, the only view of a data set that the rest of the harness has."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.data.audiofile import broken_page, cut_off, not_a_file, open_audio, unusable
from harness.data.inventory import ClipEntry, validate_entries
from harness.errors import DataError

COLUMNS = ("clip_id", "path", "label", "fold", "recording", "duration", "row")
_RESTORE = "restore the original file; run `harness data check DATASET` for a complete list"


@dataclass(frozen=True)
class ClipTable:
    """The clips of a study.

    Attributes
    ----------
    dataset
        Name of the data set.
    frame
        One row per clip, index 0..n-1 in a fixed order (by fold, then clip_id). Columns: ``clip_id`` (str, unique;
        the file name without its extension), ``path`` (str, absolute), ``label`` (int64, index into ``classes``),
        ``fold`` (int64), ``recording`` (str, the source recording: clips of one recording belong together),
        ``duration`` (float64, seconds, read from the file's header). ``row`` (int64, number of its row in the metadata
        file, from 0), may be missing where there is no such file.
    classes
        Class names; the position is the label.
    digest
        SHA-256, hex, over every clip's id, label, fold, recording and audio bytes, in order.
    notes
        What a reader of results should know about this copy, such as folds with fewer clips than the official ones.
    own
        Whether it is data of a user's own, whose folds may share recordings.
    """

    dataset: str
    frame: pd.DataFrame
    classes: tuple[str, ...]
    digest: str
    notes: tuple[str, ...] = ()
    own: bool = False

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def folds(self) -> tuple[int, ...]:
        """Folds present, ascending."""
        return tuple(sorted(int(fold) for fold in self.frame["fold"].unique()))

    @property
    def rows(self) -> NDArray[np.int64]:
        """Row of each clip in the metadata file, from 0, int64, shape (n_clips,): the order that rules of other code
        deal by. The table's own order where no rows are known."""
        return self.frame["row"].to_numpy(dtype=np.int64) if "row" in self.frame else np.arange(len(self))


def build_clip_table(
    dataset: str,
    entries: Sequence[ClipEntry],
    classes: Sequence[str],
    *,
    notes: Sequence[str] = (),
    workers: int = 4,
    own: bool = False,
    rows: Sequence[int] | None = None,
) -> ClipTable:
    """Return the table of ``entries``: validated, sorted, with durations and the digest read from the audio files.

    The digest covers each file's own SHA-256, so that files are hashed in parallel; it depends neither on the number of
    ``workers`` nor on the folder of the files.

    Parameters
    ----------
    dataset : str
        Name of the data set.
    entries : sequence of ClipEntry
        The clips, in any order.
    classes : sequence of str
        Class names; the position is the label.
    notes : sequence of str
        What a reader of results should know about this copy of the data set.
    workers : int
        Number of threads that read and hash files.
    own : bool
        Whether it is data of a user's own.
    rows : sequence of int, optional
        Row of each of ``entries`` in the metadata file, from 0; by default its position. No part of the digest.

    Raises
    ------
    DataError
        When entries are invalid, or a file is missing, unreadable, truncated, damaged, too long or holds no samples.
    """
    validate_entries(entries, len(classes))
    row_of = dict(zip((entry.clip_id for entry in entries), rows or range(len(entries)), strict=True))
    ordered = sorted(entries, key=lambda entry: (entry.fold, entry.clip_id))
    with ThreadPoolExecutor(max_workers=workers) as pool:
        facts = list(pool.map(_read_facts, ordered))
    digest = hashlib.sha256()
    for entry, (audio, _) in zip(ordered, facts, strict=True):
        row = [entry.clip_id, entry.label, entry.fold, entry.recording, audio]
        digest.update(json.dumps(row).encode() + b"\n")
    frame = pd.DataFrame(
        {
            "clip_id": pd.Series([entry.clip_id for entry in ordered], dtype="str"),
            "path": pd.Series([str(entry.path.absolute()) for entry in ordered], dtype="str"),
            "label": pd.Series([entry.label for entry in ordered], dtype="int64"),
            "fold": pd.Series([entry.fold for entry in ordered], dtype="int64"),
            "recording": pd.Series([entry.recording for entry in ordered], dtype="str"),
            "duration": pd.Series([seconds for _, seconds in facts], dtype="float64"),
            "row": pd.Series([row_of[entry.clip_id] for entry in ordered], dtype="int64"),
        },
        columns=list(COLUMNS),
    )
    return ClipTable(dataset, frame, tuple(classes), digest.hexdigest(), tuple(notes), own)


def _read_facts(entry: ClipEntry) -> tuple[str, float]:
    """Return the SHA-256 of the file and its length in seconds."""
    import soundfile  # loads libsndfile, which listing commands do not need

    path = entry.path
    if fault := not_a_file(path):
        raise DataError(f"{path}: {fault}, but {entry.origin} lists it; {_RESTORE}")
    try:
        with open_audio(path) as file:
            frames, rate = file.frames, file.samplerate
        if fault := unusable(frames, rate):
            raise DataError(f"{path}: {fault}; restore the original file (listed in {entry.origin})")
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}), but {entry.origin} lists it; {_RESTORE}") from None
    except soundfile.LibsndfileError as error:
        raise DataError(f"{path}: is not readable audio ({error.error_string.rstrip('.')}); {_RESTORE}") from None
    # libsndfile would return the rest of it as if it were the complete clip.
    if fault := cut_off(content) or broken_page(content):
        raise DataError(f"{path}: {fault}; {_RESTORE}")
    return hashlib.sha256(content).hexdigest(), frames / rate
