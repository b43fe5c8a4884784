"""Terms: what the statistics of a report mean, for readers who do not use them every day."""

from __future__ import annotations

from collections.abc import Iterator

from harness.report.evidence import Evidence
from harness.report.glossary import GLOSSARY
from harness.report.report_section import Paragraph, Section


def sections(_evidence: Evidence) -> Iterator[Section]:
    """Yield the glossary."""
    yield glossary_section()


def glossary_section() -> Section:
    """Return the glossary as a section."""
    return Section("terms", "Terms", before=tuple(Paragraph((term.meaning,), f"{term.name}.") for term in GLOSSARY))
