"""Splits that anybody made, from files: the clips of any data set, and the parts or folds that they were put into.

The split is a CSV file with a column ``clip`` and one or both of

- ``fold``: each fold is tested once, the next one validates and the others train;
- ``part``: train, validation or test, of a single split, or of the split of each fold.

A clip is named by its file as the metadata have it, with or without folders and extension.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, create_model

from harness.data.clips import COLUMNS, ClipTable
from harness.data.datasets.csv_file import Columns, Part, fold_number, rows_of
from harness.data.metadata import Row, Text, read_rows
from harness.data.splits import Part as Items
from harness.data.splits import Split, make_splits, split_by_fold
from harness.errors import DataError
from harness.registry import DATASETS, TEST, TRAIN, VALIDATION, Unit
from harness.study import ProtocolSection
from harness.text.delimited import TableError, read_table

_NO_FOLD = 0


@dataclass(frozen=True)
class Metadata:
    """The clips of a data set whose audio was not read.

    Attributes
    ----------
    clips
        The clips: ``path`` is the file as the metadata have it, ``duration`` NaN, ``fold`` 0 where there is no such
        column, and ``recording`` the clip itself where recordings are not known.
    recordings_known
        Whether recordings are known.
    tested
        Folds to test: all, or the test part of a hold-out data set.
    """

    clips: ClipTable
    recordings_known: bool
    tested: tuple[int, ...]


def known_columns(file: Path) -> Columns:
    """Return the columns of the metadata ``file`` if it is that of a registered data set, and else the usual ones."""
    try:
        header = read_table(file).header
    except (OSError, TableError):
        return Columns()  # read_metadata reports it
    for dataset in DATASETS:
        if dataset.columns and {heading for _, heading in dataset.columns} <= {*header}:
            return Columns(**dict(dataset.columns))
    return Columns()


def read_metadata(file: Path, columns: Columns) -> Metadata:
    """Return the clips that the metadata ``file`` names, without reading audio.

    Raises
    ------
    DataError
        When the file is missing or faulty, or names a clip twice.
    """
    rows, known = rows_of(file, columns, folds=False)
    seen: dict[str, str] = {}
    clips: list[tuple[Any, ...]] = []
    for row in rows:
        clip = PurePosixPath(row.file).with_suffix("").as_posix()  # type: ignore[attr-defined]
        if clip in seen:
            raise DataError(
                f"{row.origin}: clip {clip!r} is already listed in {seen[clip]}; remove one of the two rows"
            )
        seen[clip] = row.origin
        fold = fold_number(row.fold) if hasattr(row, "fold") else _NO_FOLD
        recording = getattr(row, "recording", clip)
        clips.append((clip, row.file, row.label, fold, recording, np.nan, len(clips)))  # type: ignore[attr-defined]
    classes = tuple(sorted({label for _, _, label, *_ in clips}))
    frame = pd.DataFrame(clips, columns=list(COLUMNS))
    number = {name: label for label, name in enumerate(classes)}
    frame["label"] = frame["label"].map(number).astype("int64")
    table = ClipTable(file.name, frame, classes, digest="", own=True)
    holdout = any(not getattr(row, "fold", "1").isdigit() for row in rows)
    return Metadata(table, known, (TEST,) if holdout else table.folds)


def splits_of_rule(metadata: Metadata, protocol: ProtocolSection, seed: int) -> tuple[Split, ...]:
    """Return the splits of every tested fold by a registered rule.

    Raises
    ------
    DataError
        When the rule needs folds and the metadata have none, or it deals segments, whose number only the audio tells.
    """
    rule, described = protocol.split, protocol.rule
    if described.unit is not Unit.CLIP:
        raise DataError(f"--split {rule}: deals segments of clips; a study that uses it reports its leakage")
    clips = metadata.clips
    if described.single or described.folds:
        return make_splits(clips, protocol, (TEST,) if described.single else described.folds, seed)
    if clips.folds == (_NO_FOLD,):
        raise DataError(
            f"{clips.dataset}: has no column of folds, over which --split {rule} deals clips; name it with --columns "
            "fold=NAME, or give a split file"
        )
    return make_splits(clips, protocol, metadata.tested, seed)


def read_split(file: Path, clips: ClipTable) -> tuple[Split, ...]:
    """Return the splits that the CSV ``file`` describes.

    Raises
    ------
    DataError
        When the file is missing or faulty, names a clip that ``clips`` have not, or has no test or training part.
    """
    given, rows = columns_of(file)
    positions = positions_of(rows, clips)
    name = file.name
    if given == ["fold"]:
        folds = numbers_of(rows, "fold")
        numbers = sorted(map(int, np.unique(folds)))
        if len(numbers) < 2:
            raise DataError(f"{file}: column 'fold' has one fold, {numbers[0]}; a split needs two or more")
        return tuple(split_by_fold(name, Items(positions), folds, numbers, fold) for fold in numbers)
    parts: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row, position in zip(rows, positions, strict=True):
        part = _number(row, "part")
        parts[_number(row, "fold") if "fold" in given else 1][part].append(int(position))
    for fold, of_fold in parts.items():
        for part, word in ((TEST, "test"), (TRAIN, "train")):
            if part not in of_fold:
                where = f"fold {fold} has" if "fold" in given else "has"
                raise DataError(f"{file}: {where} no clips of the part {word!r}; a split needs test and train")
    return tuple(
        Split(name, fold, *(Items(np.array(of_fold[part], dtype=np.int64)) for part in (TRAIN, VALIDATION, TEST)))
        for fold, of_fold in sorted(parts.items())
    )


def columns_of(file: Path) -> tuple[list[str], tuple[Row, ...]]:
    """Return which of the columns ``fold`` and ``part`` the CSV ``file`` of a split has, and its rows.

    Raises
    ------
    DataError
        When the file is missing or faulty, or has neither column.
    """
    try:
        header = read_table(file).header
    except (OSError, TableError):
        header = ()  # read_rows reports it
    given: list[str] = [name for name in ("fold", "part") if name in header]
    fields: dict[str, Any] = {"clip": (Text, Field(alias="clip"))}
    fields |= {name: (Part, Field(alias=name)) for name in given or ["fold"]}
    model: type[Row] = create_model("SplitRow", __base__=Row, **fields)
    return given, read_rows(file, model)


def numbers_of(rows: Sequence[Row], column: str) -> NDArray[np.int64]:
    """Return the fold, or the number of the part, of each row of a split, int64, shape (n_rows,).

    Raises
    ------
    DataError
        When a part is a number.
    """
    return np.array([_number(row, column) for row in rows], dtype=np.int64)


def _number(row: Row, column: str) -> int:
    text: str = getattr(row, column)
    if column == "part" and text.isdigit():
        row.fail("part", "train, validation or test; numbers belong into a column 'fold'")
    return fold_number(text)


def positions_of(rows: Sequence[Row], clips: ClipTable) -> NDArray[np.int64]:
    """Return the row of ``clips`` that each row of a split names, int64, shape (n_rows,).

    Raises
    ------
    DataError
        When a row names no clip, or several.
    """
    known: dict[str, set[int]] = defaultdict(set)
    for position, (clip, path) in enumerate(zip(clips.frame["clip_id"], clips.frame["path"], strict=True)):
        for name in (clip, path, PurePosixPath(clip).name, PurePosixPath(path).name):
            known[name].add(position)
    positions: list[int] = []
    for row in rows:
        found = known.get(row.clip, known.get(PurePosixPath(row.clip).with_suffix("").as_posix(), set()))  # type: ignore[attr-defined]
        if len(found) != 1:
            what = "the name of several clips of" if found else "a clip of"
            row.fail("clip", f"{what} {clips.dataset}{' with its folder' if found else ''}")
        positions.extend(found)
    return np.array(positions, dtype=np.int64)
