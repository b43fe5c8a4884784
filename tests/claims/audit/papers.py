"""Papers to audit: the shipped ones as data that a test may change, and small invented ones."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from typing import Any

from harness.claims import BUILT_IN, Claim, Paper, claims_of, parse_paper
from harness.claims.audit.finding import Check, Finding

Data = dict[str, Any]


def shipped(key: str) -> Data:
    """Return a shipped claims file as data."""
    return tomllib.loads((BUILT_IN / f"{key}.toml").read_text(encoding="utf-8"))


def column(name: str = "A", value: str = "80.0", **fields: Any) -> Data:
    """Return a column; keywords are its fields."""
    return {"name": name, "value": value, **fields}


def table(*columns: Data, name: str = "T", **fields: Any) -> Data:
    """Return a table of official folds of ESC-10; keywords are its fields. Classes are named as they are needed."""
    n_classes = max((len(one.get("classes", ())) for one in columns), default=0)
    base = {
        "id": name,
        "title": "toy",
        "where": "table 1",
        "role": "claim",
        "dataset": "esc10",
        "estimand": "macro",
        "split": "official",
        "folds": 5,
        "classes": [f"class {number}" for number in range(n_classes)],
        "column": list(columns),
    }
    return {**base, **fields}


def data(*tables: Data, **parts: Any) -> Data:
    """Return a claims file; keywords are its other parts."""
    source = {"key": "toy", "title": "Toy", "authors": "A. Author", "year": 2020, "unpublished": "nowhere"}
    return {"source": source, "table": list(tables), **parts}


def read(content: Data) -> Paper:
    """Return data as a paper."""
    return parse_paper(content, "test")


def paper(*columns: Data, **fields: Any) -> Paper:
    """Return a paper with one :func:`table`."""
    return read(data(table(*columns, **fields)))


def column_of(content: Data, place: str) -> Data:
    """Return the column at ``table/column``, to be changed in place."""
    name, _, own = place.partition("/")
    found: Data = next(
        one for entry in content["table"] if entry["id"] == name for one in entry["column"] if one["name"] == own
    )
    return found


def claim_of(source: Paper, place: str) -> Claim:
    """Return the headline claim at ``table/column``."""
    return next(one for one in claims_of(source) if f"{one.table.id}/{one.column.name}" == place)


def by_place(findings: Sequence[Finding], check: Check | None = None) -> dict[str, Finding]:
    """Return findings by their place, of one check where it is given."""
    return {one.place: one for one in findings if check in (None, one.check)}
