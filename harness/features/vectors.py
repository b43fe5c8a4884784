"""Vectors of clips from a file, such as the embeddings of a foundation model, for probes in a study's own folds.

A file holds one vector per clip, keyed by clip id (the file name of the clip without its extension):

- ``.npz``: either an array for each clip, named by its id, or two arrays, ``clip_id`` (n,) and ``vector`` (n, D);
- ``.parquet``: a column ``clip_id``, and either one column ``vector`` of lists, or one column per number.
"""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.errors import FeatureError
from harness.text.delimited import TableError
from harness.text.parquet import parquet_table

_MOST_BYTES = 8 << 30
"""Largest file: two million clips of 1,024 numbers."""
_ID, _VECTOR = "clip_id", "vector"


def read_vectors(path: Path, clips: Sequence[str]) -> NDArray[np.float32]:
    """Return the vector of each of ``clips``, float32, shape (n, D); vectors of other clips are ignored.

    Parameters
    ----------
    path : Path
        The file.
    clips : sequence of str
        Clip ids.

    Raises
    ------
    FeatureError
        When the file cannot be read, misses a clip, names one twice, or holds vectors of two lengths, empty ones or
        numbers that are not finite; the message names the clip.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise FeatureError(f"{path}: has more than {_MOST_BYTES >> 30} GiB; split the study")
        found = _READERS[path.suffix.lower()](path)
    except KeyError:
        raise FeatureError(
            f"{path}: expected a file of vectors that ends in {' or '.join(_READERS)}, received {path.suffix or 'none'}"
        ) from None
    except OSError as error:
        raise FeatureError(
            f"{path}: the vectors cannot be read: {error.strerror or error}; the path is relative to the study file"
        ) from None
    missing = [clip for clip in clips if clip not in found]
    if missing:
        known = next(iter(found), "none")
        raise FeatureError(
            f"{path}: {len(missing)} of {len(clips)} clips have no vector, the first is {missing[0]!r} (the file has "
            f"{len(found)}, the first is {known!r}); keys are clip ids: file names without their extension"
        )
    lengths = Counter(len(found[clip]) for clip in clips)
    if len(lengths) > 1:
        usual = lengths.most_common(1)[0][0]
        odd = next(clip for clip in clips if len(found[clip]) != usual)
        raise FeatureError(
            f"{path}: the vector of clip {odd!r} has {len(found[odd])} numbers, those of others {usual}; all must have "
            "the same length"
        )
    vectors = np.stack([found[clip] for clip in clips]).astype(np.float32)
    if not vectors.shape[1]:
        raise FeatureError(f"{path}: the vectors are empty")
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if bad.size:
        raise FeatureError(
            f"{path}: the vectors of {bad.size} clips hold NaN or infinite numbers, the first is {clips[bad[0]]!r}"
        )
    return vectors


def _read_npz(path: Path) -> Mapping[str, NDArray[np.float64]]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            if set(arrays.files) == {_ID, _VECTOR}:
                ids, vectors = arrays[_ID], arrays[_VECTOR]
                if ids.ndim != 1 or vectors.ndim != 2 or len(ids) != len(vectors):
                    raise FeatureError(
                        f"{path}: {_ID} and {_VECTOR} must have the shapes (n,) and (n, D), received {ids.shape} and "
                        f"{vectors.shape}"
                    )
                return _keyed(path, [str(each) for each in ids], list(vectors))
            return _keyed(path, arrays.files, [arrays[name] for name in arrays.files])
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise FeatureError(f"{path}: is not an .npz file of arrays: {error}; write it with numpy.savez") from None


def _read_parquet(path: Path) -> Mapping[str, NDArray[np.float64]]:
    import pandas as pd

    try:
        frame = parquet_table(path)
    except TableError as error:
        raise FeatureError(f"{path}: {error.fault}") from None
    if _ID not in frame:
        raise FeatureError(f"{path}: has no column {_ID!r}; its columns are {', '.join(map(str, frame.columns[:10]))}")
    ids = frame.pop(_ID).astype(str).tolist()
    if list(frame.columns) == [_VECTOR]:
        return _keyed(path, ids, frame[_VECTOR].tolist())
    others = [str(name) for name in frame.columns if not pd.api.types.is_numeric_dtype(frame[name])]
    if others:
        raise FeatureError(
            f"{path}: the column {others[0]!r} holds no numbers; give {_ID} and one column per number, or {_VECTOR}"
        )
    return _keyed(path, ids, list(frame.to_numpy(np.float64)))


def _keyed(path: Path, ids: Sequence[str], vectors: Sequence[object]) -> Mapping[str, NDArray[np.float64]]:
    double = [clip for clip, count in Counter(ids).items() if count > 1]
    if double:
        raise FeatureError(f"{path}: clip {double[0]!r} has more than one vector; remove all but one")
    found = {}
    for clip, vector in zip(ids, vectors, strict=True):
        try:
            numbers = np.asarray(vector, dtype=np.float64)
        except (TypeError, ValueError):
            raise FeatureError(f"{path}: the vector of clip {clip!r} holds something that is no number") from None
        if numbers.ndim != 1:
            raise FeatureError(
                f"{path}: the vector of clip {clip!r} has the shape {numbers.shape}, expected (D,); average it over "
                "time first"
            )
        found[clip] = numbers
    return found


_READERS = {".npz": _read_npz, ".parquet": _read_parquet}
