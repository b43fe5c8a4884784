"""Speech Commands, version 0.02: 35 spoken words of one second, with the authors' lists as hold-out.

Source: P. Warden, "Speech Commands: a dataset for limited-vocabulary speech recognition", arXiv:1804.03209, 2018, whose
table 1 counts 105,829 clips. Layout below the data root: ``speech_commands_v0.02/WORD/SPEAKER_nohash_N.wav``, and the
clips that test and validate in ``testing_list.txt`` (11,005) and ``validation_list.txt`` (9,981); the other 84,843
train. Clips of one speaker are in one part, and count as one recording. ``_background_noise_`` is not used.

The tests use small made copies; the real audio was not available.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from harness.data.dataset_layouts import Arrangement, Place, find_place
from harness.data.inventory import ClipEntry, Inventory
from harness.data.metadata import read_lines
from harness.registry import TEST, TRAIN, VALIDATION, Dataset, Source, register
from harness.section import Section

WORDS = (
    "backward", "bed", "bird", "cat", "dog", "down", "eight", "five", "follow", "forward", "four", "go", "happy",
    "house", "learn", "left", "marvin", "nine", "no", "off", "on", "one", "right", "seven", "sheila", "six", "stop",
    "three", "tree", "two", "up", "visual", "wow", "yes", "zero",
)  # fmt: skip
LISTS = {TEST: "testing_list.txt", VALIDATION: "validation_list.txt"}
# Test and validation counted from the lists; train is what is left of table 1. Columns are the words.
_COUNTS = (
    (
        165, 207, 185, 194, 220, 406, 408, 445, 172, 155, 400, 402, 203, 191, 161, 412, 195, 408, 405, 402, 396, 399,
        396, 406, 212, 394, 411, 405, 193, 424, 425, 165, 206, 419, 418,
    ),
    (
        153, 213, 182, 180, 197, 377, 346, 367, 132, 146, 373, 372, 219, 195, 128, 352, 195, 356, 406, 373, 363, 351,
        363, 387, 204, 378, 350, 356, 159, 345, 350, 139, 193, 397, 384,
    ),
    (
        1346, 1594, 1697, 1657, 1711, 3134, 3033, 3240, 1275, 1256, 2955, 3106, 1632, 1727, 1286, 3037, 1710, 3170,
        3130, 2970, 3086, 3140, 3019, 3205, 1606, 3088, 3111, 2966, 1407, 3111, 2948, 1288, 1724, 3228, 3250,
    ),
)  # fmt: skip
_ARRANGEMENTS = (Arrangement(LISTS[TEST], "{word}"),)
_FILE = r"(?P<clip>(?P<speaker>[0-9a-f]{1,16})_nohash_[0-9]{1,4})\.wav"
_NAME = re.compile(_FILE)
_LINE = re.compile(rf"(?P<word>{'|'.join(WORDS)})/{_FILE}")


def read(dataset: Dataset, root: Path, _options: Section) -> Inventory:
    """Return the inventory of the clips that the lists name, and of all others in the folders of words.

    Raises
    ------
    DataError
        When the folder or a list is missing or faulty.
    """
    place = find_place(dataset, root, _ARRANGEMENTS)
    listed = tuple(entry for part, name in LISTS.items() for entry in _listed(place, part, name))
    held_out = {entry.clip_id for entry in listed}
    entries = (*listed, *(entry for entry in _found(place) if entry.clip_id not in held_out))
    return place.inventory(dataset, WORDS, entries)


def _listed(place: Place, part: int, name: str) -> Iterator[ClipEntry]:
    for line, origin in read_lines(place.folder / name, _LINE, "a clip such as right/a69b9b3e_nohash_0.wav"):
        yield _entry(place, line["word"], line, part, origin)


def _found(place: Place) -> Iterator[ClipEntry]:
    for word in WORDS:
        folder = place.audio("", word=word)
        for file in sorted(folder.iterdir()) if folder.is_dir() else ():
            if match := _NAME.fullmatch(file.name):
                yield _entry(place, word, match, TRAIN, str(folder))


def _entry(place: Place, word: str, file: re.Match[str], part: int, origin: str) -> ClipEntry:
    path = place.audio(f"{file['clip']}.wav", word=word)
    return ClipEntry(f"{word}/{file['clip']}", path, WORDS.index(word), part, file["speaker"], origin)


register(
    Dataset(
        name="speech-commands",
        title="Speech Commands v0.02",
        n_classes=len(WORDS),
        folds=(TEST, VALIDATION, TRAIN),
        n_clips=105_829,
        seconds=1.0,
        uneven=True,  # a tenth are shorter
        read=f"{__name__}:read",
        fold_counts=_COUNTS,
        class_counts=tuple(zip(WORDS, map(sum, zip(*_COUNTS, strict=True)), strict=True)),
        source=Source(
            url="https://storage.googleapis.com/download.tensorflow.org/data/speech_commands_v0.02.tar.gz",
            checksum="sha256:af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
            archive="speech_commands_v0.02.tar.gz",
            folder="speech_commands_v0.02",
            metadata=LISTS[TEST],
            max_bytes=8_000_000_000,
            also=("speech-commands",),
        ),
        holdout=True,
    )
)
