"""A folder with the comparison of systems: a page, the figure as SVG, PNG and PDF, and tables as LaTeX and CSV."""

from __future__ import annotations

from pathlib import Path

from harness.comparisons.systems.system_comparison import SystemComparisons
from harness.errors import ReportError
from harness.report.folder.place import put_in_place
from harness.report.folder.results_file import RESULTS
from harness.report.page.page import Page, html_of
from harness.report.page.plot import svg_of
from harness.report.report_section import Drawing, Items, Section
from harness.report.style import figure_style, pdf_bytes, png_bytes
from harness.report.systems.picture import systems_figure
from harness.report.systems.sentences import detectable_sentences, findings
from harness.report.systems.system_tables import pairs_table, systems_table
from harness.report.topics.terms import glossary_section
from harness.report.typeset.latex_table import table_tex
from harness.text.spreadsheet import csv_text

STEM = "systems"


def write_systems(found: SystemComparisons, target: Path, document: str) -> tuple[Path, ...]:
    """Write the comparison into ``target`` and return its files; ``document`` is the comparison as JSON text.

    Raises
    ------
    ReportError
        When the folder holds the report of a study, or cannot be written.
    """
    if (target / RESULTS).exists():
        raise ReportError(f"--output {target}: the folder has the report of a study; name another folder")
    tables = tuple(table for table in (systems_table(found), pairs_table(found)) if len(table.printed))
    with figure_style():
        figure = systems_figure(found)
        plot = svg_of(figure, STEM, tables[0].caption)
        drawn = {f"{STEM}.pdf": pdf_bytes(figure), f"{STEM}.png": png_bytes(figure)}
    xml = str(plot).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" font-family="DejaVu Sans" ', 1)
    drawing = Drawing(STEM, "Accuracies, ranks and groups: the numbers of the first table.", lambda: None)
    verdicts = tuple(each.decision.reason for each in found.contrasts[:45])
    shown = Section(
        STEM,
        "Systems",
        before=(Items((*findings(found), *found.notes, *detectable_sentences(found))),),
        tables=tables,
        after=(Items(verdicts, "Verdicts."),) if verdicts else (),
        figures=(drawing,),
    )
    page = Page(
        title="Systems compared",
        question=f"Which of {len(found.standings)} systems differ, and how certain is their order?",
        sections=(shown, glossary_section()),
        plots={STEM: plot},
        elsewhere={},
        data={},
        notes=(f"{STEM}.json has every number; the tables are also there as LaTeX and CSV.",),
    )
    files = drawn | {f"{STEM}.svg": xml.encode(), f"{STEM}.html": html_of(page), f"{STEM}.json": document.encode()}
    for table in tables:
        files[f"{table.name}.tex"] = table_tex(table, f"tab:{table.name}").encode()
        files[f"{table.name}.csv"] = csv_text(table.data).encode()
    put_in_place(files, target)
    return tuple(target / name for name in files)
