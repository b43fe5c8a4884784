"""report.html: the sections of a report as a page, with the clips behind its confusions and its learning curves."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from markupsafe import Markup

from harness.report.evidence import Evidence
from harness.report.page.answers import answers_of
from harness.report.page.curves import curves_of
from harness.report.page.page import Page, html_of
from harness.report.report_section import Confusion, Curves, Section

PAGE_NAME = "report.html"
AUDIO_BEGINS, AUDIO_ENDS = "<!-- audio -->", "<!-- end of audio -->"
"""What surrounds the audio of a page, which no check of its numbers covers."""


def report_page(
    evidence: Evidence,
    sections: Sequence[Section],
    drawn: Collection[str],
    plots: Mapping[str, Markup],
    extra: Markup | None = None,
) -> bytes:
    """Return report.html.

    Parameters
    ----------
    evidence, sections
        The evidence and its sections in their order, with every figure.
    drawn
        Names of the figures that the report has as files.
    plots
        By name of a figure, its SVG. Curves that an earlier version did not record have none.
    extra
        Markup after the sections: :func:`harness.report.page.clip_player.clips_section`.
    """
    record = evidence.record
    figures = [figure for section in sections for figure in section.figures]
    curves = curves_of(figure for figure in figures if isinstance(figure, Curves))
    elsewhere = {
        figure.name: f"figures/{figure.name}.pdf"
        for figure in figures
        if isinstance(figure, Curves) and figure.history.empty and figure.name in drawn
    }
    arms = {figure.arm: figure.name for figure in figures if isinstance(figure, Confusion)}
    page = Page(
        title=record.name,
        question=record.spec.study.question,
        sections=sections,
        plots={name: plot for name, plot in plots.items() if name not in elsewhere},
        elsewhere=elsewhere,
        data={"answers": {"figures": arms, **answers_of(record, arms)}, "curves": curves},
        notes=(
            "tables/ has every table as LaTeX and CSV, results.json every number at full precision and the complete "
            "environment, and predictions.parquet the predictions from which everything here is computed.",
            "harness report --check recomputes the numbers of this page; harness replay trains the networks again.",
        ),
        extra=Markup(AUDIO_BEGINS) + (extra or "") + Markup(AUDIO_ENDS),
    )
    return html_of(page)
