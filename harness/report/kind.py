"""How much of a report a study run writes."""

from __future__ import annotations

from enum import StrEnum


class ReportKind(StrEnum):
    """How much of its report a study run writes; ``harness report`` writes all of it from the record at any time."""

    FULL = "full"
    """Every file: numbers, tables, figures and the PDF."""
    DATA = "data"
    """results.json, predictions, tables and texts; no figure is drawn, neither for the report nor for a run."""
    NONE = "none"
    """Nothing below the folder of reports; the record alone."""
