"""Checking a data set: clips against the official numbers, and every file decoded to its last sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from harness.data.audiofile import AudioFacts, decode_fully, not_a_file, other_format, unusable
from harness.data.clips import ClipEntry
from harness.data.inventory import Inventory
from harness.data.load import read_inventory
from harness.errors import DataError
from harness.study import SyntheticSection
from harness.vocabulary import DATASETS

# Half a Vorbis block and more; the later releases are cut to the sample.
LENGTH_TOLERANCE = 0.05
PROMISED_TOLERANCE = 0.1
# 16-bit audio at -80 dBFS moves by three steps: what is below carries no sound.
SILENCE = 1e-4

_RESTORE = "put the original file back, or fetch the data set again"


@dataclass(frozen=True)
class Finding:
    """One fault.

    ``severity`` is ``"error"`` (results would be wrong or a study would stop) or ``"warning"`` (as some releases are;
    worth knowing). ``kind`` is one word or two: metadata, count, missing, unlisted, undecodable, truncated,
    damaged, zero-length, unusable, non-finite, silent, off-length, channels, format.
    """

    severity: str
    kind: str
    file: Path
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.severity}: {self.kind}: {self.file}: {self.what}; {self.remedy}"


@dataclass(frozen=True)
class CheckReport:
    """What checking a data set found.

    ``counts`` and ``expected`` hold clips, one row a fold and one column a class; ``counts`` is of files that are
    there. ``checked`` is the number of files decoded, ``seconds`` the length of audio in them.
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
        return tuple(finding for finding in self.findings if finding.severity == "error")

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
    synthetic: SyntheticSection | None = None,
) -> CheckReport:
    """Check the data set ``name`` below ``root``, all official folds or ``folds`` alone.

    ``workers`` threads decode; ``progress`` is called in the caller's thread with the files done and their number.
    ``synthetic`` names the synthetic data set meant, which must have been generated.

    Raises
    ------
    DataError
        When the data set is unknown, or a fold is not one of its folds.
    """
    official = DATASETS[name].folds if name in DATASETS else ()
    for fold in folds or ():
        if fold not in official:
            raise DataError(f"{name} has no fold {fold}; it has {', '.join(map(str, official))}")
    used = tuple(sorted(folds or official))
    try:
        inventory = read_inventory(name, root, synthetic)
    except DataError as error:
        if name not in DATASETS:
            raise
        finding = Finding("error", "metadata", root, str(error), "put this right and check again")
        return CheckReport(name, root, pd.DataFrame(), pd.DataFrame(), 0, 0.0, (finding,))
    chosen = [entry for entry in inventory.entries if entry.fold in used]
    present = {entry.path for entry in inventory.present()}
    here = [entry for entry in chosen if entry.path in present]
    missing = [
        Finding("error", "missing", entry.path, f"named in {entry.origin}, not there", _RESTORE)
        for entry in chosen
        if entry.path not in present
    ]
    counts, expected = (
        pd.DataFrame(table, index=pd.Index(inventory.folds, name="fold"), columns=list(inventory.classes)).loc[[*used]]
        for table in (inventory.counts(here), inventory.expected)
    )
    decoded, seconds = _decode(inventory, here, workers, progress)
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
        remedy = "name the folds that are here (data.folds in a study), or fetch the whole data set"
        findings.append(Finding("error", "count", inventory.source, what, remedy))
    if inventory.absent:
        what = f"{len(inventory.absent)} original classes have no clip ({', '.join(inventory.absent[:5])} ...)"
        findings.append(Finding("error", "count", inventory.source, what, "fetch the whole data set"))
    return findings


def _decode(
    inventory: Inventory,
    entries: Sequence[ClipEntry],
    workers: int,
    progress: Callable[[int, int], None] | None,
) -> tuple[list[Finding], float]:
    """Return the findings of all files, in the order of ``entries``, and the seconds of audio decoded."""
    info = DATASETS[inventory.dataset]
    channels = (1, 2) if inventory.dataset == "urbansound8k" else (1,)
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(_examine, entry, info.seconds, channels) for entry in entries]
        try:
            for done, _ in enumerate(as_completed(futures), start=1):
                if progress is not None:
                    progress(done, len(futures))
        except BaseException:
            # Without this, an interrupt would still wait for thousands of files.
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
    return [Finding("error", "undecodable", entry.path, fault, _RESTORE)], 0.0


def _faults(entry: ClipEntry, facts: AudioFacts, length: float, channels: tuple[int, ...]) -> list[Finding]:
    findings = []

    def found(severity: str, kind: str, what: str, remedy: str = _RESTORE) -> None:
        findings.append(Finding(severity, kind, entry.path, what, remedy))

    if facts.cut or facts.decoded < facts.promised:
        cut = facts.cut or f"the header promises {facts.promised} frames, {facts.decoded} can be decoded"
        found("error", "truncated", cut)
    elif not facts.decoded:
        found("error", "zero-length", "holds no samples")
    elif fault := unusable(facts.decoded, facts.sample_rate):
        found("error", "unusable", fault)
    if facts.broken:
        found("error", "damaged", facts.broken)
    if not facts.finite:
        found("error", "non-finite", "holds samples that are infinite or not a number")
    elif facts.decoded and facts.peak == 0.0:
        # A warning: a release may hold such a clip, and then no user can put it right.
        found("warning", "silent", "every sample is zero", "listen to the original")
    elif facts.decoded and facts.peak < SILENCE:
        level = 20.0 * np.log10(facts.peak)
        found("warning", "silent", f"its loudest sample is at {level:.0f} dBFS", "listen to the original")
    if held := other_format(entry.path, facts.container):
        what = f"holds {held}, not what its name says"
        found("warning", "format", what, "it is used; if it was converted, put the original file back")
    if facts.channels not in channels:
        expected = " or ".join(map(str, channels))
        found("warning", "channels", f"has {facts.channels} channels, expected {expected}", "they are mixed to one")
    if findings:
        return findings
    if entry.promised is None and abs(facts.seconds - length) > LENGTH_TOLERANCE:
        found("warning", "off-length", f"lasts {facts.seconds:.2f} s instead of {length:g} s", _PADDED)
    elif entry.promised is not None and facts.seconds > length + LENGTH_TOLERANCE:
        found("warning", "off-length", f"lasts {facts.seconds:.2f} s, more than {length:g} s", _PADDED)
    elif entry.promised is not None and abs(facts.seconds - entry.promised) > PROMISED_TOLERANCE:
        what = f"lasts {facts.seconds:.2f} s, the metadata says {entry.promised:.2f} s (end - start)"
        found("warning", "off-length", what, _PADDED)
    return findings


_PADDED = "kept so unless the study sets features.clip_seconds; nothing to do if the release is like this"


def _unlisted(inventory: Inventory) -> list[Finding]:
    """Return one finding for each audio folder with files of the clips' type that no row names."""
    if inventory.dataset == "esc10":
        return []  # its folder holds the other clips of ESC-50 too
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
            findings.append(Finding("warning", "unlisted", folder, what, "they are not used"))
    return findings
