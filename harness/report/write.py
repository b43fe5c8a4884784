"""Writing a report: everything is made in memory and in a folder aside, then put in place file by file.

An interruption leaves each file as it was or as it shall be, never half of one.
"""

from __future__ import annotations

import io
import logging
import os
import re
import shutil
import tempfile
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from harness.comparisons.scores import StudyScores, checked_predictions, score_study
from harness.errors import StudyError
from harness.record import StudyRecord
from harness.report import wording
from harness.report.confusion import confusion_figure
from harness.report.document import FigureEntry, document_tex
from harness.report.figures import curves_figure, fold_figure
from harness.report.parameters import parameter_tables as tables_of_networks
from harness.report.pdf import PDF_NAME, compile_pdf
from harness.report.results import results_json
from harness.report.style import figure_style, pdf_bytes, png_bytes
from harness.report.table import table_tex
from harness.report.tables import build_tables

_logger = logging.getLogger(__name__)
# Folders that hold generated files only; what an earlier report left in them goes.
_OWN_FOLDERS = ("tables", "figures")


@dataclass(frozen=True)
class ReportFiles:
    """Where the parts of a report lie; where ``pdf`` is None, ``pdf_hint`` says why and how to make it."""

    folder: Path
    predictions: Path
    results: Path
    document: Path
    tables: tuple[Path, ...]
    figures: tuple[Path, ...]
    pdf: Path | None
    pdf_hint: str


def write_report(
    record: StudyRecord,
    folder: Path,
    *,
    parameter_tables: Mapping[str, pd.DataFrame] | None = None,
    pdf: bool = True,
) -> ReportFiles:
    """Write the report of ``record`` into ``folder`` (reports/<study>), over an earlier one.

    Everything is computed from the record's predictions. A report.pdf from an earlier report is removed when any number
    or picture changed, since it would show the old ones; other files in the folder are left alone.

    Parameters
    ----------
    parameter_tables
        Layer tables by arm, as ``describe_model`` returns them; by default each network is built and asked.
    pdf
        Whether to compile report.tex as well, where LaTeX is found.

    Raises
    ------
    ReportError
        When the record holds no tested fold, or predictions that are not ones.
    OSError
        When the folder cannot be written.
    """
    files = report_contents(record, _networks(record) if parameter_tables is None else parameter_tables)
    _put_in_place(files, folder)
    hints: list[str] = []
    compiled = compile_pdf(folder, say=hints.append) if pdf else None
    return ReportFiles(
        folder=folder,
        predictions=folder / "predictions.parquet",
        results=folder / "results.json",
        document=folder / "report.tex",
        tables=tuple(folder / name for name in files if name.startswith("tables/")),
        figures=tuple(folder / name for name in files if name.startswith("figures/")),
        pdf=compiled,
        pdf_hint=" ".join(hints),
    )


def _networks(record: StudyRecord) -> Mapping[str, pd.DataFrame]:
    """Return the layer tables, or none where this version cannot read the recorded study: its accuracies still
    stand."""
    try:
        return tables_of_networks(record)
    except StudyError as error:
        _logger.warning("The parameter table is left out of the report: %s", error)
        return {}


def report_contents(record: StudyRecord, parameter_tables: Mapping[str, pd.DataFrame]) -> dict[str, bytes]:
    """Return every file of the report by its path within the report's folder; results.json comes last."""
    scores = score_study(record)
    tables = build_tables(record, scores, parameter_tables)
    prefix = file_stem(record.name)
    files = {"predictions.parquet": _parquet(checked_predictions(record))}
    for table in (table for topic in tables.values() for table in topic):
        files[f"tables/{table.name}.tex"] = table_tex(table, f"tab:{prefix}-{table.name}").encode()
        files[f"tables/{table.name}.csv"] = table.data.to_csv(index=False, lineterminator="\n").encode()
    figures, drawn = _figures(record, scores)
    files |= drawn
    files["report.tex"] = document_tex(record, scores, tables, figures).encode()
    files["results.json"] = results_json(record, scores)
    return files


def _figures(record: StudyRecord, scores: StudyScores) -> tuple[dict[str, list[FigureEntry]], dict[str, bytes]]:
    marks = wording.short_marks(record, scores)
    arms = [str(arm) for arm in scores.arms["arm"]]
    stems = unique_stems(arms)
    fused = [arm["name"] for arm in record.spec.get("arms", ()) if arm.get("fuse")]
    entries: dict[str, list[FigureEntry]] = {"folds": [], "confusion": [], "curves": []}
    files: dict[str, bytes] = {}

    def add(topic: str, name: str, figure: Figure, caption: str) -> None:
        entries[topic].append(FigureEntry(name, f"{caption} {marks}".strip()))
        files[f"figures/{name}.pdf"] = pdf_bytes(figure)
        files[f"figures/{name}.png"] = png_bytes(figure)

    with figure_style():
        add(
            "folds",
            "fold-accuracies",
            fold_figure(scores, fused),
            "Macro accuracy in percent: a dot for each fold (seeds averaged first), the mean, and one standard "
            f"deviation {wording.OVER_FOLDS}; {wording.sample_size(scores)}. A fold lies at the same height in every "
            "arm's band.",
        )
        for arm in arms:
            if arm in scores.confusions:
                counts = scores.confusions[arm]
                clips = record.predictions.loc[record.predictions["arm"] == arm, "clip_id"].nunique()
                note = f"n = {int(counts.sum()):,} tests of {clips:,} clips, folds and seeds together"
                caption = f"Confusion matrix of {arm}: percent of each true class; {note}."
                add(
                    "confusion", f"confusion-{stems[arm]}", confusion_figure(counts, record.classes, arm, note), caption
                )
            history = record.history[record.history["arm"] == arm] if len(record.history) else record.history
            figure = curves_figure(history, arm)
            if figure is not None:
                n_folds, n_seeds = history["fold"].nunique(), history["seed"].nunique()
                caption = (
                    f"Training curves of {arm}: each fold thin (mean of {n_seeds} seed{'s' if n_seeds > 1 else ''}), "
                    f"the mean over {n_folds} folds thick; it ends where the first fold stops."
                )
                add("curves", f"curves-{stems[arm]}", figure, caption)
    return entries, files


def file_stem(name: str) -> str:
    """Return ``name`` in small letters, digits and hyphens, safe in file names, labels and LaTeX."""
    bare = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", bare.lower()).strip("-") or "arm"


def unique_stems(names: Sequence[str]) -> dict[str, str]:
    """Return a different file stem for every name."""
    stems: dict[str, str] = {}
    for name in names:
        stem, number = file_stem(name), 1
        while stem in stems.values():
            number += 1
            stem = f"{file_stem(name)}-{number}"
        stems[name] = stem
    return stems


def _parquet(frame: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False, engine="pyarrow", compression="zstd")
    return buffer.getvalue()


def _put_in_place(files: Mapping[str, bytes], folder: Path) -> None:
    """Write all files aside, then replace them one by one in the given order, then drop what is left of an earlier
    report."""
    folder.mkdir(parents=True, exist_ok=True)
    changed = any(not _holds(folder / name, content) for name, content in files.items())
    aside = Path(tempfile.mkdtemp(prefix=".writing-", dir=folder))
    try:
        for name, content in files.items():
            target = aside / name
            target.parent.mkdir(exist_ok=True)
            with target.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        if changed:
            (folder / PDF_NAME).unlink(missing_ok=True)
        for name in files:
            (folder / name).parent.mkdir(exist_ok=True)
            os.replace(aside / name, folder / name)  # noqa: PTH105
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    for own in _OWN_FOLDERS:
        for path in sorted((folder / own).glob("*")) if (folder / own).is_dir() else ():
            if path.is_file() and f"{own}/{path.name}" not in files:
                path.unlink()


def _holds(path: Path, content: bytes) -> bool:
    try:
        return path.stat().st_size == len(content) and path.read_bytes() == content
    except OSError:
        return False
