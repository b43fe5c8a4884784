"""The embedded data set: ten synthetic classes in ESC-50's layout, generated on demand, byte-identical everywhere.

Each recording has two clips, like slices of one recording in real data, and is in one fold. A clip's bytes depend only
on the seed, its fold, class and number: a larger set contains the smaller one with the same seed.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import shutil
import tempfile
import wave
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from harness.data.dataset_layouts import Place
from harness.data.datasets.esc import AUTHORS, FOLDS, METADATA, EscRow, inventory_of
from harness.data.inventory import Inventory, class_names
from harness.data.metadata import read_rows
from harness.errors import DataError
from harness.registry import Dataset, register
from harness.section import Most, Natural, Positive, Section
from harness.system.accounts import distrust

if TYPE_CHECKING:
    from harness.data.synthetic_sounds import Draws

# Increased whenever the sounds change, so that an older set on disk is not mistaken for this one.
GENERATOR_VERSION = 1
_CLIPS_PER_RECORDING = 2
_MANIFEST = "sha256.txt"


class SyntheticSection(Section):
    """The embedded data set, used when data.dataset is "synthetic"."""

    clips_per_class_and_fold: Annotated[Positive, Most(1_000, "50,000 clips of 10 classes in 5 folds")] = 4
    """Clips of each of the 10 classes in each of the 5 folds."""
    seed: Annotated[Natural, Most(2**63 - 1, "the largest integer that every database can store")] = 0
    """Seed of the generator."""


def synthetic_folder(root: Path, spec: SyntheticSection) -> Path:
    """Return the folder of the data set of ``spec`` below ``root``, whether it exists or not."""
    facts = {"version": GENERATOR_VERSION, **spec.model_dump(mode="json")}
    return root / f"synthetic-{hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]}"


def write_synthetic(root: Path, spec: SyntheticSection) -> Path:
    """Return the folder of the data set of ``spec`` below ``root``, which is generated unless it exists and is intact.

    Mono 16-bit WAV files of 2 s at 22,050 Hz in ``audio/`` and ``meta/esc50.csv`` with ESC-50's columns. The folder
    appears at once, complete; an existing one is compared with its checksums, and replaced when it differs or another
    account can write it.

    Raises
    ------
    DataError
        When ``root`` cannot be written to.
    """
    target = synthetic_folder(root, spec)
    if is_whole(target) and not distrust(target):
        return target
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".synthetic-", dir=root) as temporary:
            made = Path(temporary) / "made"
            _generate(made, spec)
            _keep_from_others(made)
            _put(made, target, Path(temporary) / "damaged")
    except OSError as error:
        raise DataError(
            f"{root}: the synthetic data set cannot be written here ({error.strerror}); choose a writable data root "
            "with --data-root or HARNESS_DATA"
        ) from None
    return target


def read_synthetic(dataset: Dataset, root: Path, spec: SyntheticSection) -> Inventory:
    """Return the inventory of the data set of ``spec`` below ``root``, which must have been written.

    Raises
    ------
    DataError
        When it is not there or its metadata is faulty.
    """
    from harness.data.synthetic_sounds import VOICES

    folder = synthetic_folder(root, spec)
    if not folder.is_dir():
        raise DataError(f"{folder}: does not exist; generate it with `harness data synth`")
    rows = read_rows(folder / METADATA, EscRow)
    class_names(rows, "target", "category")
    expected = ((spec.clips_per_class_and_fold,) * dataset.n_classes,) * len(dataset.folds)
    labels = {label: label for label in range(dataset.n_classes)}
    return inventory_of(dataset, Place(folder, AUTHORS), rows, tuple(VOICES), labels, expected)


def is_whole(folder: Path) -> bool:
    """Return whether every file of a synthetic data set has the bytes it was written with."""
    try:
        for line in (folder / _MANIFEST).read_text("ascii").splitlines():
            digest, name = line.split("  ", 1)
            if hashlib.sha256((folder / name).read_bytes()).hexdigest() != digest:
                return False
    except (OSError, ValueError):
        return False
    return True


def _generate(folder: Path, spec: SyntheticSection) -> None:
    from harness.data.synthetic_sounds import VOICES, Draws

    table = io.StringIO(newline="")
    lines = csv.writer(table, lineterminator="\n")
    lines.writerow(EscRow.columns())
    files: dict[str, bytes] = {}
    for fold in FOLDS:
        for target, voice in enumerate(VOICES):
            for clip in range(spec.clips_per_class_and_fold):
                source, take = divmod(clip, _CLIPS_PER_RECORDING)
                recording, letter = f"{fold}{target:02d}{source:05d}", "AB"[take]
                name = f"{fold}-{recording}-{letter}-{target}.wav"
                key = (GENERATOR_VERSION, spec.seed, fold, target, source)
                files[f"audio/{name}"] = _wav(voice, Draws(*key), Draws(*key, take))
                lines.writerow([name, fold, target, voice, False, recording, letter])
    files[METADATA.as_posix()] = table.getvalue().encode("ascii")
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    # The checksums replace a sync of every file: files lost in a power cut are detected.
    manifest = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items())
    with (folder / _MANIFEST).open("w", encoding="ascii") as file:
        file.write(manifest)
        file.flush()
        os.fsync(file.fileno())


def _keep_from_others(folder: Path) -> None:
    """Remove the write permission of other accounts, which an umask of 0 would grant."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(path.stat().st_mode & 0o755)


def _wav(voice: str, recording: Draws, clip: Draws) -> bytes:
    from harness.data.synthetic_sounds import RATE, synthesise

    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(synthesise(voice, recording, clip).astype("<i2").tobytes())
    return content.getvalue()


def _put(made: Path, target: Path, aside: Path) -> None:
    """Move ``made`` to ``target``; a damaged folder there is moved to ``aside``, an intact one of another process is
    kept."""
    if target.exists() and (not is_whole(target) or distrust(target)):
        target.rename(aside)
    try:
        made.rename(target)
    except OSError:
        if not is_whole(target) or distrust(target):
            raise
        shutil.rmtree(made)


register(
    Dataset(
        name="synthetic",
        title="synthetic",
        n_classes=10,
        folds=FOLDS,
        n_clips=0,  # depends on the options
        seconds=2.0,
        read=f"{__name__}:read_synthetic",
        prepare=f"{__name__}:write_synthetic",
        options=f"{__name__}:SyntheticSection",
    )
)
