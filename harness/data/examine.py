"""Decoding the files of a data set to their last sample, and what that finds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

import numpy as np

from harness.data.audiofile import AudioFacts, decode_fully, not_a_file, other_format, unusable
from harness.data.findings import Finding, Kind, Severity, restore
from harness.data.inventory import ClipEntry
from harness.registry import Dataset

# More than half a Vorbis block; later releases are cut to the exact sample.
LENGTH_TOLERANCE = 0.05
PROMISED_TOLERANCE = 0.1
# At -80 dBFS 16-bit audio varies by three steps; anything quieter is silence.
SILENCE = 1e-4

_PADDED = "kept so unless the study sets features.clip_seconds; nothing to do if the release is like this"


@dataclass(frozen=True)
class Examined:
    """What decoding a file found: faults, seconds of audio, and SHA-256 (hex; empty when it is not decoded)."""

    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0
    digest: str = ""


def examine(
    dataset: Dataset,
    entries: Sequence[ClipEntry],
    workers: int,
    progress: Callable[[int, int], None] | None,
) -> list[Examined]:
    """Return what was found in each file, in the order of ``entries``.

    Parameters
    ----------
    dataset : Dataset
        The description that the files are compared with.
    entries : sequence of ClipEntry
        The files.
    workers : int
        Number of threads that decode.
    progress : callable or None
        Called with the number of files done and of all files.
    """
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(_examined, entry, dataset) for entry in entries]
        try:
            for done, _ in enumerate(as_completed(futures), start=1):
                if progress is not None:
                    progress(done, len(futures))
        except BaseException:
            # Without this, an interrupt would have to wait for thousands of files.
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [future.result() for future in futures]


def _examined(entry: ClipEntry, dataset: Dataset) -> Examined:
    fault = not_a_file(entry.path)
    try:
        if not fault:
            facts = decode_fully(entry.path)
            return Examined(tuple(_faults(entry, facts, dataset)), facts.seconds, facts.digest)
    except (OSError, ValueError) as error:
        fault = (isinstance(error, OSError) and error.strerror) or str(error).rstrip(".")
    return Examined((Finding(Severity.ERROR, Kind.UNDECODABLE, entry.path, fault, restore(dataset)),))


def _faults(entry: ClipEntry, facts: AudioFacts, dataset: Dataset) -> list[Finding]:
    findings, length, channels = [], dataset.seconds, dataset.channels

    def found(severity: Severity, kind: Kind, what: str, remedy: str = restore(dataset)) -> None:
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
        what = f"contains {held}, which does not match its file name"
        found(Severity.WARNING, Kind.FORMAT, what, "it is used; if it was converted, restore the original file")
    if facts.channels not in channels:
        expected = " or ".join(map(str, channels))
        found(
            Severity.WARNING,
            Kind.CHANNELS,
            f"has {facts.channels} channels, expected {expected}",
            "they are mixed to one",
        )
    if findings or dataset.uneven:
        return findings
    if entry.promised is None and abs(facts.seconds - length) > LENGTH_TOLERANCE:
        found(Severity.WARNING, Kind.OFF_LENGTH, f"lasts {facts.seconds:.2f} s instead of {length:g} s", _PADDED)
    elif entry.promised is not None and facts.seconds > length + LENGTH_TOLERANCE:
        found(Severity.WARNING, Kind.OFF_LENGTH, f"lasts {facts.seconds:.2f} s, longer than {length:g} s", _PADDED)
    elif entry.promised is not None and abs(facts.seconds - entry.promised) > PROMISED_TOLERANCE:
        what = f"lasts {facts.seconds:.2f} s, but the metadata states {entry.promised:.2f} s (end - start)"
        found(Severity.WARNING, Kind.OFF_LENGTH, what, _PADDED)
    return findings
