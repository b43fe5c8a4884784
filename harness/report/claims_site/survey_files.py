"""The audit of every paper as files: a page in Markdown, tables as LaTeX and CSV, the figure, and JSON."""

from __future__ import annotations

import json
from pathlib import Path

from harness.claims import Library
from harness.claims.audit.tables import audit_json
from harness.report.claims_site.audit_page import (
    CAUTION,
    Survey,
    drawing,
    field_sentences,
    findings_table,
    table,
)
from harness.report.claims_site.site_contents import Shown
from harness.report.folder.place import put_in_place
from harness.report.report_section import Table
from harness.report.style import figure_style, pdf_bytes, png_bytes
from harness.report.typeset import markdown
from harness.report.typeset.latex_table import table_files
from harness.text.spreadsheet import csv_text

STEM = "claims-audit"


def surveys_of(shown: Shown) -> list[Survey]:
    """Return every paper with its audit."""
    return [Survey(paper, shown.audits[paper.source.key]) for paper in shown.papers]


def write_survey(library: Library, folder: Path) -> tuple[list[Survey], tuple[Path, ...]]:
    """Write the audit of every paper of ``library`` into ``folder``, and return it with the paths of its files.

    Raises
    ------
    ReportError
        When the folder cannot be written, or a file that the harness did not write would be replaced.
    """
    surveys = surveys_of(Shown(library))
    with figure_style():
        figure = drawing(surveys).draw()
        assert figure is not None
        drawn = {f"figures/{STEM}.pdf": pdf_bytes(figure), f"figures/{STEM}.png": png_bytes(figure)}
    files = survey_texts(surveys) | drawn
    put_in_place(files, folder)
    return surveys, tuple(folder / name for name in files)


def survey_texts(surveys: list[Survey]) -> dict[str, bytes]:
    """Return the files without the figure, by path; equal bytes for equal papers."""
    overall, findings = table(surveys), findings_table(surveys)
    audits = {one.key: audit_json(one.audit) for one in surveys}
    return {
        "README.md": _page(surveys, overall, findings).encode(),
        **table_files(overall, f"tab:{overall.name}"),
        f"tables/{findings.name}.csv": csv_text(findings.data).encode(),
        f"{STEM}.json": (json.dumps(audits, indent=1, ensure_ascii=False) + "\n").encode(),
    }


def _page(surveys: list[Survey], overall: Table, findings: Table) -> str:
    sentences = "\n".join(f"- {markdown.escape(sentence)}" for sentence in field_sentences(surveys))
    figure = f"![{markdown.escape(drawing(surveys).caption)}](figures/{STEM}.png)"
    parts = (
        "# Audit of the claims",
        markdown.escape(CAUTION),
        sentences,
        figure,
        _table(overall),
        markdown.escape(overall.caption),
        f"## {findings.title}",
        _table(findings),
        markdown.escape(findings.caption),
        "Written by `harness claims audit`; `tables/` has both tables, and "
        f"[{STEM}.json]({STEM}.json) every finding with its numbers.",
    )
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def _table(shown: Table) -> str:
    heads = [name if isinstance(name, str) else ": ".join(filter(None, name)) for name in shown.printed.columns]
    return markdown.table(heads, shown.printed.to_numpy().tolist(), shown.text_columns)
