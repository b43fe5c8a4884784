"""Intervals of rounding: exact ends, and when two printed numbers can be the same."""

from __future__ import annotations

from fractions import Fraction

import pytest

from harness.claims.audit.interval import Interval, mean


def test_ends_are_exact_and_in_percent() -> None:
    assert Interval.of("95.2") == Interval(Fraction("95.15"), Fraction("95.25"))
    assert Interval.of(".9515", 100) == Interval(Fraction("95.145"), Fraction("95.155"))


@pytest.mark.parametrize(
    ("first", "second", "expected"), [("1.0", "1.1", True), ("1.0", "1.2", False), ("1", "1.4", True), ("1", "2", True)]
)
def test_numbers_meet_where_a_half_can_be_rounded_to_either(first: str, second: str, expected: bool) -> None:
    assert Interval.of(first).meets(Interval.of(second)) == expected
    assert Interval.of(second).meets(Interval.of(first)) == expected


def test_weighted_mean() -> None:
    two = [Interval(Fraction(0), Fraction(1)), Interval(Fraction(4), Fraction(6))]
    assert mean(two) == Interval(Fraction(2), Fraction(7, 2))
    assert mean(two, [3, 1]) == Interval(Fraction(1), Fraction(9, 4))
    with pytest.raises(ValueError, match="argument"):
        mean(two, [1, 2, 3])


@pytest.mark.parametrize(("text", "printed"), [("95.2", "95.15 to 95.25"), ("64.55", "64.545 to 64.555")])
def test_narrow_intervals_show_more_digits(text: str, printed: str) -> None:
    assert str(Interval.of(text)) == printed
