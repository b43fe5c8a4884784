"""Cells: what is printed for a number, at the edges where rounding could mislead."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.claims import load_library
from harness.report.cells import accuracy, claimed, count, cut_note, interval, p_value, points, probability


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.63, "0.630"),
        (1.0, "1.000"),
        (0.00012, "<0.001"),
        (0.001, "0.001"),
        (0.0497, "0.0497"),
        (0.05, "0.050"),
        (0.0503, "0.0503"),
        (0.04999, "0.04999"),
        (None, "–"),
        (math.nan, "–"),
    ],
)
def test_p_values(p: float | None, text: str) -> None:
    assert p_value(p) == text


@given(st.floats(0.001, 1))
def test_a_printed_p_stands_on_its_side_of_five_percent(p: float) -> None:
    assert abs(p - 0.05) < 1e-9 or (float(p_value(p)) < 0.05) == (p < 0.05)


@pytest.mark.parametrize(
    ("value", "text"), [(1.25, "+1.2"), (-13.5, "−13.5"), (-0.04, "0.0"), (0.0, "0.0"), (math.inf, "–"), (None, "–")]
)
def test_points_carry_their_sign(value: float | None, text: str) -> None:
    assert points(value) == text


def test_intervals() -> None:
    assert interval(78.96, 88.44) == "79.0 to 88.4"
    assert interval(-1.24, 3.4, signed=True) == "−1.2 to +3.4"
    assert interval(-10.6, 126.9) == "0.0 to 100.0"
    assert interval(8.0, 115.3) == "8.0 to 100.0"
    assert interval(-20.0, 115.3, signed=True) == "−20.0 to +100.0"
    assert interval(math.nan, 3.4) == "–"
    assert accuracy(None) == "–"


def test_a_cut_interval_is_said_in_the_caption() -> None:
    assert cut_note([(78.9, 88.4), None, (math.nan, math.nan)]) == ""
    assert cut_note([(78.9, 88.4), (8.0, 115.3)]).startswith(" An interval that ends at 0 or 100 % is cut there")
    assert cut_note([(-60.0, 60.0)], signed=True) == ""
    assert "−100 or +100 points" in cut_note([(-160.0, 60.0)], signed=True)


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0.00"), (0.001, "<0.01"), (0.999, ">0.99"), (1.0, "1.00"), (0.5, "0.50")]
)
def test_probabilities_are_not_rounded_to_certainty(value: float, text: str) -> None:
    assert probability(value) == text


def test_a_claim_keeps_its_printed_digits() -> None:
    library = load_library()
    assert claimed(library.claim("su2019:T2/LMCNet")) == "95.2"
    assert claimed(library.claim("su2019:T3/LMCNet")) == "95.15", "printed as .9515"
    assert claimed(library.claim("su2019:T3/TSCNN-DS")) == "97.20", "a printed zero is a digit"
    assert claimed(library.claim("su2019:T2/LMCNet"), "street_music") == "95.0"


def test_counts_have_their_noun() -> None:
    assert [count(1, "fold"), count(2, "fold"), count(1200, "clip")] == ["1 fold", "2 folds", "1,200 clips"]
