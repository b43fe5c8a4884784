"""The audit of a paper as a document, tables and JSON: a page or two for a reviewer to check against the paper.

audit.json has a version, ``schema``: it is incremented when a key changes its meaning or is removed, not when one is
added.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from harness.claims.audit.audit_summary import ClaimRow, summary, table_claims
from harness.claims.audit.finding import Audit, Outcome
from harness.report.latex import breakable, escape
from harness.report.pdf import compile_pdf
from harness.report.place import put_in_place
from harness.report.preamble import PREAMBLE
from harness.report.table import Table, table_tex
from harness.report.wording import NOTHING
from harness.text.spreadsheet import csv_text

SCHEMA = 1
DOCUMENT, RESULTS, PDF = "audit.tex", "audit.json", "audit.pdf"

_CONVENTIONS = (
    "A printed number stands for every number that rounds to it; intervals are what that rounding allows. "
    "Accuracies are in percent, standard deviations (SD) in percentage points."
)


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
    tables = audit_tables(audit)
    files = {DOCUMENT: audit_tex(audit, tables)}
    for table in tables:
        files[f"tables/{table.name}.tex"] = table_tex(table, f"tab:{table.name}")
        files[f"tables/{table.name}.csv"] = csv_text(table.data)
    files[RESULTS] = json.dumps(audit_json(audit), indent=2, ensure_ascii=False) + "\n"
    contents = {name: content.encode() for name, content in files.items()}
    hints: list[str] = []
    made = compile_pdf(contents, folder, document=DOCUMENT, say=hints.append) if pdf else None
    put_in_place(contents | ({PDF: made} if made is not None else {}), folder, PDF)
    written = tuple(folder / name for name in files if name.startswith("tables/"))
    pdf_file = folder / PDF if made is not None else None
    return AuditFiles(folder, folder / DOCUMENT, folder / RESULTS, written, pdf_file, " ".join(hints))


def audit_json(audit: Audit) -> dict[str, Any]:
    """Return the audit as JSON data: source, summary, and every finding with its numbers."""
    return {
        "schema": SCHEMA,
        "source": {**audit.source.model_dump(), "citation": audit.source.citation},
        "conventions": _CONVENTIONS,
        "summary": summary(audit),
        "findings": [asdict(finding) for finding in audit.findings],
    }


def audit_tex(audit: Audit, tables: Sequence[Table]) -> str:
    """Return audit.tex, which inputs ``tables`` from the folder tables/."""
    items = "\n".join(rf"\item {escape(sentence)}" for sentence in summary(audit))
    parts = [
        PREAMBLE,
        r"\begin{document}",
        rf"\begin{{center}}{{\Large Audit of {breakable(audit.source.key)}\par}}"
        rf"\medskip {escape(audit.source.citation)}\end{{center}}",
        r"\section{What the printed numbers tell}",
        escape(_CONVENTIONS),
        "\\begin{enumerate}\\setlength{\\itemsep}{0pt}\n" + items + "\n\\end{enumerate}" if items else "",
        *(rf"\input{{tables/{table.name}}}" for table in tables),
        r"\end{document}",
    ]
    return "\n".join(parts) + "\n"


def audit_tables(audit: Audit) -> list[Table]:
    """Return the tables of an audit, without those of checks that found nothing.

    Averages and dispersions have one row per column of the paper, the GRIM test one row per class accuracy that fails
    it; layers and text have one row per finding. Checks that could not be made are listed with the reason.
    """
    pages = (_averages(audit), _dispersions(audit), _fractions(audit), _details(audit), _not_checked(audit))
    return [page for page in pages if page is not None]


def _averages(audit: Audit) -> Table | None:
    rows, data = [], []
    for row in table_claims(audit):
        numbers = row.average.numbers
        clip = row.clip.numbers if row.clip and numbers else None
        fold_mean = row.fold_mean.numbers["fold_mean"] if row.fold_mean else None
        if not numbers and not fold_mean:
            continue
        macro = numbers.get("macro")
        rows.append(
            {
                "Column": row.place,
                "Headline": _number("text", row) or NOTHING,
                "Mean of classes": _interval(macro),
                "Over clips": _interval(clip),
                "Mean of folds": _interval(fold_mean),
                "Agrees with": " and ".join(numbers.get("agrees_with", [])) or ("neither" if numbers else NOTHING),
                "Given as": numbers.get("declared", NOTHING),
            }
        )
        data.append(
            {
                "column": row.place,
                "headline": _number("printed", row),
                **_flat("macro", macro),
                **_flat("clip", clip),
                **_flat("fold_mean", fold_mean),
                "agrees_with": " ".join(numbers.get("agrees_with", [])),
                "outcome": row.average.outcome,
            }
        )
    caption = (
        "Headlines as printed and the means of the class and fold accuracies beside them, in percent. The mean of "
        "classes is unweighted (macro accuracy); over clips, classes are weighted by their clips in the data set. "
        "A headline agrees with a mean where the intervals that rounding allows meet."
    )
    return _table(audit, "averages", "Which means the headlines are", caption, _frame(rows), data)


def _dispersions(audit: Audit) -> Table | None:
    found = audit.of("dispersion")
    rows = [
        {
            "Column": finding.place,
            "Equals": finding.numbers["equals"] or NOTHING,
            "Over": finding.numbers["kind"],
            "Stated": finding.numbers["stated"],
            "Printed": finding.numbers["text"],
            "Computed": _interval(finding.numbers if finding.numbers["equals"] else None),
        }
        for finding in found
    ]
    caption = (
        "Printed dispersions in percentage points, what they are over as stated and as found, and the SD of the "
        "printed numbers that they equal, with what the rounding of those numbers allows."
    )
    data = [
        {
            "column": finding.place,
            "outcome": finding.outcome,
            **finding.numbers,
            "also_of": " ".join(finding.numbers["also_of"]),
        }
        for finding in found
    ]
    return _table(audit, "dispersions", "What the dispersions are over", caption, _frame(rows), data, text_columns=4)


def _fractions(audit: Audit) -> Table | None:
    cells = [finding for finding in audit.of("class fractions") if "below" in finding.numbers]
    rows, data = [], []
    for cell in cells:
        column, _, name = cell.place.rpartition("/")
        numbers = cell.numbers
        rows.append(
            {
                "Column": column,
                "Class": name,
                "Printed": numbers["text"],
                "Clips": str(numbers["n"]),
                "Fraction below": f"{numbers['below']:.3f}",
                "Fraction above": f"{numbers['above']:.3f}",
                "If cut off": "possible" if numbers["possible_if_cut_off"] else "impossible",
            }
        )
        data.append({"column": column, "class": name, **numbers})
    counted = [one for one in audit.of("class fractions") if one.numbers.get("impossible")]
    shares = "; ".join(
        f"{one.place} {one.numbers['impossible']} of {one.numbers['cells']}, "
        f"{one.numbers['impossible_cut_off']} if digits were cut off"
        for one in counted
    )
    caption = (
        "Class accuracies, in percent, that no whole number of correct clips rounds to (GRIM test, Brown and Heathers "
        f"2017), between the two nearest fractions: {shares}."
    )
    return _table(
        audit, "fractions", "Class accuracies that are no fractions", caption, _frame(rows), data, text_columns=2
    )


def _details(audit: Audit) -> Table | None:
    outcomes: tuple[Outcome, ...] = ("contradicts", "shows", "holds")
    found = [finding for outcome in outcomes for finding in audit.of("layers", "text", outcome=outcome)]
    rows = [{"Place": one.place, "Outcome": one.outcome, "Finding": one.sentence} for one in found]
    data = [{"check": one.check, "place": one.place, "outcome": one.outcome, "finding": one.sentence} for one in found]
    caption = "Tables of layers against their own sums and the networks as built here, and the text against the tables."
    return _table(audit, "details", "Layers and text", caption, _frame(rows), data, text_columns=3)


def _not_checked(audit: Audit) -> Table | None:
    reasons: dict[tuple[str, str], list[str]] = {}
    for finding in audit.of(outcome="cannot be checked"):
        reasons.setdefault((finding.check, finding.sentence), []).append(finding.place)
    rows = [
        {"Check": check, "Place": _places(places), "Reason": sentence} for (check, sentence), places in reasons.items()
    ]
    data = [
        {"check": one.check, "place": one.place, "reason": one.sentence}
        for one in audit.of(outcome="cannot be checked")
    ]
    return _table(
        audit,
        "not-checked",
        "What could not be checked",
        "What could not be checked, and why.",
        _frame(rows),
        data,
        text_columns=3,
    )


def _table(
    audit: Audit,
    name: str,
    title: str,
    caption: str,
    printed: pd.DataFrame,
    data: list[dict[str, Any]],
    *,
    text_columns: int = 1,
) -> Table | None:
    if printed.empty:
        return None
    first = printed.iloc[:, 0].str.partition("/")[0].tolist()
    rules = tuple(row for row in range(1, len(first)) if first[row] != first[row - 1])
    if len(rules) == len(first) - 1:
        rules = ()
    return Table(
        name=f"{_prefix(audit)}-{name}",
        title=f"{title} ({audit.source.key})",
        caption=f"{audit.source.key}: {caption}",
        printed=printed,
        data=pd.DataFrame(data),
        text_columns=text_columns,
        rules=rules,
    )


def _frame(rows: list[dict[str, str]]) -> pd.DataFrame:
    """Return rows as a frame without empty columns."""
    frame = pd.DataFrame(rows, dtype=object)
    return frame.loc[:, [column for column in frame if any(frame[column] != NOTHING)]]


def _prefix(audit: Audit) -> str:
    return f"audit-{audit.source.key}"


def _number(key: str, row: ClaimRow) -> Any:
    findings = (row.average, row.fold_mean)
    return next((one.numbers[key] for one in findings if one is not None and key in one.numbers), None)


def _interval(numbers: Any) -> str:
    return f"{numbers['low']:.2f}–{numbers['high']:.2f}" if numbers else NOTHING


def _flat(name: str, numbers: Any) -> dict[str, float | None]:
    return {f"{name}_{key}": numbers[key] if numbers else None for key in ("low", "value", "high")}


def _places(places: Sequence[str]) -> str:
    """Return places table by table: ``T6/4-layer, 6-layer; T7/Li``."""
    tables: dict[str, list[str]] = {}
    for place in places:
        table, _, rest = place.partition("/")
        tables.setdefault(table, []).append(rest)
    return "; ".join(f"{table}/{', '.join(rest)}" if any(rest) else table for table, rest in tables.items())
