"""Writing a report: everything is made in memory, then written file by file."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from harness.comparisons.scores import checked_predictions
from harness.record import StudyRecord
from harness.report.document import document_tex
from harness.report.evidence import Evidence, gather
from harness.report.front import FRONT, front_page, is_own
from harness.report.gallery import FigureEntry, draw_all, figures_there, file_stem
from harness.report.parameters import parameter_tables as tables_of_networks
from harness.report.pdf import PDF_NAME, compile_pdf
from harness.report.place import put_in_place
from harness.report.results import results_json
from harness.report.table import table_tex
from harness.report.tables import build_tables
from harness.text.spreadsheet import csv_text
from harness.training.metrics import PUBLISHED_PRECISION, probability_columns, rounded

NO_FIGURES = "not asked for (--report data); `harness report` draws the figures and makes it from the record"


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
    parameter_tables: Mapping[str, pd.DataFrame] | None = None,
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
    parameter_tables
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
    networks = tables_of_networks(record) if parameter_tables is None else parameter_tables
    files = report_contents(record, networks, kept or {}, figures=figures)
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


def report_contents(
    record: StudyRecord,
    parameter_tables: Mapping[str, pd.DataFrame],
    kept: Mapping[str, bytes],
    *,
    figures: bool = True,
) -> dict[str, bytes]:
    """Return every file of the report by its path within the report's folder; results.json comes last.

    Parameters
    ----------
    record
        Record of the study.
    parameter_tables
        Layer tables by arm, as :func:`~harness.report.parameters.parameter_tables` returns them.
    kept
        Pictures of an earlier report that the record cannot draw again, by path within the folder.
    figures
        Whether to draw figures; without them ``kept`` is left out as well.

    Raises
    ------
    ReportError
        When the record holds no tested fold, or predictions that are not ones.
    """
    evidence = gather(record)
    entries, drawn = draw_all(evidence, kept) if figures else (figures_there(evidence, ()), {})
    return {
        "predictions.parquet": _parquet(checked_predictions(record)),
        **drawn,
        **report_texts(evidence, parameter_tables, entries),
        "results.json": results_json(evidence),
    }


def report_texts(
    evidence: Evidence, parameter_tables: Mapping[str, pd.DataFrame], figures: Mapping[str, Sequence[FigureEntry]]
) -> dict[str, bytes]:
    """Return the tables, the front page and the document of the report by path; ``figures`` is by topic."""
    tables = build_tables(evidence, parameter_tables)
    prefix = file_stem(evidence.record.name)
    files: dict[str, bytes] = {}
    for table in (table for topic in tables.values() for table in topic):
        files[f"tables/{table.name}.tex"] = table_tex(table, f"tab:{prefix}-{table.name}").encode()
        files[f"tables/{table.name}.csv"] = csv_text(table.data).encode()
    files[FRONT] = front_page(evidence, tables, figures).encode()
    files["report.tex"] = document_tex(evidence, tables, figures).encode()
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
