"""Reports: tables, figures, LaTeX document and JSON, made from a StudyRecord alone.

Importing this folder loads neither matplotlib nor torch: names are imported where they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.report.parameters import parameter_tables
    from harness.report.pdf import compile_pdf
    from harness.report.pictures import confusion_png, curves_png
    from harness.report.scores import StudyScores, score_study
    from harness.report.summary import ArmSummary, summarise, summary_rows
    from harness.report.write import ReportFiles, write_report

__all__ = [
    "ArmSummary",
    "ReportFiles",
    "StudyScores",
    "compile_pdf",
    "confusion_png",
    "curves_png",
    "parameter_tables",
    "score_study",
    "summarise",
    "summary_rows",
    "write_report",
]

_HOMES = {
    "ArmSummary": "summary",
    "ReportFiles": "write",
    "StudyScores": "scores",
    "summarise": "summary",
    "compile_pdf": "pdf",
    "confusion_png": "pictures",
    "curves_png": "pictures",
    "parameter_tables": "parameters",
    "score_study": "scores",
    "summary_rows": "summary",
    "write_report": "write",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
