"""The audit of one paper as a document of its own, for a reviewer. No figure is drawn, so matplotlib is not loaded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.claims.audit.audit_summary import summary
from harness.claims.audit.finding import Audit
from harness.claims.audit.tables import CONVENTIONS, audit_json
from harness.report.audit_tables import tables_of
from harness.report.folder.place import put_in_place
from harness.report.report_section import Table
from harness.report.typeset.document import PREAMBLE
from harness.report.typeset.latex import breakable, escape
from harness.report.typeset.latex_table import table_files
from harness.report.typeset.pdf import compile_pdf

DOCUMENT, RESULTS, PDF = "audit.tex", "audit.json", "audit.pdf"


@dataclass(frozen=True)
class AuditFiles:
    """Paths of the parts of an audit; if ``pdf`` is None, ``pdf_hint`` says why and how to make it."""

    folder: Path
    document: Path
    results: Path
    tables: tuple[Path, ...]
    pdf: Path | None
    pdf_hint: str


def write_audit(audit: Audit, folder: Path, *, pdf: bool = True) -> AuditFiles:
    """Write ``audit`` into ``folder``, replacing an earlier one: audit.tex, tables/, audit.json and, with LaTeX,
    audit.pdf.

    Tables left from an earlier audit are deleted, and so is its PDF if anything changed; other files are left alone.

    Raises
    ------
    ReportError
        When the folder cannot be written, or a file that the harness did not write would be replaced.
    """
    tables = list(tables_of(audit))
    files = {DOCUMENT: audit_tex(audit, tables).encode()}
    for table in tables:
        files |= table_files(table, f"tab:{table.name}")
    files[RESULTS] = (json.dumps(audit_json(audit), indent=2, ensure_ascii=False) + "\n").encode()
    hints: list[str] = []
    made = compile_pdf(files, folder, document=DOCUMENT, say=hints.append) if pdf else None
    put_in_place(files | ({PDF: made} if made is not None else {}), folder, PDF)
    written = tuple(folder / name for name in files if name.startswith("tables/"))
    pdf_file = folder / PDF if made is not None else None
    return AuditFiles(folder, folder / DOCUMENT, folder / RESULTS, written, pdf_file, " ".join(hints))


def audit_tex(audit: Audit, tables: Sequence[Table]) -> str:
    """Return audit.tex, which inputs ``tables`` from the folder tables/."""
    items = "\n".join(rf"\item {escape(sentence)}" for sentence in summary(audit))
    parts = [
        PREAMBLE,
        r"\begin{document}",
        rf"\begin{{center}}{{\Large Audit of {breakable(audit.source.key)}\par}}"
        rf"\medskip {escape(audit.source.citation)}\end{{center}}",
        r"\section{What the printed numbers tell}",
        escape(CONVENTIONS),
        "\\begin{enumerate}\\setlength{\\itemsep}{0pt}\n" + items + "\n\\end{enumerate}" if items else "",
        *(rf"\input{{tables/{table.name}}}" for table in tables),
        r"\end{document}",
    ]
    return "\n".join(parts) + "\n"
