"""Writing a report: everything is made in memory, then written file by file."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from harness.comparisons.scores import checked_predictions
from harness.record import StudyRecord
from harness.report.evidence import Evidence, gather
from harness.report.folder.place import put_in_place
from harness.report.folder.read import open_report, record_of_report
from harness.report.results import results_json
from harness.report.section import Section, file_stem
from harness.report.style import figure_style, pdf_bytes, png_bytes
from harness.report.topics import sections_of
from harness.report.topics.network_layers import layer_tables
from harness.report.typeset.document import document_tex
from harness.report.typeset.markdown import FRONT, front_page, is_own
from harness.report.typeset.pdf import PDF_NAME, compile_pdf
from harness.report.typeset.table import table_files
from harness.study import StudySpec
from harness.training.metrics import PUBLISHED_PRECISION, probability_columns, rounded

NO_FIGURES = "not requested (--report data); `harness report` writes figures and PDF from the record"


@dataclass(frozen=True)
class ReportFiles:
    """Paths of the parts of a report; if ``pdf`` is None, ``pdf_hint`` says why and how to make it.

    ``contents`` holds every file that was generated, by its path within the folder.
    """

    folder: Path
    predictions: Path
    results: Path
    document: Path
    tables: tuple[Path, ...]
    figures: tuple[Path, ...]
    pdf: Path | None
    pdf_hint: str
    contents: Mapping[str, bytes] = field(default_factory=dict, repr=False)


def write_report(
    record: StudyRecord,
    folder: Path,
    *,
    networks: Mapping[str, pd.DataFrame] | None = None,
    kept: Mapping[str, bytes] | None = None,
    pdf: bool = True,
    figures: bool = True,
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

    Raises
    ------
    ReportError
        When the record holds no tested fold, or predictions that are not ones; when the folder cannot be written, or a
        file that the harness did not write would be replaced.
    """
    evidence = gather(record, layer_tables(record) if networks is None else networks)
    sections = sections_of(evidence)
    pictures = draw(sections, kept or {}) if figures else {}
    files = {
        "predictions.parquet": _parquet(checked_predictions(record)),
        **pictures,
        **report_texts(evidence, sections, {Path(name).stem for name in pictures}),
        "results.json": results_json(evidence),
    }
    if (folder / FRONT).exists() and not is_own(folder / FRONT):
        del files[FRONT]
    hints = [] if figures else [NO_FIGURES]
    compiled = compile_pdf(files, folder, say=hints.append) if pdf and figures else None
    if compiled is not None:
        files[PDF_NAME] = compiled
    put_in_place(files, folder, PDF_NAME)
    return ReportFiles(
        folder=folder,
        predictions=folder / "predictions.parquet",
        results=folder / "results.json",
        document=folder / "report.tex",
        tables=tuple(folder / name for name in files if name.startswith("tables/")),
        figures=tuple(folder / name for name in files if name.startswith("figures/")),
        pdf=folder / PDF_NAME if compiled is not None else None,
        pdf_hint=" ".join(hints),
        contents=files,
    )


def rewrite_report(
    folder: Path, study: StudySpec | None = None, claims: Mapping[str, Any] | None = None, *, pdf: bool = True
) -> tuple[StudyRecord, ReportFiles]:
    """Write the report in ``folder`` again from its results.json and predictions.parquet; nothing is trained.

    Learning curves are not among a report's numbers, so their pictures are kept as they are.

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
    return record, write_report(record, folder, kept=kept, pdf=pdf)


def draw(sections: Iterable[Section], kept: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the figures of ``sections`` as PDF and PNG files by path in the report.

    ``kept`` holds files of an earlier report, which are taken for a figure that cannot be drawn.
    """
    files: dict[str, bytes] = {}
    with figure_style():
        for drawing in (drawing for section in sections for drawing in section.figures):
            figure = drawing.draw()
            if figure is None:
                files |= {path: content for path, content in kept.items() if Path(path).stem == drawing.name}
            else:
                files[f"figures/{drawing.name}.pdf"] = pdf_bytes(figure)
                files[f"figures/{drawing.name}.png"] = png_bytes(figure)
    return files


def report_texts(evidence: Evidence, sections: Sequence[Section], drawn: Collection[str]) -> dict[str, bytes]:
    """Return the tables, the front page and the document of the report by path.

    Parameters
    ----------
    evidence
        The evidence.
    sections
        The sections, in the order of the document; empty ones are left out.
    drawn
        Names of the figures that the report has; others are left out.
    """
    there = (replace(each, figures=tuple(one for one in each.figures if one.name in drawn)) for each in sections)
    shown = [section for section in there if not section.is_empty]
    prefix = file_stem(evidence.record.name)
    files: dict[str, bytes] = {}
    for section in shown:
        for table in section.tables:
            marks = evidence.marks if table.marked else ()
            files |= table_files(table, f"tab:{prefix}-{table.name}", marks)
    files[FRONT] = front_page(evidence, shown).encode()
    files["report.tex"] = document_tex(evidence, shown).encode()
    return files


def _parquet(frame: pd.DataFrame) -> bytes:
    """Return the predictions as a small file: probabilities with few digits, with the same predicted classes."""
    columns = probability_columns(frame)
    values = rounded(frame[columns].to_numpy(np.float64), PUBLISHED_PRECISION)
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
