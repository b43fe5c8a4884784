"""A claim: its address, its number in percent, and what stands beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.claims import Claim, Paper, claims_of, load_paper, parse_paper

EXAMPLE = load_paper(Path(__file__).with_name("example.toml"))


def claim(paper: Paper, column: int, class_name: str | None = None) -> Claim:
    table = paper.tables[0]
    return Claim(paper.source, table, table.columns[column], class_name)


def fractions(**column: Any) -> Paper:
    document = {
        "source": {"key": "a", "title": "t", "authors": "A", "year": 2020, "doi": "10.1234/5"},
        "table": [
            {
                "id": "T", "title": "t", "where": "w", "role": "claim", "unit": "fraction", "dataset": "esc10",
                "estimand": "clip", "split": "official", "folds": 2, "classes": ["x", "y"],
                "column": [{"name": "c", "value": ".9515", **column}],
            }
        ],
    }  # fmt: skip
    return parse_paper(document, "mine.toml")


def test_addresses() -> None:
    assert claim(EXAMPLE, 0).address == "example2020:T1/network"
    assert claim(EXAMPLE, 0, "50 %").address == "example2020:T1/network/50 %"


def test_a_headline_claim() -> None:
    headline = claim(EXAMPLE, 0)
    assert headline.printed.text == "80.0"
    assert headline.percent == 80.0
    assert headline.estimand == "macro"
    assert headline.class_percents == {"church_bells": 75.0, "Böller & Feuerwerk": 80.0, "50 %": 85.0}
    assert headline.fold_percents == (79.0, 80.0, 81.0, 78.5, 81.5)


@pytest.mark.parametrize(("name", "text"), [("church_bells", "75.0"), ("Böller & Feuerwerk", "80.0"), ("50 %", "85.0")])
def test_a_claim_about_one_class(name: str, text: str) -> None:
    one = claim(EXAMPLE, 0, name)
    assert (one.printed.text, one.percent, one.estimand) == (text, float(text), "class")


def test_nothing_is_made_up_where_nothing_is_printed() -> None:
    bare = claim(EXAMPLE, 1)
    assert bare.class_percents == {}
    assert bare.fold_percents == ()


def test_fractions_become_percent_without_a_digit_more() -> None:
    paper = fractions(classes=[".9", "1.0"], folds=[".95", ".953"])
    headline = claim(paper, 0)
    assert headline.percent == 95.15
    assert headline.printed.text == ".9515"
    assert headline.class_percents == {"x": 90.0, "y": 100.0}
    assert headline.fold_percents == (95.0, 95.3)
    assert claim(paper, 0, "x").percent == 90.0


def test_claims_of_a_paper_stand_in_the_order_of_its_columns() -> None:
    assert [one.address for one in claims_of(EXAMPLE)] == [
        "example2020:T1/network",
        "example2020:T1/guess",
        "example2020:T3/network",
    ]
