"""UrbanSound8K in its own layout: ``UrbanSound8K/metadata/UrbanSound8K.csv`` and ``UrbanSound8K/audio/foldN/``; or in
that of Kaggle's copy: ``UrbanSound8K.csv`` and ``foldN/``.

Source: J. Salamon, C. Jacoby, J. P. Bello, A Dataset and Taxonomy for Urban Sound Research, ACM MM 2014; the archive
and its MD5 are those of Zenodo record 1203745. The recording of a clip is its freesound id, ``fsID``; the promised
length is ``end - start``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from harness.data.dataset_layouts import Arrangement, Place, find_place
from harness.data.inventory import ClipEntry, Inventory, class_names
from harness.data.metadata import FileName, Row, Seconds, Text, between, read_rows
from harness.registry import Dataset, Source, register
from harness.section import Section

METADATA = "metadata/UrbanSound8K.csv"
_ARRANGEMENTS = (
    Arrangement(METADATA, "audio/fold{fold}"),
    Arrangement("UrbanSound8K.csv", "fold{fold}", "as on Kaggle, UrbanSound8K.csv and fold1/ to fold10/ side by side"),
)
_CLASSES = (
    "air_conditioner", "car_horn", "children_playing", "dog_bark", "drilling",
    "engine_idling", "gun_shot", "jackhammer", "siren", "street_music",
)  # fmt: skip
# Version 1.0, counted from its metadata: rows are folds 1 to 10, columns classID 0 to 9.
_COUNTS = (
    (100, 36, 100, 100, 100, 96, 35, 120, 86, 100),
    (100, 42, 100, 100, 100, 100, 35, 120, 91, 100),
    (100, 43, 100, 100, 100, 107, 36, 120, 119, 100),
    (100, 59, 100, 100, 100, 107, 38, 120, 166, 100),
    (100, 98, 100, 100, 100, 107, 40, 120, 71, 100),
    (100, 28, 100, 100, 100, 107, 46, 68, 74, 100),
    (100, 28, 100, 100, 100, 106, 51, 76, 77, 100),
    (100, 30, 100, 100, 100, 88, 30, 78, 80, 100),
    (100, 32, 100, 100, 100, 89, 31, 82, 82, 100),
    (100, 33, 100, 100, 100, 93, 32, 96, 83, 100),
)

DATASET = Dataset(
    name="urbansound8k",
    title="UrbanSound8K",
    n_classes=10,
    folds=tuple(range(1, 11)),
    n_clips=8732,
    seconds=4.0,
    read=f"{__name__}:read",
    # Five freesound recordings whose slices the authors spread over more than one fold.
    known_leaks=("106905", "132016", "176638", "180937", "77751"),
    fold_counts=_COUNTS,
    class_counts=tuple(zip(_CLASSES, map(sum, zip(*_COUNTS, strict=True)), strict=True)),
    channels=(1, 2),
    columns=(("file", "slice_file_name"), ("label", "class"), ("fold", "fold"), ("recording", "fsID")),
    source=Source(
        url="https://zenodo.org/records/1203745/files/UrbanSound8K.tar.gz?download=1",
        checksum="md5:9aa69802bbf37fb986f71ec1483a196e",
        archive="UrbanSound8K.tar.gz",
        folder="UrbanSound8K",
        metadata=METADATA,
        max_bytes=16_000_000_000,
    ),
)


class UrbanSoundRow(Row):
    """A row of ``UrbanSound8K.csv``."""

    slice_file_name: FileName
    # A plain number, so that it can be compared with the recordings known to cross folds, however it is written.
    recording: Annotated[int, between(0), Field(alias="fsID")]
    start: Seconds
    end: Seconds
    fold: Annotated[int, between(DATASET.folds[0], DATASET.folds[-1])]
    label: Annotated[int, between(0, DATASET.n_classes - 1), Field(alias="classID")]
    class_name: Annotated[Text, Field(alias="class")]


def read(dataset: Dataset, root: Path, _options: Section) -> Inventory:
    """Return the inventory of UrbanSound8K below ``root``.

    Raises
    ------
    DataError
        When the folder or the metadata file is missing or faulty.
    """
    place = find_place(dataset, root, _ARRANGEMENTS)
    rows = read_rows(place.metadata, UrbanSoundRow)
    names = class_names(rows, "label", "class_name")
    classes = [names.get(label, f"classID {label}") for label in range(dataset.n_classes)]
    return place.inventory(dataset, classes, [_entry(row, place) for row in rows])


def _entry(row: UrbanSoundRow, place: Place) -> ClipEntry:
    if row.end < row.start:
        row.fail("end", f"at least the start time, {row.start}")
    return ClipEntry(
        clip_id=Path(row.slice_file_name).stem,
        path=place.audio(row.slice_file_name, fold=row.fold),
        label=row.label,
        fold=row.fold,
        recording=str(row.recording),
        origin=row.origin,
        promised=row.end - row.start,
    )


register(DATASET)
