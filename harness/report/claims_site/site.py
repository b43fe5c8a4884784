"""Writing the site: every page is one file that needs no other file to be read, and nothing is fetched."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from markupsafe import Markup

from harness.claims import Library, Paper
from harness.report.claims_site import audit_page, dataset_page, index_page, paper_page
from harness.report.claims_site.claim_tables import claims_frame
from harness.report.claims_site.site_contents import AUDITS, CLAIMS_CSV, INDEX, OwnResult, Shown, title_of
from harness.report.claims_site.survey_files import surveys_of
from harness.report.folder.place import put_in_place
from harness.report.folder.results_file import read_results
from harness.report.page.page import Page, html_of
from harness.report.page.plot import svg_of
from harness.report.report_section import Section
from harness.report.style import figure_style
from harness.text.spreadsheet import csv_text

_STYLE = Markup(".ways { margin: 0 0 1rem; }\n")
_UP = "../"
_NOTE = "Written by harness claims site from claims files; every number was read in the place that the page names."


def write_site(library: Library, folder: Path, reports: Sequence[Path] = ()) -> tuple[Path, ...]:
    """Write the site of ``library`` into ``folder``, replacing an earlier one, and return the paths of its files.

    ``reports`` are folders of reports whose comparisons with claims are shown on the pages of the papers.

    Raises
    ------
    ReportError
        When the folder cannot be written, a file that the harness did not write would be replaced, or a report cannot
        be read.
    """
    files = site_files(Shown(library, [one for report in reports for one in _results_of(report)]))
    put_in_place(files, folder)
    return tuple(folder / name for name in files)


def site_files(shown: Shown) -> dict[str, bytes]:
    """Return the files of the site by path below its folder; equal bytes for equal contents."""
    surveys = surveys_of(shown)
    claims = list(shown.library.claims())
    question = "Published accuracies of sound classification, each with the rules under which it was measured."
    files = {
        INDEX: _page("Claims", question, index_page.sections(shown), shown),
        AUDITS: _page(
            "Audit of the claims", "What the printed numbers alone can show.", audit_page.sections(surveys), shown
        ),
    }
    for name, own in shown.datasets.items():
        title = f"Claims on {title_of(name)}"
        question = f"Which accuracies were published on {title_of(name)}, and under which rules?"
        files[shown.dataset_pages[name]] = _page(title, question, dataset_page.sections(name, own), shown, _UP)
    for paper in shown.papers:
        source = paper.source
        said = f"{source.authors} ({source.year}), {source.key}"
        page = paper_page.sections(paper, shown)
        files[shown.paper_pages[source.key]] = _page(source.title, said, page, shown, _UP, paper)
    return files | {CLAIMS_CSV: csv_text(claims_frame(claims)).encode()}


def _page(
    title: str, question: str, sections: Sequence[Section], shown: Shown, up: str = "", paper: Paper | None = None
) -> bytes:
    plots = {}
    with figure_style():
        for drawing in (drawing for section in sections for drawing in section.figures):
            figure = drawing.draw()
            if figure is not None:
                plots[drawing.name] = svg_of(figure, drawing.name, drawing.caption)
    links = shown.links(up)
    if paper is not None:
        del links[paper.source.key]
        if paper.source.doi:
            links[paper_page.doi_text(paper)] = f"https://doi.org/{quote(paper.source.doi, safe='/')}"
    page = Page(title, question, sections, plots, {}, {}, (_NOTE,), links=links, ways=shown.ways(up), style=_STYLE)
    return html_of(page)


def _results_of(folder: Path) -> list[OwnResult]:
    _, found = read_results(folder)
    return [OwnResult(found.study.name, one) for one in found.comparisons if one.claim.address and not one.claim.class_]
