"""Checking a data set: comparing clips with the official numbers, and decoding every file to its last sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
import pandas as pd

from harness.data.audiofile import AudioFacts, decode_fully, not_a_file, other_format, unusable
from harness.data.inventory import ClipEntry, Inventory
from harness.data.load_clips import read_inventory
from harness.errors import DataError
from harness.registry import DATASETS, Dataset
from harness.section import Section

# More than half a Vorbis block; later releases are cut to the exact sample.
LENGTH_TOLERANCE = 0.05
PROMISED_TOLERANCE = 0.1
# At -80 dBFS 16-bit audio varies by three steps; anything quieter is silence.
SILENCE = 1e-4

_RESTORE = "put the original file back, or fetch the data set again"


class Severity(StrEnum):
    """Severity of a finding."""

    ERROR = "error"
    """Results would be wrong, or a study would fail."""
    WARNING = "warning"
    """Worth knowing; some releases are like this."""


class Kind(StrEnum):
    """What a finding is about."""

    METADATA = "metadata"
    COUNT = "count"
    MISSING = "missing"
    UNLISTED = "unlisted"
    UNDECODABLE = "undecodable"
    TRUNCATED = "truncated"
    DAMAGED = "damaged"
    ZERO_LENGTH = "zero-length"
    UNUSABLE = "unusable"
    NON_FINITE = "non-finite"
    SILENT = "silent"
    OFF_LENGTH = "off-length"
    CHANNELS = "channels"
    FORMAT = "format"


@dataclass(frozen=True)
class Finding:
    """One fault, the file that has it, and what to do."""

    severity: Severity
    kind: Kind
    file: Path
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.severity}: {self.kind}: {self.file}: {self.what}; {self.remedy}"


@dataclass(frozen=True)
class CheckReport:
    """The result of checking a data set.

    ``counts`` and ``expected`` are numbers of clips, one row per fold and one column per class; ``counts`` is of
    existing files. ``checked`` is the number of files decoded, ``seconds`` the length of audio in them.
    """

    dataset: str
    folder: Path
    counts: pd.DataFrame
    expected: pd.DataFrame
    checked: int
    seconds: float
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Findings of severity error."""
        return tuple(finding for finding in self.findings if finding.severity is Severity.ERROR)

    @property
    def ok(self) -> bool:
        """Whether there is no error."""
        return not self.errors


def check_dataset(
    name: str,
    root: Path,
    folds: Sequence[int] | None = None,
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
    *,
    options: Section | None = None,
) -> CheckReport:
    """Check a data set against its description, and decode its files.

    Parameters
    ----------
    name : str
        Name of the data set in the registry.
    root : Path
        The data root.
    folds : sequence of int, optional
        Official folds to check; all by default.
    workers : int
        Number of threads that decode.
    progress : callable, optional
        Called in the caller's thread with the number of files done and of all files.
    options : Section, optional
        Options of the data set; its defaults by default. A generated data set must have been generated before.

    Raises
    ------
    UnknownNameError
        When there is no such data set.
    DataError
        When a fold is not one of its folds.
    """
    dataset = DATASETS.get(name)
    for fold in folds or ():
        if fold not in dataset.folds:
            raise DataError(f"{name} has no fold {fold}; it has {', '.join(map(str, dataset.folds))}")
    used = tuple(sorted(folds or dataset.folds))
    try:
        inventory = read_inventory(name, root, options)
    except DataError as error:
        finding = Finding(Severity.ERROR, Kind.METADATA, root, str(error), "put this right and check again")
        return CheckReport(name, root, pd.DataFrame(), pd.DataFrame(), 0, 0.0, (finding,))
    chosen = [entry for entry in inventory.entries if entry.fold in used]
    present = {entry.path for entry in inventory.present()}
    here = [entry for entry in chosen if entry.path in present]
    missing = [
        Finding(Severity.ERROR, Kind.MISSING, entry.path, f"named in {entry.origin}, not there", _RESTORE)
        for entry in chosen
        if entry.path not in present
    ]
    counts, expected = (
        pd.DataFrame(table, index=pd.Index(dataset.folds, name="fold"), columns=list(inventory.classes)).loc[[*used]]
        for table in (inventory.counts(here), inventory.expected)
    )
    decoded, seconds = _decode(dataset, here, workers, progress)
    findings = (*_compare(inventory, used, counts, expected), *missing, *decoded, *_unlisted(inventory))
    return CheckReport(name, inventory.folder, counts, expected, len(here), seconds, findings)


def _compare(inventory: Inventory, folds: Sequence[int], counts: pd.DataFrame, expected: pd.DataFrame) -> list[Finding]:
    """Return one finding for each fold whose clips differ from the official numbers."""
    findings = []
    for fold in folds:
        here, promised = counts.loc[fold].to_numpy(), expected.loc[fold].to_numpy()
        if np.array_equal(here, promised):
            continue
        wrong = [
            f"{name} {int(one)} of {int(other)}"
            for name, one, other in zip(inventory.classes, here, promised, strict=True)
            if one != other
        ]
        what = f"fold {fold} has {int(here.sum())} clips, the official release {int(promised.sum())}"
        if here.sum():
            what += f" ({', '.join(wrong[:5])}{' ...' if len(wrong) > 5 else ''})"
        remedy = "name the folds that are here (data.folds in a study), or fetch the complete data set"
        findings.append(Finding(Severity.ERROR, Kind.COUNT, inventory.source, what, remedy))
    if inventory.absent:
        what = f"{len(inventory.absent)} original classes have no clip ({', '.join(inventory.absent[:5])} ...)"
        findings.append(Finding(Severity.ERROR, Kind.COUNT, inventory.source, what, "fetch the complete data set"))
    return findings


def _decode(
    dataset: Dataset,
    entries: Sequence[ClipEntry],
    workers: int,
    progress: Callable[[int, int], None] | None,
) -> tuple[list[Finding], float]:
    """Return the findings of all files, in the order of ``entries``, and the seconds of audio decoded."""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(_examine, entry, dataset.seconds, dataset.channels) for entry in entries]
        try:
            for done, _ in enumerate(as_completed(futures), start=1):
                if progress is not None:
                    progress(done, len(futures))
        except BaseException:
            # Without this, an interrupt would have to wait for thousands of files.
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    results = [future.result() for future in futures]
    return [finding for findings, _ in results for finding in findings], sum(seconds for _, seconds in results)


def _examine(entry: ClipEntry, length: float, channels: tuple[int, ...]) -> tuple[list[Finding], float]:
    fault = not_a_file(entry.path)
    try:
        if not fault:
            facts = decode_fully(entry.path)
            return _faults(entry, facts, length, channels), facts.seconds
    except (OSError, ValueError) as error:
        fault = (isinstance(error, OSError) and error.strerror) or str(error).rstrip(".")
    return [Finding(Severity.ERROR, Kind.UNDECODABLE, entry.path, fault, _RESTORE)], 0.0


def _faults(entry: ClipEntry, facts: AudioFacts, length: float, channels: tuple[int, ...]) -> list[Finding]:
    findings = []

    def found(severity: Severity, kind: Kind, what: str, remedy: str = _RESTORE) -> None:
        findings.append(Finding(severity, kind, entry.path, what, remedy))

    if facts.cut or facts.decoded < facts.promised:
        cut = facts.cut or f"the header promises {facts.promised} frames, {facts.decoded} can be decoded"
        found(Severity.ERROR, Kind.TRUNCATED, cut)
    elif not facts.decoded:
        found(Severity.ERROR, Kind.ZERO_LENGTH, "holds no samples")
    elif fault := unusable(facts.decoded, facts.sample_rate):
        found(Severity.ERROR, Kind.UNUSABLE, fault)
    if facts.broken:
        found(Severity.ERROR, Kind.DAMAGED, facts.broken)
    if not facts.finite:
        found(Severity.ERROR, Kind.NON_FINITE, "holds samples that are infinite or not a number")
    elif facts.decoded and facts.peak == 0.0:
        # A warning: a release may contain such a clip, and then the user cannot correct it.
        found(Severity.WARNING, Kind.SILENT, "every sample is zero", "listen to the original")
    elif facts.decoded and facts.peak < SILENCE:
        level = 20.0 * np.log10(facts.peak)
        found(Severity.WARNING, Kind.SILENT, f"its loudest sample is at {level:.0f} dBFS", "listen to the original")
    if held := other_format(entry.path, facts.container):
        what = f"holds {held}, not what its name says"
        found(Severity.WARNING, Kind.FORMAT, what, "it is used; if it was converted, put the original file back")
    if facts.channels not in channels:
        expected = " or ".join(map(str, channels))
        found(
            Severity.WARNING,
            Kind.CHANNELS,
            f"has {facts.channels} channels, expected {expected}",
            "they are mixed to one",
        )
    if findings:
        return findings
    if entry.promised is None and abs(facts.seconds - length) > LENGTH_TOLERANCE:
        found(Severity.WARNING, Kind.OFF_LENGTH, f"lasts {facts.seconds:.2f} s instead of {length:g} s", _PADDED)
    elif entry.promised is not None and facts.seconds > length + LENGTH_TOLERANCE:
        found(Severity.WARNING, Kind.OFF_LENGTH, f"lasts {facts.seconds:.2f} s, more than {length:g} s", _PADDED)
    elif entry.promised is not None and abs(facts.seconds - entry.promised) > PROMISED_TOLERANCE:
        what = f"lasts {facts.seconds:.2f} s, the metadata says {entry.promised:.2f} s (end - start)"
        found(Severity.WARNING, Kind.OFF_LENGTH, what, _PADDED)
    return findings


_PADDED = "kept so unless the study sets features.clip_seconds; nothing to do if the release is like this"


def _unlisted(inventory: Inventory) -> list[Finding]:
    """Return one finding for each audio folder with files of the clips' type that no row names."""
    if inventory.dataset.part_of:
        return []  # its folder holds the other clips of the larger data set too
    named: dict[Path, set[str]] = {}
    for entry in inventory.entries:
        named.setdefault(entry.path.parent, set()).add(entry.path.name)
    findings = []
    for folder, names in sorted(named.items()):
        suffixes = {Path(name).suffix for name in names}
        files = {file.name for file in folder.iterdir()} if folder.is_dir() else set()
        extra = sorted(name for name in files - names if Path(name).suffix in suffixes and not name.startswith("."))
        if extra:
            what = f"{len(extra)} audio files are not named in the metadata, the first is {extra[0]}"
            findings.append(Finding(Severity.WARNING, Kind.UNLISTED, folder, what, "they are not used"))
    return findings
