"""Data of your own: this script writes ${name}.csv, which lists the clips of a study.

    python ${name}.py AUDIO             # AUDIO, in this folder, has a folder per class: AUDIO/kettle/monday-1.wav
    harness data check ${name}.csv      # unreadable, silent and duplicate files; clips by fold and class

A study file in this folder uses it by these lines:

    [data]
    dataset = "csv"
    name = "${name}"
    metadata = "${name}.csv"

Correct recording_of first: clips of one recording must be in one fold, or the accuracy will be too high.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from sklearn.model_selection import StratifiedGroupKFold

FOLDS = 5
AUDIO = {".wav", ".flac", ".ogg"}
HERE = Path(__file__).resolve().parent
TABLE = HERE / "${name}.csv"


def recording_of(clip: Path) -> str:
    """Return what the clip was cut from: here its name up to the last hyphen, so that monday-1 and monday-2 are parts
    of one recording."""
    return clip.stem.rpartition("-")[0] or clip.stem


def main(folder: Path) -> None:
    """Write the CSV file: folds keep recordings together and classes in proportion."""
    clips = sorted(path for path in folder.resolve().glob("*/*") if path.suffix.lower() in AUDIO)
    labels = [clip.parent.name for clip in clips]
    recordings = [recording_of(clip) for clip in clips]
    if not folder.resolve().is_relative_to(HERE):
        sys.exit(f"{folder}: the audio must be below {HERE}, because {TABLE.name} names it relative to itself")
    if len(set(recordings)) < FOLDS:
        sys.exit(
            f"{folder}: {len(clips)} clips, {len(set(recordings))} recordings; {FOLDS} folds need at least {FOLDS}"
        )
    folds = [0] * len(clips)
    dealt = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0).split(clips, labels, recordings)
    for fold, (_, tested) in enumerate(dealt, 1):
        for clip in tested:
            folds[clip] = fold
    with TABLE.open("w", newline="", encoding="utf-8") as opened:
        rows = csv.writer(opened)
        rows.writerow(("file", "label", "fold", "recording"))
        for clip, label, fold, recording in zip(clips, labels, folds, recordings, strict=True):
            rows.writerow((clip.relative_to(HERE).as_posix(), label, fold, recording))
    print(f"{TABLE.name}: {len(clips)} clips, {len(set(labels))} classes, {len(set(recordings))} recordings")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "audio"))
