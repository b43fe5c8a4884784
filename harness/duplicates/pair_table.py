"""Pairs of clips with audio in common as a table, with what is known about the clips."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from harness.data.inventory import ClipEntry
from harness.duplicates.find import Duplicates
from harness.errors import DataError

SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff")
MEASURES = ("likeness", "lag_seconds", "r", "z", "landmarks", "share_first", "share_second")
"""Columns about a pair: kind, seconds from the start of the first clip to the start of the second, correlation and its
t-statistic, landmarks in common, and the shares of each clip's sounding part that the other one has."""


def audio_below(folder: Path) -> list[Path]:
    """Return the audio files below ``folder``, sorted; links to folders are not followed.

    Raises
    ------
    DataError
        When there is none.
    """
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not found:
        raise DataError(f"{folder}: has no audio files ({', '.join(SUFFIXES)}); name the folder that holds them")
    return found


def pair_table(found: Duplicates, names: Sequence[str]) -> pd.DataFrame:
    """Return one row per pair: ``first``, ``second`` (the ``names`` of its clips), and :data:`MEASURES`."""
    rows = [
        (
            names[pair.first],
            names[pair.second],
            pair.likeness.value,
            round(pair.agreement.lag, 4),
            round(pair.agreement.r, 3),
            round(pair.agreement.z, 1),
            pair.hits,
            round(pair.agreement.first, 3),
            round(pair.agreement.second, 3),
        )
        for pair in found.pairs
    ]
    return pd.DataFrame(rows, columns=["first", "second", *MEASURES])


def with_metadata(table: pd.DataFrame, entries: Sequence[ClipEntry], classes: Sequence[str]) -> pd.DataFrame:
    """Return ``table`` with fold, recording and class of both clips.

    Parameters
    ----------
    table : DataFrame
        As :func:`pair_table` returns it, its names being clip ids.
    entries : sequence of ClipEntry
        The clips.
    classes : sequence of str
        Class names by label.
    """
    known = {entry.clip_id: entry for entry in entries}
    added: dict[str, list[int] | list[str]] = {}
    for end in ("first", "second"):
        of_end = [known[name] for name in table[end]]
        added[f"fold_{end}"] = [entry.fold for entry in of_end]
        added[f"recording_{end}"] = [entry.recording for entry in of_end]
        added[f"class_{end}"] = [classes[entry.label] for entry in of_end]
    return table.assign(**added)
