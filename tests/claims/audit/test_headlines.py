"""Headlines as fractions of the tested clips, against brute force, and versions that print different numbers."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.claims import load_library
from harness.claims.audit.checks import CHECKS, HEADLINE_CHECKS, audit
from harness.claims.audit.counts import clips_tested
from harness.claims.audit.headlines import check_headline_fractions, check_versions
from tests.claims.audit.papers import by_place, column, data, paper, read, table

LIBRARY = load_library()


def outcome(value: str, **fields: object) -> tuple[str, dict[str, object]]:
    (found,) = check_headline_fractions(paper(column(value=value), **fields))
    return found.outcome, dict(found.numbers)


@given(st.integers(5, 400))
def test_every_fraction_of_the_clips_passes(k: int) -> None:
    # Half up, as most programs print, and half down.
    exact = Fraction(100 * k, 400)
    for digits in (2, 3):
        assert outcome(f"{float(exact):.{digits}f}")[0] == "holds"


@given(st.integers(101, 9999))
def test_what_passes_is_what_brute_force_finds(hundredths: int) -> None:
    value = Fraction(hundredths, 100)
    fits = any(abs(Fraction(100 * k, 2000) - value) <= Fraction(1, 200) for k in range(2001))
    assert (outcome(f"{float(value):.2f}", dataset="esc50")[0] == "holds") is fits


@pytest.mark.parametrize(("dataset", "value", "share"), [("esc10", "50.25", 0.04), ("esc50", "50.05", 0.2)])
def test_the_share_that_passes_by_chance(dataset: str, value: str, share: float) -> None:
    n = {"esc10": 400, "esc50": 2000}[dataset]
    assert outcome(value, dataset=dataset)[1]["chance"] == pytest.approx(share)
    passing = [at for at in range(10_000) if any(abs(100 * 100 * k / n - at) <= 0.5 for k in _near(at, n))]
    assert len(passing) / 10_000 == pytest.approx(share)


def _near(hundredths: int, n: int) -> list[int]:
    k = hundredths * n / 10_000
    return [math.floor(k), math.ceil(k)]


def test_a_mean_of_several_trainings_is_named() -> None:
    found, numbers = outcome("96.65")
    assert found == "shows"
    assert numbers["trainings"] == 5  # 1,933 of 2,000 answers
    assert not any(abs(100 * k / (m * 400) - 96.65) <= 0.005 for m in range(1, 5) for k in range(m * 400))


def test_what_cannot_be_told_is_said() -> None:
    assert outcome("95.6", dataset="esc50")[0] == "cannot be checked"
    assert outcome("0.956", dataset="esc50", unit="fraction")[0] == "cannot be checked"


@pytest.mark.parametrize(
    "fields",
    [
        {"dataset": "urbansound8k", "folds": 10},  # folds differ in size: a mean over them is no fraction
        {"split": "one split", "folds": 1},
        {"estimand": "segment"},
        {"split": "random-segment"},
        {"folds": 3, "split": "random-clip"},
    ],
)
def test_other_headlines_have_no_finding(fields: dict[str, object]) -> None:
    assert check_headline_fractions(paper(column(value="80.33"), **fields)) == []


def test_digits_of_single_precision_do_not_count() -> None:
    # hear2022 prints the float32 nearest to 0.9475.
    assert outcome("0.9474999905", dataset="esc50", unit="fraction")[0] == "holds"
    assert outcome("0.9474", dataset="esc50", unit="fraction")[0] == "shows"


@pytest.mark.parametrize(
    ("fields", "clips"),
    [
        ({}, 400),
        ({"dataset": "urbansound8k", "folds": 10}, 8732),
        ({"dataset": "urbansound8k", "folds": 1, "tested_folds": [10]}, 837),
        ({"dataset": "esc50", "folds": 2, "tested_folds": [1, 4]}, 800),
        ({"dataset": "gtzan", "folds": 1}, 290),
        ({"split": "one split", "folds": 1}, None),
        ({"dataset": "something else"}, None),
    ],
)
def test_clips_tested(fields: dict[str, object], clips: int | None) -> None:
    assert clips_tested(paper(column(value="80.0"), **fields).tables[0]) == clips


def test_versions_that_differ() -> None:
    found = by_place(check_versions(LIBRARY.paper("sharma2020")))
    assert found["ESC-50/DCNN"].numbers["difference"] == pytest.approx(95.50 - 87.45)
    assert "97.52 in the proceedings" in found["US8K/DCNN"].sentence
    assert check_versions(LIBRARY.paper("gong2021")) == []


def test_versions_that_agree_or_cannot_be_paired_have_no_finding() -> None:
    same = [table(column(value="80.0"), name=name, version=name) for name in ("v1", "v2")]
    twice = [table(column(value=value), name=value, version="v1") for value in ("80.0", "81.0")]
    for tables in (same, twice):
        assert check_versions(read(data(*tables))) == []


@pytest.mark.parametrize("key", LIBRARY.papers)
def test_every_claims_file_can_be_audited(key: str) -> None:
    found = audit(LIBRARY.paper(key), (*CHECKS, *HEADLINE_CHECKS))
    assert found.findings
    assert all(one.sentence.endswith(".") for one in found.findings)
