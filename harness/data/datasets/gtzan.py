"""GTZAN, 10 genres of music, with the fault-filtered split as hold-out.

Sources: G. Tzanetakis, P. Cook, "Musical genre classification of audio signals", IEEE TSAP 10(5), 2002 (the audio:
1,000 excerpts of 30 s); C. Kereliuk, B. L. Sturm, J. Larsen, "Deep learning and music adversaries", IEEE TMM 17(11),
2015 (the split: without copies and distorted excerpts, and no artist in two parts; 443 clips train, 197 validate and
290 test). Layout below the data root: ``gtzan/genres/GENRE/GENRE.NNNNN.wav`` (or ``.au``; Kaggle's copy calls the
folder ``genres_original``) and the lists ``train_filtered.txt``, ``valid_filtered.txt`` and ``test_filtered.txt`` in
``gtzan/``, with lines such as ``blues/blues.00029.wav``.

The artist-filtered folds of B. L. Sturm, "The GTZAN dataset", 2013, are not here: they are not published as files. Who
plays is not in the lists either, so every clip counts as a recording of its own. The tests use small made copies; the
real audio was not available.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from harness.data.dataset_layouts import Arrangement, Place, find_place
from harness.data.inventory import ClipEntry, Inventory
from harness.data.metadata import read_lines
from harness.registry import TEST, TRAIN, VALIDATION, Dataset, register
from harness.section import Section

GENRES = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")
LISTS = {TEST: "test_filtered.txt", VALIDATION: "valid_filtered.txt", TRAIN: "train_filtered.txt"}
# Counted from the lists: rows are test, validation and train, columns the genres.
_COUNTS = (
    (31, 31, 30, 29, 27, 27, 27, 30, 26, 32),
    (23, 20, 23, 22, 18, 17, 20, 13, 17, 24),
    (46, 48, 45, 42, 47, 43, 44, 41, 43, 44),
)
_ARRANGEMENTS = (Arrangement(LISTS[TRAIN], "genres"),)
_AUDIO = ("genres", "genres_original", "Data/genres_original")
_LINE = re.compile(rf"(?:(?:{'|'.join(GENRES)})/)?(?P<clip>(?P<genre>{'|'.join(GENRES)})\.[0-9]{{5}})(?:\.(?:wav|au))?")
_REMEDY = (
    "put train_filtered.txt, valid_filtered.txt and test_filtered.txt of github.com/jongpillee/music_dataset_split "
    "into this folder"
)


def read(dataset: Dataset, root: Path, _options: Section) -> Inventory:
    """Return the inventory of the clips that the three lists name.

    Raises
    ------
    DataError
        When the folder or a list is missing or faulty.
    """
    place = find_place(dataset, root, _ARRANGEMENTS)
    entries = tuple(entry for part, name in LISTS.items() for entry in _entries(place, part, name))
    return place.inventory(dataset, GENRES, entries)


def _entries(place: Place, part: int, name: str) -> Iterator[ClipEntry]:
    audio = place.folder / next((each for each in _AUDIO if (place.folder / each).is_dir()), _AUDIO[0])
    for line, origin in read_lines(place.folder / name, _LINE, "a clip such as blues/blues.00029.wav", _REMEDY):
        clip, genre = line["clip"], line["genre"]
        wav, au = (audio / genre / f"{clip}.{suffix}" for suffix in ("wav", "au"))
        path = au if au.is_file() and not wav.is_file() else wav
        yield ClipEntry(clip, path, GENRES.index(genre), part, clip, origin)


register(
    Dataset(
        name="gtzan",
        title="GTZAN",
        n_classes=len(GENRES),
        folds=(TEST, VALIDATION, TRAIN),
        n_clips=930,
        seconds=30.0,
        uneven=True,
        read=f"{__name__}:read",
        fold_counts=_COUNTS,
        class_counts=tuple(zip(GENRES, map(sum, zip(*_COUNTS, strict=True)), strict=True)),
        obtain="its author no longer serves genres.tar.gz, but copies of it are published, such as one on Kaggle",
        holdout=True,
        recordings=False,
    )
)
