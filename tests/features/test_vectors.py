"""Vectors of clips from a file: read by clip id, and refused by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.errors import FeatureError
from harness.features.vectors import read_vectors

CLIPS = ["1-a", "1-b", "2-c"]
VECTORS = np.arange(12, dtype=np.float32).reshape(3, 4)


def save(folder: Path, kind: str) -> Path:
    order = [2, 0, 1]  # not that of the clips
    ids, vectors = [CLIPS[k] for k in order], VECTORS[order]
    path = folder / f"embeddings.{'npz' if kind.startswith('npz') else 'parquet'}"
    if kind == "npz by clip":
        np.savez(path, **dict(zip([*ids, "of no clip"], [*vectors, np.zeros(9)], strict=True)))
    elif kind == "npz of two arrays":
        np.savez(path, clip_id=np.array(ids), vector=vectors)
    elif kind == "parquet of lists":
        pd.DataFrame({"clip_id": ids, "vector": vectors.tolist()}).to_parquet(path)
    else:
        pd.DataFrame(vectors, columns=list("abcd")).assign(clip_id=ids).to_parquet(path)
    return path


@pytest.mark.parametrize("kind", ["npz by clip", "npz of two arrays", "parquet of lists", "parquet of numbers"])
def test_each_form_gives_the_vectors_in_the_order_of_the_clips(tmp_path: Path, kind: str) -> None:
    found = read_vectors(save(tmp_path, kind), CLIPS)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, VECTORS)


def refuse(path: Path) -> str:
    with pytest.raises(FeatureError) as refused:
        read_vectors(path, CLIPS)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_a_file_that_misses_clips_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "few.npz"
    np.savez(path, **{"1-a": VECTORS[0]})
    assert "2 of 3 clips have no vector, the first is '1-b' (the file has 1, the first is '1-a')" in refuse(path)


def test_doubles_lengths_and_numbers_that_are_none_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "bad.npz"
    np.savez(path, clip_id=np.array(["1-a", "1-a"]), vector=np.zeros((2, 3)))
    assert "clip '1-a' has more than one vector" in refuse(path)
    np.savez(path, **{"1-a": np.zeros(4), "1-b": np.zeros(4), "2-c": np.zeros(5)})
    assert "the vector of clip '2-c' has 5 numbers, those of others 4" in refuse(path)
    np.savez(path, **{"1-a": np.zeros(4), "1-b": np.array([0, np.nan, 0, 0]), "2-c": np.zeros(4)})
    assert "hold NaN or infinite numbers, the first is '1-b'" in refuse(path)
    np.savez(path, **{"1-a": np.zeros((2, 4)), "1-b": np.zeros(4), "2-c": np.zeros(4)})
    assert "the vector of clip '1-a' has the shape (2, 4), expected (D,)" in refuse(path)
    np.savez(path, **{name: np.array(["x"]) for name in CLIPS})
    assert "holds something that is no number" in refuse(path)
    np.savez(path, **{name: np.zeros(0) for name in CLIPS})
    assert "the vectors are empty" in refuse(path)
    np.savez(path, clip_id=np.array(CLIPS), vector=np.zeros((2, 4)))
    assert "must have the shapes (n,) and (n, D)" in refuse(path)


def test_what_is_no_file_of_vectors_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("no archive")
    assert "is not an .npz file of arrays" in refuse(tmp_path / "text.npz")
    (tmp_path / "text.parquet").write_text("no table")
    assert "is not a parquet file" in refuse(tmp_path / "text.parquet")
    assert "the vectors cannot be read: No such file" in refuse(tmp_path / "absent.npz")
    (tmp_path / "vectors.csv").write_text("1,2")
    assert "ends in .npz or .parquet, received .csv" in refuse(tmp_path / "vectors.csv")
    pd.DataFrame({"name": CLIPS, "a": [0, 1, 2]}).to_parquet(tmp_path / "no-id.parquet")
    assert "has no column 'clip_id'" in refuse(tmp_path / "no-id.parquet")
    pd.DataFrame({"clip_id": CLIPS, "a": [0, 1, 2], "b": ["x", "y", "z"]}).to_parquet(tmp_path / "word.parquet")
    assert "the column 'b' holds no numbers" in refuse(tmp_path / "word.parquet")


def test_a_pickle_in_an_archive_is_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "pickled.npz"
    np.savez(path, **{name: np.array([{"a": 1}], dtype=object) for name in CLIPS})
    assert "is not an .npz file of arrays" in refuse(path)
