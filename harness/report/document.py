"""report.tex: a complete document that inputs the report's tables and figures; every sentence in it is generated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.comparisons.scores import StudyScores
from harness.record import StudyRecord
from harness.report import wording
from harness.report.latex import breakable, code, escape
from harness.report.results import command
from harness.report.table import PACKAGES, Table

_PREAMBLE = (
    r"""\documentclass[10pt,a4paper]{article}
% The same bytes from the same numbers: no dates and no random names in the PDF.
\ifdefined\pdfinfoomitdate\pdfinfoomitdate=1 \pdftrailerid{}\pdfsuppressptexinfo=-1 \fi
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}
\usepackage[margin=25mm]{geometry}
\usepackage{"""
    + ",".join(PACKAGES)
    + r"""}
\usepackage[font=small,labelfont=bf,skip=4pt]{caption}
\usepackage[hidelinks]{hyperref}
\IfFileExists{microtype.sty}{\usepackage{microtype}}{}
% Tables and figures stand where they are told of.
\usepackage{float}
\floatplacement{table}{H}\floatplacement{figure}{H}
\setlength{\parindent}{0pt}\setlength{\parskip}{4pt}
\setlength{\emergencystretch}{3em}
"""
)

_PACKAGES = (
    "torch", "torchaudio", "torchvision", "numpy", "scipy", "pandas", "scikit-learn", "librosa", "soundfile", "soxr",
    "optuna", "mlflow", "matplotlib",
)  # fmt: skip
_LONGEST_VALUE = 300


@dataclass(frozen=True)
class FigureEntry:
    """A figure of the report: stem of its files below figures/, and its caption in plain text."""

    name: str
    caption: str


def document_tex(
    record: StudyRecord,
    scores: StudyScores,
    tables: Mapping[str, Sequence[Table]],
    figures: Mapping[str, Sequence[FigureEntry]],
) -> str:
    """Return report.tex. ``tables`` are by topic as :func:`~harness.report.tables.build_tables` returns them;
    ``figures`` have the topics folds, confusion and curves."""
    marks = wording.marks(record, scores)
    question = str(wording.section(record, "study").get("question") or "")
    parts = [
        _PREAMBLE,
        r"\begin{document}",
        rf"\begin{{center}}{{\LARGE {breakable(record.name)}\par}}",
    ]
    if question:
        parts.append(rf"\medskip{{\large\itshape {escape(question)}\par}}")
    parts.append(r"\end{center}")
    parts.append(r"\section{Protocol}")
    parts.append("\n".join(map(escape, wording.protocol_sentences(record, scores))))
    if marks:
        items = "\n".join(rf"\item {escape(mark)}" for mark in marks)
        parts.append(
            "\n\\textbf{Read with care.}\n\\begin{itemize}\\setlength{\\itemsep}{0pt}\n" + items + "\n\\end{itemize}"
        )
    parts += _topic("Accuracy", [*tables["accuracy"], *tables["folds"]], figures["folds"])
    parts += _topic("Classes", tables["classes"], figures["confusion"])
    parts += _topic("Training", tables["hyperparameters"], figures["curves"])
    parts += _topic("Leakage", tables["leakage"], ())
    parts += _topic("Networks", tables["parameters"], ())
    parts += _topic("Failures", tables["failures"], ())
    parts += [r"\section{Environment}", *_environment(record)]
    parts.append(r"\end{document}")
    return "\n".join(parts) + "\n"


def _topic(title: str, tables: Sequence[Table], figures: Sequence[FigureEntry]) -> list[str]:
    if not tables and not figures:
        return []
    parts = [rf"\section{{{title}}}"]
    parts += [rf"\input{{tables/{table.name}}}" for table in tables]
    parts += [
        "\\begin{figure}\n\\centering\n"
        f"\\includegraphics{{figures/{figure.name}}}\n\\caption{{{escape(figure.caption)}}}\n\\end{{figure}}"
        for figure in figures
    ]
    return parts


def _environment(record: StudyRecord) -> list[str]:
    parts = []
    ran = command(record)
    if ran:
        parts.append(rf"Command: {{\raggedright {code(ran)}\par}}")
    parts.append(f"Run {escape(record.run_id)}, {escape(record.status.lower())}, {record.seconds:,.0f} seconds in all.")
    rows = [
        rf"{breakable(name)} & {breakable(_shortened(value))} \\"
        for name, value in _flat(record.environment)
        if name != "command"
    ]
    if rows:
        parts.append(
            "\n{\\footnotesize\n\\begin{longtable}[l]{@{}>{\\raggedright\\arraybackslash}p{48mm}"
            ">{\\raggedright\\arraybackslash}p{104mm}@{}}\n\\toprule\n"
            + "\n".join(rows)
            + "\n\\bottomrule\n\\end{longtable}}"
        )
        parts.append(r"All of it stands in \texttt{results.json}.")
    return parts


def _flat(environment: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return nested entries as dotted names and text; of the installed packages only those that numbers hang on."""
    rows: list[tuple[str, str]] = []
    for key, value in environment.items():
        name = f"{prefix}{key}"
        if name == "packages" and isinstance(value, Mapping):
            shown = [f"{package} {value[package]}" for package in _PACKAGES if package in value]
            rows.append((name, ", ".join(shown) or wording.NOTHING))
        elif isinstance(value, Mapping):
            rows += _flat(value, f"{name}.")
        else:
            rows.append((name.replace("_bytes", ""), _text(name, value)))
    return rows


def _text(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(_text(str(key), entry) for key, entry in value.items())
    if isinstance(value, list | tuple):
        return "; ".join(_text(name, entry) for entry in value) or "none"
    if name.endswith("_bytes") and isinstance(value, int | float):
        return f"{value / 2**30:.1f} GiB"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return wording.NOTHING if value in (None, "") else str(value)


def _shortened(text: str) -> str:
    """Return text short enough for a cell; a digest keeps its first 16 signs, which tell it apart."""
    if len(text) >= 40 and " " not in text and all(sign in "0123456789abcdef" for sign in text.lower()):
        return f"{text[:16]}…"
    flat = " ".join(text.split())
    return flat if len(flat) <= _LONGEST_VALUE else f"{flat[: _LONGEST_VALUE - 1]}…"
