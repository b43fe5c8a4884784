"""Data of one's own: audio files anywhere, and one CSV file that names them.

The file has a row per clip and a column each for its audio file, its label, its fold and, if known, the recording that
the clip was cut from. Folds are whole numbers from 1, at least two of them; or the words train, validation and test,
which make a hold-out data set: its test part is tested once, and seeds take the place of folds.

What a study needs to know before it is checked, its classes and folds, is read when the study file is read
(:func:`resolve`) and recorded with the study, so that a recorded study does not need the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Self

from pydantic import Field, create_model, field_validator, model_validator

from harness.data.inventory import ClipEntry, Inventory
from harness.data.metadata import Identifier, Row, Text, read_rows, reads
from harness.errors import DataError
from harness.registry import DATASETS, TEST, TRAIN, VALIDATION, Dataset, register
from harness.section import Most, Natural, Positive, Rate, Section

MOST_CLASSES = 1_000
_PARTS = (
    dict.fromkeys(("test", "testing", "eval"), TEST)
    | dict.fromkeys(("validation", "valid", "val", "dev"), VALIDATION)
    | dict.fromkeys(("train", "training"), TRAIN)
)
_SECONDS = 5.0
_MEANINGS = {"file": "audio files", "label": "classes", "fold": "folds"}


class Columns(Section):
    """The columns of the file."""

    file: Annotated[str, Most(200, "a heading")] = "file"
    """Audio file: a path relative to the CSV file, or to the data root."""
    label: Annotated[str, Most(200, "a heading")] = "label"
    """Class."""
    fold: Annotated[str, Most(200, "a heading")] = "fold"
    """Fold: whole numbers from 1, or train, validation and test."""
    recording: Annotated[str | None, Most(200, "a heading")] = None
    """Source recording: clips of one recording belong together. Default: a column called recording, if there is one;
    otherwise every clip is taken as a recording of its own, and leaks between folds cannot be counted."""


class Found(Section):
    """What the file holds; it is filled in when the study is read."""

    folds: tuple[Positive, ...]
    """Numbers of its folds, ascending; of a hold-out data set 1 (test), 2 (validation), 3 (train)."""
    holdout: bool
    """Whether the fold column holds train, validation and test."""
    clips: Natural
    """Number of clips."""
    recordings: bool
    """Whether recordings are known."""


class CsvSection(Section):
    """Data of one's own, used when data.dataset is "csv"."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w .-]*$", max_length=60)] = "own-data"
    """What tables call the data set."""
    metadata: Annotated[str, Most(1_000, "a path")] = ""
    """The CSV file, relative to the study file."""
    columns: Columns = Columns()
    """Its columns."""
    classes: Annotated[tuple[str, ...] | None, Most(MOST_CLASSES, "more than a network here can tell", each=200)] = None
    """Classes in the order of tables; default: all labels, sorted."""
    seconds: Annotated[Rate, Most(60, "the longest clip that is read")] = _SECONDS
    """Usual length of a clip, for estimates of memory."""
    found: Found | None = None
    """What the file holds; filled in when the study is read."""

    @field_validator("name")
    @classmethod
    def _not_taken(cls, name: str) -> str:
        if name in DATASETS:
            raise ValueError(f"{name!r} is a data set of the harness; choose another name")
        return name

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        if self.classes is not None and len(set(self.classes)) != len(self.classes):
            raise ValueError("classes: each class must be named once")
        return self


def _path(text: str, _: bool) -> str | None:
    path = PurePosixPath(text.replace("\\", "/"))
    plain = text.isprintable() and not path.is_absolute() and ".." not in path.parts and ":" not in text
    return path.as_posix() if plain and path.suffix else None


def _part(text: str, _: bool) -> str | None:
    word = text.strip().lower()
    number = word.removesuffix(".0")
    if word in _PARTS:
        return word
    return number if number.isascii() and number.isdigit() and 1 <= int(number) <= 1_000 else None


FilePath = Annotated[str, reads("a relative path with an extension, without '..'", _path)]
Part = Annotated[str, reads("a whole number from 1 to 1000, or train, validation or test", _part)]


def rows_of(file: Path, columns: Columns, *, folds: bool = True) -> tuple[tuple[Row, ...], bool]:
    """Return the rows of the CSV ``file``, with the fields ``file``, ``label``, ``fold`` and ``recording``, and whether
    the last one is known.

    Parameters
    ----------
    file : Path
        The CSV file.
    columns : Columns
        Names of its columns.
    folds : bool
        Whether there must be a column of folds; otherwise rows have the field only where there is one.

    Raises
    ------
    DataError
        When the file cannot be read, lacks a column, or holds an invalid value.
    """
    from harness.text.delimited import TableError, read_table

    try:
        header = read_table(file).header
    except (OSError, TableError):
        header = ()  # read_rows reports it
    needed = (("file", columns.file), ("label", columns.label), *((("fold", columns.fold),) if folds else ()))
    for name, heading in needed:
        if header and heading not in header:
            raise DataError(
                f"{file}: has no column {heading!r}; received {', '.join(header)}; name the column of "
                f"{_MEANINGS[name]} with --columns {name}=HEADING, or in a study as data.csv.columns.{name}"
            )
    recording = columns.recording or ("recording" if "recording" in header else None)
    fields: dict[str, Any] = {
        "file": (FilePath, Field(alias=columns.file)),
        "label": (Text, Field(alias=columns.label)),
    }
    if folds or columns.fold in header:
        fields["fold"] = (Part, Field(alias=columns.fold))
    if recording is not None:
        fields["recording"] = (Identifier, Field(alias=recording))
    model: type[Row] = create_model("CsvRow", __base__=Row, **fields)
    return read_rows(file, model), recording is not None


def resolve(options: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return ``options`` of a study file in ``folder``, as JSON data, with classes and folds as the file has them.

    Raises
    ------
    DataError
        When the file is missing or faulty, has fewer than two folds or other classes than the options name.
    """
    given = CsvSection.model_validate_json(_json(options))
    file = metadata_file(given, folder)
    rows, recordings = rows_of(file, given.columns)
    labels = dict.fromkeys(row.label for row in rows)  # type: ignore[attr-defined]
    classes = given.classes or tuple(sorted(labels))
    absent = [name for name in classes if name not in labels]
    if absent:
        raise DataError(f"{file}: no clip has the label {absent[0]!r}, which data.classes names")
    if len(classes) > MOST_CLASSES:
        raise DataError(
            f"{file}: column {given.columns.label!r} has {len(classes)} different labels, {MOST_CLASSES} at most"
        )
    unknown = [row for row in rows if row.label not in classes]  # type: ignore[attr-defined]
    if unknown:
        unknown[0].fail("label", f"one of data.classes: {', '.join(classes[:20])}")
    parts = {row.fold for row in rows}  # type: ignore[attr-defined]
    words = sorted(part for part in parts if part in _PARTS)
    if words and len(words) < len(parts):
        raise DataError(
            f"{file}: column {given.columns.fold!r} holds both words ({', '.join(words)}) and numbers; use one kind"
        )
    folds = tuple(sorted({fold_number(part) for part in parts}))
    if words and not {TEST, TRAIN} <= set(folds):
        raise DataError(
            f"{file}: column {given.columns.fold!r} has {', '.join(words)}; a hold-out data set needs train and test"
        )
    if len(folds) < 2:
        raise DataError(f"{file}: column {given.columns.fold!r} has one fold, {folds[0]}; a study needs two or more")
    found = Found(folds=folds, holdout=bool(words), clips=len(rows), recordings=recordings)
    return {**options, "classes": list(classes), "found": found.model_dump(mode="json")}


def describe(dataset: Dataset, options: CsvSection) -> Dataset:
    """Return the description of the data set that ``options`` resolve to.

    Raises
    ------
    ValueError
        When they have not been resolved.
    """
    if options.found is None or options.classes is None:
        raise ValueError("data: metadata: name the CSV file of the data set, relative to the study file")
    return Dataset(
        name=options.name,
        title=options.name,
        n_classes=len(options.classes),
        folds=options.found.folds,
        n_clips=options.found.clips,
        seconds=options.seconds,
        uneven=True,
        read=dataset.read,
        channels=tuple(range(1, 65)),
        own=True,
        holdout=options.found.holdout,
        recordings=options.found.recordings,
    )


def read(dataset: Dataset, root: Path, options: CsvSection, folder: Path) -> Inventory:
    """Return the inventory of the CSV file of a study.

    Parameters
    ----------
    dataset : Dataset
        The registered description.
    root : Path
        The data root, for audio that is not found relative to the CSV file.
    options : CsvSection
        The study's options, resolved.
    folder : Path
        Folder of the study file.

    Raises
    ------
    DataError
        When the file is missing or faulty, or no longer has the classes and folds of the study.
    """
    file = metadata_file(options, folder)
    rows, _ = rows_of(file, options.columns)
    known = {name: label for label, name in enumerate(options.classes or ())}
    entries, listed = [], _Audio(file.parent, root)
    for row in rows:
        path, label, part = row.file, row.label, row.fold  # type: ignore[attr-defined]
        if label not in known:
            row.fail("label", f"one of the study's classes: {', '.join(list(known)[:20])}")
        clip = PurePosixPath(path).with_suffix("").as_posix()
        recording = getattr(row, "recording", "") or clip
        entries.append(ClipEntry(clip, listed.path(path), known[label], fold_number(part), recording, row.origin))
    described = describe(dataset, options)
    inventory = Inventory(described, file.parent, file, tuple(known), tuple(entries))
    strange = sorted({entry.fold for entry in entries} - set(described.folds))
    if strange:
        raise DataError(f"{file}: has fold {strange[0]}, which it had not when the study was read; start again")
    return replace(inventory, expected=inventory.counts())


def metadata_file(options: CsvSection, folder: Path) -> Path:
    """Return the path of the CSV file.

    Raises
    ------
    DataError
        When it is not named or not there.
    """
    if not options.metadata:
        raise DataError("data.metadata: name the CSV file of the data set, relative to the study file")
    file = folder / options.metadata
    if not file.is_file():
        raise DataError(f"data.metadata: {file}: there is no such file; the path is relative to the study file")
    return file


def fold_number(part: str) -> int:
    """Return the number of a fold, or of a part of a hold-out data set, as :data:`Part` reads it."""
    return _PARTS[part] if part in _PARTS else int(part)


def _json(options: Mapping[str, Any]) -> str:
    import json

    return json.dumps(dict(options), default=str)


class _Audio:
    """Where audio files are: relative to the CSV file, else to the data root."""

    def __init__(self, *folders: Path) -> None:
        self._folders = folders

    def path(self, name: str) -> Path:
        paths = [folder / name for folder in self._folders]
        return next((path for path in paths if path.is_file()), paths[0])


register(
    Dataset(
        name="csv",
        title="own data",
        n_classes=0,
        folds=(),
        n_clips=0,
        seconds=_SECONDS,
        read=f"{__name__}:read",
        options=f"{__name__}:CsvSection",
        own=True,
        resolve=f"{__name__}:resolve",
        describe=f"{__name__}:describe",
    )
)
