"""A fault of a data set: what it is about, how severe it is, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from harness.registry import Dataset


class Severity(StrEnum):
    """Severity of a finding."""

    ERROR = "error"
    """Results would be wrong, or a study would fail."""
    WARNING = "warning"
    """Worth knowing; some releases are like this."""


class Kind(StrEnum):
    """What a finding is about."""

    METADATA = "metadata"
    LAYOUT = "layout"
    LEAK = "leak"
    DOUBLE = "double"
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


def restore(dataset: Dataset) -> str:
    """Return how a file of ``dataset`` is put right."""
    return f"put the original file back{', or fetch the data set again' if dataset.source else ''}"
