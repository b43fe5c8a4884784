"""The audits of the papers that a study is compared with, from their printed numbers alone."""

from __future__ import annotations

from collections.abc import Iterator

from harness.claims.audit.audit_summary import summary
from harness.report.audit_tables import tables_of
from harness.report.evidence import Evidence
from harness.report.report_section import Items, Paragraph, Section


def sections(evidence: Evidence) -> Iterator[Section]:
    """Yield a section for each paper that the study is compared with."""
    for audit in evidence.audits:
        found = tuple(summary(audit))
        prose = Paragraph((f"{audit.source.citation}.",)), *((Items(found),) if found else ())
        tables = tuple(tables_of(audit))
        key = audit.source.key
        yield Section(f"audit-{key}", f"Audit of {key}", before=prose, tables=tables)
