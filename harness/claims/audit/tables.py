"""The findings of an audit as tables, check by check, and as JSON.

The JSON has a version, ``schema``: it is incremented when a key changes its meaning or is removed, not when one is
added.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from harness.claims.audit.audit_summary import ClaimRow, summary, table_claims
from harness.claims.audit.finding import Audit, Outcome

SCHEMA = 1
CONVENTIONS = (
    "A printed number represents every number that rounds to it; intervals reflect that rounding. "
    "Accuracies are in percent, standard deviations (SD) in percentage points."
)
NOTHING = "–"
"""The cell of a number that does not exist."""


@dataclass(frozen=True)
class AuditTable:
    """One table of an audit.

    Attributes
    ----------
    name, title, caption
        Short name, title and full caption in plain text.
    printed
        By row, the cells as text, by heading.
    data
        By row, the same at full precision, by column.
    words
        How many columns from the left hold words.
    """

    name: str
    title: str
    caption: str
    printed: list[dict[str, str]]
    data: list[dict[str, Any]]
    words: int = 1


def audit_json(audit: Audit) -> dict[str, Any]:
    """Return the audit as JSON data: source, summary, and every finding with its numbers."""
    return {
        "schema": SCHEMA,
        "source": {**audit.source.model_dump(), "citation": audit.source.citation},
        "conventions": CONVENTIONS,
        "summary": summary(audit),
        "findings": [asdict(finding) for finding in audit.findings],
    }


def audit_tables(audit: Audit) -> list[AuditTable]:
    """Return the tables of an audit, without those of checks that found nothing.

    Averages and dispersions have one row per column of the paper, the GRIM test one row per class accuracy that fails
    it; layers and text have one row per finding. Checks that could not be made are listed with the reason.
    """
    tables = (_averages(audit), _dispersions(audit), _fractions(audit), _details(audit), _not_checked(audit))
    return [table for table in tables if table.printed]


def _averages(audit: Audit) -> AuditTable:
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
        "Headlines as printed, and the means of the class and fold accuracies, in percent. The mean of "
        "classes is unweighted (macro accuracy); over clips, classes are weighted by their clips in the data set. "
        "A headline agrees with a mean if their rounding intervals overlap."
    )
    return AuditTable("averages", "Which means the headlines are", caption, rows, data)


def _dispersions(audit: Audit) -> AuditTable:
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
    return AuditTable("dispersions", "What the dispersions are over", caption, rows, data, words=4)


def _fractions(audit: Audit) -> AuditTable:
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
        f"{one.numbers['impossible_cut_off']} if digits were truncated"
        for one in counted
    )
    caption = (
        "Class accuracies, in percent, that no whole number of correct clips rounds to (GRIM test, Brown and Heathers "
        f"2017), between the two nearest fractions: {shares}."
    )
    return AuditTable("fractions", "Class accuracies that are not fractions", caption, rows, data, words=2)


def _details(audit: Audit) -> AuditTable:
    outcomes: tuple[Outcome, ...] = ("contradicts", "shows", "holds")
    found = [finding for outcome in outcomes for finding in audit.of("layers", "text", outcome=outcome)]
    rows = [{"Place": one.place, "Outcome": one.outcome, "Finding": one.sentence} for one in found]
    data = [{"check": one.check, "place": one.place, "outcome": one.outcome, "finding": one.sentence} for one in found]
    caption = "Tables of layers against their own sums and the networks as built here, and the text against the tables."
    return AuditTable("details", "Layers and text", caption, rows, data, words=3)


def _not_checked(audit: Audit) -> AuditTable:
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
    title = "What could not be checked"
    return AuditTable("not-checked", title, f"{title}, and why.", rows, data, words=3)


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
