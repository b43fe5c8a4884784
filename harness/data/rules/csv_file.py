"""A split of the user's own, from a CSV file with the columns ``clip`` and ``fold``, or ``clip`` and ``part``.

Clips are named by their file, with or without folders and extension. Those that the file does not name are not used.
What a study must know of the file is read when the study file is read (:func:`resolve`) and recorded with the study,
with the file's SHA-256: a study does not run on another file than it was planned with.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from harness.choices import Validation
from harness.errors import DataError
from harness.registry import TEST, TRAIN, VALIDATION, SplitRule, register
from harness.section import Most, Positive, Section

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.data.clips import ClipTable
    from harness.data.splits import Part


class Found(Section):
    """What the file holds; it is filled in when the study is read."""

    digest: str
    """SHA-256 of the file, hex."""
    parts: bool
    """Whether it puts clips into parts, one of which is tested, instead of folds."""
    numbers: tuple[Positive, ...]
    """Its folds, ascending; of parts 1 (test), 2 (validation), 3 (train)."""


class CsvSplit(Section):
    """The options of the split csv."""

    file: Annotated[str, Most(1_000, "a path")] = ""
    """The CSV file, relative to the study file: columns clip, and fold or part (train, validation, test)."""
    found: Found | None = None
    """What the file holds; filled in when the study is read."""


def resolve(options: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return ``options`` of a study file in ``folder``, as JSON data, with what the file holds.

    Raises
    ------
    DataError
        When the file is missing or faulty, or has both folds and parts.
    """
    from harness.data.split_file import columns_of, numbers_of

    file = folder / str(options.get("file", ""))
    if not options.get("file") or not file.is_file():
        named = file if options.get("file") else "no file is named"
        raise DataError(
            f"protocol.file: {named}: split = 'csv' needs a CSV file with the columns clip and fold, or clip and part; "
            "the path is relative to the study file"
        )
    given, rows = columns_of(file)
    if len(given) != 1:
        raise DataError(f"{file}: split = 'csv' takes either a column 'fold' or a column 'part', received both")
    numbers = sorted({int(number) for number in numbers_of(rows, given[0])})
    parts = given == ["part"]
    if parts and not {TEST, TRAIN} <= set(numbers):
        raise DataError(f"{file}: column 'part' must have test and train, and may have validation")
    if len(numbers) < 2:
        raise DataError(f"{file}: column 'fold' has one fold, {numbers[0]}; a split needs two or more")
    found = {"digest": hashlib.sha256(file.read_bytes()).hexdigest(), "parts": parts, "numbers": numbers}
    return {**options, "found": found}


def describe(rule: SplitRule, options: CsvSplit) -> SplitRule:
    """Return the description that the file of ``options`` makes.

    Raises
    ------
    ValueError
        When the options have not been resolved.
    """
    if options.found is None:
        raise ValueError("split = 'csv': name the CSV file as protocol.file, relative to the study file")
    numbers = options.found.numbers
    if not options.found.parts:
        return replace(rule, folds=numbers, validation=Validation.NEXT_FOLD)
    own = VALIDATION in numbers
    return replace(rule, single=True, own_parts=own, validation=Validation.NEXT_FOLD if own else Validation.NONE)


def deal(
    clips: ClipTable, _seed: int, _segments_per_clip: NDArray[np.int64] | None, options: CsvSplit
) -> tuple[Part, NDArray[np.int64]]:
    """Return the clips that the file names, with their folds or parts.

    Parameters
    ----------
    clips : ClipTable
        The clips to deal.
    _seed : int
        The study's seed, which this rule does not use.
    _segments_per_clip : ndarray of int64, shape (n_clips,), optional
        Segments of each clip, which this rule does not deal.
    options : CsvSplit
        The options of the rule.

    Raises
    ------
    DataError
        When the file is missing, is not the one that the study was read with, or names a clip that is not in use.
    """
    import numpy as np

    from harness.data.split_file import columns_of, numbers_of, positions_of
    from harness.data.splits import Part

    file = Path(options.file)
    if not file.is_file():
        raise DataError(
            f"{file}: there is no such file, which protocol.file names; put it back, or name the folder of the study "
            "file with --study-folder"
        )
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    if options.found is None or digest != options.found.digest:
        raise DataError(f"{file}: was changed since the study was read or recorded; restore it, or start a new study")
    given, rows = columns_of(file)
    positions = positions_of(rows, clips)
    order = np.argsort(positions, kind="stable")
    if len(np.unique(positions)) < len(positions):
        twice = positions[order][1:][np.diff(positions[order]) == 0][0]
        raise DataError(f"{file}: clip {clips.frame['clip_id'][int(twice)]!r} has several rows; leave one")
    return Part(positions[order]), numbers_of(rows, given[0])[order]


register(
    SplitRule(
        "csv",
        f"{__name__}:deal",
        "folds, or train, validation and test parts, of a CSV file",
        used_by="whoever has a split of their own",
        options=f"{__name__}:CsvSplit",
        files=("file",),
        resolve=f"{__name__}:resolve",
        describe=f"{__name__}:describe",
    )
)
