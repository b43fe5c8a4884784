"""What a topic offers."""

from __future__ import annotations

from harness.report.evidence import Evidence
from harness.report.report_section import Drawing, Table
from harness.report.topics import Topic, sections_of


def tables(topic: Topic, evidence: Evidence) -> list[Table]:
    """Return the tables of a topic."""
    return [table for section in sections_of(evidence, [topic]) for table in section.tables]


def figures(topic: Topic, evidence: Evidence) -> list[Drawing]:
    """Return the figures of a topic."""
    return [drawing for section in sections_of(evidence, [topic]) for drawing in section.figures]
