"""Reports: tables, figures, LaTeX document and JSON, made from a StudyRecord alone.

Importing this folder loads neither matplotlib nor torch: names are imported where they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

from harness.surroundings import drop_missing_backend

if TYPE_CHECKING:
    from harness.report.audit import AuditFiles, write_audit
    from harness.report.check import ReportCheck, check_report
    from harness.report.conclusions import findings
    from harness.report.evidence import Evidence, gather
    from harness.report.kind import ReportKind
    from harness.report.overview import OverviewFiles, write_overview
    from harness.report.parameters import parameter_tables
    from harness.report.pdf import compile_pdf
    from harness.report.pictures import confusion_png, curves_png
    from harness.report.place import check_place
    from harness.report.rewrite import rewrite_report
    from harness.report.summary import ArmSummary, summarise, summary_rows
    from harness.report.write import ReportFiles, write_report

# Before matplotlib, which modules of this folder import first of all.
drop_missing_backend()

__all__ = [
    "ArmSummary",
    "AuditFiles",
    "Evidence",
    "OverviewFiles",
    "ReportCheck",
    "ReportFiles",
    "ReportKind",
    "check_place",
    "check_report",
    "compile_pdf",
    "confusion_png",
    "curves_png",
    "findings",
    "gather",
    "parameter_tables",
    "rewrite_report",
    "summarise",
    "summary_rows",
    "write_audit",
    "write_overview",
    "write_report",
]

__getattr__, __dir__, _ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "audit": ["AuditFiles", "write_audit"],
        "check": ["ReportCheck", "check_report"],
        "conclusions": ["findings"],
        "evidence": ["Evidence", "gather"],
        "kind": ["ReportKind"],
        "overview": ["OverviewFiles", "write_overview"],
        "parameters": ["parameter_tables"],
        "pdf": ["compile_pdf"],
        "pictures": ["confusion_png", "curves_png"],
        "place": ["check_place"],
        "rewrite": ["rewrite_report"],
        "summary": ["ArmSummary", "summarise", "summary_rows"],
        "write": ["ReportFiles", "write_report"],
    },
)
