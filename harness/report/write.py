"""Writing a report: everything is made in memory, then written file by file."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from harness.comparisons.scores import checked_predictions
from harness.record import StudyRecord
from harness.report import wording
from harness.report.evidence import Evidence, gather
from harness.report.folder.curves_file import CURVES, curves_bytes, published_curves
from harness.report.folder.place import holds, put_in_place
from harness.report.folder.read import open_report, record_of_report
from harness.report.notes import Notes, notes
from harness.report.page.clip_player import Audio, clips_section
from harness.report.page.plot import svg_of
from harness.report.page.report_page import PAGE_NAME, report_page
from harness.report.report_section import Confusion, Section, file_stem
from harness.report.results import results_json
from harness.report.style import figure_style, pdf_bytes, png_bytes
from harness.report.topics import sections_of
from harness.report.topics.network_layers import layer_tables
from harness.report.typeset.document import document_tex
from harness.report.typeset.latex_table import table_files
from harness.report.typeset.markdown import FRONT, front_page, is_own
from harness.report.typeset.pdf import PDF_NAME, compile_pdf
from harness.study import StudySpec
from harness.training.metrics import probability_columns, published

NO_FIGURES = "not requested (--report data); `harness report` writes figures and PDF from the record"


@dataclass(frozen=True)
class ReportFiles:
    """Paths of the parts of a report; if ``pdf`` is None, ``pdf_hint`` says why and how to make it.

    ``contents`` holds every file that was generated, by its path within the folder; the page without audio.
    ``notes`` say the same in few words.
    """

    folder: Path
    predictions: Path
    results: Path
    document: Path
    tables: tuple[Path, ...]
    figures: tuple[Path, ...]
    page: Path
    pdf: Path | None
    pdf_hint: str
    contents: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    notes: Notes = field(default_factory=Notes, repr=False)


def write_report(
    record: StudyRecord,
    folder: Path,
    *,
    networks: Mapping[str, pd.DataFrame] | None = None,
    kept: Mapping[str, bytes] | None = None,
    pdf: bool = True,
    figures: bool = True,
    audio: Audio | None = None,
) -> ReportFiles:
    """Write the report of ``record`` into ``folder`` (reports/<study>), replacing an earlier one.

    Everything is computed from the record's predictions. A report.pdf of an earlier report is removed when any number
    or picture changed, since it would show the old ones. Files that no report wrote are left alone, including a
    README.md that somebody wrote.

    Parameters
    ----------
    record
        Record of the study.
    folder
        Folder of the report, created if missing.
    networks
        Layer tables by arm, as ``describe_model`` returns them; None builds each network and describes it.
    kept
        Pictures of an earlier report that the record cannot draw again, by path within the folder; None for none.
    pdf
        Whether to compile report.tex as well, if LaTeX is installed.
    figures
        Whether to draw figures; without them nothing is compiled either, and ``kept`` is left out.
    audio
        The clips to embed into report.html; None for none.

    Raises
    ------
    ReportError
        When the record holds no tested fold, or predictions that are not ones; when the folder cannot be written, or a
        file that the harness did not write would be replaced.
    """
    learnt = wording.last_training_accuracy(record)
    record = replace(record, history=published_curves(record.history), learnt=learnt)
    evidence = gather(record, layer_tables(record) if networks is None else networks)
    sections = sections_of(evidence)
    pictures, plots = draw(sections, kept or {}) if figures else ({}, {})
    drawn = {Path(name).stem for name in pictures}
    curves = {} if record.history.empty else {CURVES: curves_bytes(record.history)}
    files = {
        "predictions.parquet": _parquet(checked_predictions(record)),
        **curves,
        **pictures,
        **report_texts(evidence, sections, drawn, plots),
        "results.json": results_json(evidence),
    }
    contents = dict(files)
    if audio is not None:
        files[PAGE_NAME] = report_page(evidence, sections, drawn, plots, clips_section(evidence, audio))
    if (folder / FRONT).exists() and not is_own(folder / FRONT):
        del files[FRONT]
    hints = [] if figures else [NO_FIGURES]
    compiled = compile_pdf(files, folder, say=hints.append) if pdf and figures else None
    if compiled is not None:
        files[PDF_NAME] = compiled
    elif FRONT in files and not ((folder / PDF_NAME).is_file() and holds(folder, files)):
        # There is no PDF, or it will be removed because it shows other numbers.
        files[FRONT] = front_page(evidence, shown_sections(sections, drawn), pdf=False).encode()
    put_in_place(files, folder, PDF_NAME)
    return ReportFiles(
        folder=folder,
        predictions=folder / "predictions.parquet",
        results=folder / "results.json",
        page=folder / PAGE_NAME,
        document=folder / "report.tex",
        tables=tuple(folder / name for name in files if name.startswith("tables/")),
        figures=tuple(folder / name for name in files if name.startswith("figures/")),
        pdf=folder / PDF_NAME if compiled is not None else None,
        pdf_hint=" ".join(hints),
        contents=files | {PAGE_NAME: contents[PAGE_NAME]},
        notes=notes(evidence),
    )


def rewrite_report(
    folder: Path,
    study: StudySpec | None = None,
    claims: Mapping[str, Any] | None = None,
    *,
    pdf: bool = True,
    audio: Callable[[StudySpec], Audio] | None = None,
) -> tuple[StudyRecord, ReportFiles]:
    """Write the report in ``folder`` again from its results.json and predictions.parquet; nothing is trained.

    Reports of earlier versions have no learning curves but their pictures, which are kept as they are.

    Parameters
    ----------
    folder
        Folder of the report.
    study
        The study file as it is now, whose question and :data:`harness.study.DECLARATIONS` are taken; comparisons that
        differ are recorded as declared later. None keeps those of the report.
    claims
        The papers that the study is compared with, as JSON data by key; by default those that ship with the project.
    pdf
        Whether to compile report.tex as well, if LaTeX is installed.
    audio
        Returns the clips to embed into report.html, given the study; None for none.

    Raises
    ------
    ReportError
        When the folder holds no report that can be read, or ``study`` is another study or names arms that the report
        does not have.
    """
    record = replace(record_of_report(open_report(folder), study), claims=dict(claims or {}))
    kept = {
        f"figures/{path.name}": path.read_bytes()
        for path in sorted((folder / "figures").glob("curves-*"))
        if path.is_file() and not path.is_symlink()
    }
    return record, write_report(record, folder, kept=kept, pdf=pdf, audio=audio(record.spec) if audio else None)


def draw(sections: Iterable[Section], kept: Mapping[str, bytes]) -> tuple[dict[str, bytes], dict[str, Markup]]:
    """Return the figures of ``sections`` as PDF and PNG files by path in the report, and as SVG by name.

    ``kept`` holds files of an earlier report, which are taken for a figure that cannot be drawn. A page shows a
    confusion matrix as a table, so there is no SVG of it.
    """
    files: dict[str, bytes] = {}
    plots: dict[str, Markup] = {}
    with figure_style():
        for drawing in (drawing for section in sections for drawing in section.figures):
            figure = drawing.draw()
            if figure is None:
                files |= {path: content for path, content in kept.items() if Path(path).stem == drawing.name}
            else:
                files[f"figures/{drawing.name}.pdf"] = pdf_bytes(figure)
                files[f"figures/{drawing.name}.png"] = png_bytes(figure)
                if not isinstance(drawing, Confusion):
                    plots[drawing.name] = svg_of(figure, drawing.name, drawing.caption)
    return files, plots


def report_texts(
    evidence: Evidence,
    sections: Sequence[Section],
    drawn: Collection[str],
    plots: Mapping[str, Markup],
    *,
    pdf: bool = True,
) -> dict[str, bytes]:
    """Return the tables, the page, the front page and the document of the report by path.

    Parameters
    ----------
    evidence
        The evidence.
    sections
        The sections, in the order of the document; empty ones are left out.
    drawn
        Names of the figures that the report has; others are left out.
    plots
        Those that are drawn for the page, by name.
    pdf
        Whether the report has a PDF.
    """
    shown = shown_sections(sections, drawn)
    prefix = file_stem(evidence.record.name)
    files: dict[str, bytes] = {}
    for section in shown:
        for table in section.tables:
            marks = evidence.marks if table.marked else ()
            files |= table_files(table, f"tab:{prefix}-{table.name}", marks)
    files[PAGE_NAME] = report_page(evidence, sections, drawn, plots)
    files[FRONT] = front_page(evidence, shown, pdf=pdf).encode()
    files["report.tex"] = document_tex(evidence, shown).encode()
    return files


def shown_sections(sections: Iterable[Section], drawn: Collection[str]) -> list[Section]:
    """Return the sections with the figures that are ``drawn``, without empty ones."""
    there = (replace(each, figures=tuple(one for one in each.figures if one.name in drawn)) for each in sections)
    return [section for section in there if not section.is_empty]


def _parquet(frame: pd.DataFrame) -> bytes:
    """Return the predictions as a small file: probabilities with few digits, with the same predicted classes."""
    columns = probability_columns(frame)
    values = published(frame[columns].to_numpy(np.float64))
    frame = frame.assign(**{name: values[:, position] for position, name in enumerate(columns)})
    buffer = io.BytesIO()
    frame.to_parquet(
        buffer,
        index=False,
        engine="pyarrow",
        compression="zstd",
        compression_level=12,
        use_dictionary=[str(name) for name in frame.columns if name not in columns],
        # Bytes of equal significance compress better next to each other than complete numbers.
        use_byte_stream_split=columns,
    )
    return buffer.getvalue()
