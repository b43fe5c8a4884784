"""The GRIM test: against every fraction there is, and on the paper's own tables."""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.claims import Printed
from harness.claims.audit.grim import CUT_OFF, ROUNDED, _Cell, check_class_fractions, possible_printings
from tests.claims.audit.papers import by_place, column, column_of, paper, read, shipped

COLUMNS = ("LMCNet", "MCNet", "MLMC", "TSCNN-DS")
IMPOSSIBLE = {f"{table}/{name}/gun_shot" for table in ("T2", "T4") for name in COLUMNS} | {
    "T4/MCNet/car_horn",
    "T4/TSCNN-DS/car_horn",
    "T5/LMCNet/car_horn",
    "T5/MLMC/siren",
    "T5/MLMC/gun_shot",
    "T5/TSCNN-DS/gun_shot",
}


def test_su2019_fails_in_these_cells_and_no_other() -> None:
    found = check_class_fractions(read(shipped("su2019")))
    assert {one.place for one in found if "/" in one.place} == IMPOSSIBLE
    tables = by_place([one for one in found if "/" not in one.place])
    assert {place for place, one in tables.items() if one.outcome == "cannot be checked"} == {"T3", "T6", "T7"}
    assert {place: one.numbers["impossible"] for place, one in tables.items() if one.numbers} == {
        "T2": 4,
        "T4": 6,
        "T5": 4,
    }
    # Whichever way the tables were printed, some cells remain.
    assert all(one.numbers["impossible_cut_off"] for one in tables.values() if one.numbers)


def test_the_nearest_fractions_are_told() -> None:
    finding = by_place(check_class_fractions(read(shipped("su2019"))))["T2/LMCNet/gun_shot"]
    assert finding.numbers["below"] == pytest.approx(100 * 331 / 374)
    assert finding.numbers["above"] == pytest.approx(100 * 332 / 374)
    assert finding.sentence == "88.6 is not a fraction of 374 clips: 331/374 is 88.50 and 332/374 is 88.77."


@pytest.mark.parametrize(("value", "expected"), [("88.5", False), ("88.8", False), ("88.7", True)])
def test_one_changed_digit_decides(value: str, expected: bool) -> None:
    content = shipped("su2019")
    column_of(content, "T2/LMCNet")["classes"][6] = value
    assert ("T2/LMCNet/gun_shot" in by_place(check_class_fractions(read(content)))) == expected


def printings(n: int, digits: int) -> dict[str, set[Decimal]]:
    """Return every percentage of ``n`` as it prints, by way of printing."""
    exact = [Fraction(100 * k, n) for k in range(n + 1)]
    # Enough digits to tell a half from what is not one: 100 k / n differs from a half by at least 1 / (2 n 10^digits).
    decimals = [Decimal(one.numerator) / Decimal(one.denominator) for one in exact]
    unit = Decimal(1).scaleb(-digits)
    return {
        ROUNDED: {one.quantize(unit, way) for one in decimals for way in (ROUND_HALF_UP, ROUND_HALF_EVEN)},
        CUT_OFF: {one.quantize(unit, ROUND_DOWN) for one in decimals},
    }


@pytest.mark.parametrize("n", [1, 3, 7, 40, 374, 429, 929, 1000])
@pytest.mark.parametrize("digits", [0, 1])
def test_against_every_fraction(n: int, digits: int) -> None:
    known = printings(n, digits)
    for step in range(100 * 10**digits + 1):
        value = Decimal(step).scaleb(-digits)
        ways = possible_printings(Printed.parse(f"{value:f}"), n)
        assert (CUT_OFF in ways) == (value in known[CUT_OFF]), (value, n)
        assert (ROUNDED in ways) == (value in known[ROUNDED]) or _is_half(value, n, digits), (value, n)


def _is_half(value: Decimal, n: int, digits: int) -> bool:
    """Tell whether a fraction lies half a digit above, which rounds down in binary where it should not."""
    return (Fraction(value) + Fraction(1, 2 * 10**digits)) * n % 100 == 0


@pytest.mark.parametrize("n", [1, 3, 7, 40, 374, 929, 1000, 5000])
@pytest.mark.parametrize("digits", [0, 1])
def test_arbitrary_digits_fail_as_often_as_expected(n: int, digits: int) -> None:
    numbers = 100 * 10**digits + 1
    cell = _Cell("T1/A", "dog", Printed.parse(f"{50:.{digits}f}"), 1, n)
    impossible = numbers - len({min(one) for one in _printed_both_ways(n, digits)})
    assert cell.chance == pytest.approx(impossible / numbers)


def _printed_both_ways(n: int, digits: int) -> list[set[Decimal]]:
    """Return for each fraction of ``n`` the numbers that it may be printed as: a half may be rounded up or to even."""
    unit = Decimal(1).scaleb(-digits)
    exact = [Decimal(100 * k) / n for k in range(n + 1)]
    return [{one.quantize(unit, way) for way in (ROUND_HALF_UP, ROUND_HALF_EVEN)} for one in exact]


@given(st.integers(1, 2000), st.data())
def test_true_fractions_pass_in_percent_and_as_fractions(n: int, draw: Any) -> None:
    k = draw.draw(st.integers(0, n))
    percent = Decimal(100 * k) / n
    for printed in (percent.quantize(Decimal("0.1")), percent.quantize(Decimal("0.01"))):
        assert ROUNDED in possible_printings(Printed.parse(str(printed)), n)
        assert ROUNDED in possible_printings(Printed.parse(f"{printed / 100:f}"), n, factor=100)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"split": "one split", "folds": 1}, "one split"),
        ({"folds": 3}, "3 of 5 folds"),
        ({"estimand": "segment"}, "segments were counted"),
        ({"dataset": "synthetic"}, "is not known"),
    ],
)
def test_a_table_of_unknown_clips_has_one_finding_with_the_reason(fields: dict[str, Any], reason: str) -> None:
    (finding,) = check_class_fractions(paper(column(classes=["79.9", "80.1"]), **fields))
    assert finding.outcome == "cannot be checked"
    assert reason in finding.sentence


@pytest.mark.parametrize(
    ("classes", "impossible", "words"),
    [
        (["77.5", "82.5"], 0, "can be a fraction"),
        (
            ["77.5", "82.6"],
            1,
            "is not a fraction of its class's clips, where 1.9 would be expected of arbitrary digits",
        ),
    ],
)
def test_small_tables(classes: list[str], impossible: int, words: str) -> None:
    # 40 clips a class: steps of 2.5 percent.
    whole, *cells = check_class_fractions(paper(column(classes=classes)))
    assert len(cells) == impossible
    assert whole.outcome == ("shows" if impossible else "holds")
    assert words in whole.sentence


def test_digits_that_may_have_been_cut_off_are_told() -> None:
    # 341 / 374 is 91.176: 91.2 when rounded.
    toy = paper(column(classes=["80.0", "91.1"]), classes=["dog_bark", "gun_shot"], dataset="urbansound8k", folds=10)
    whole, cell = check_class_fractions(toy)
    assert "all could be" in whole.sentence
    assert cell.numbers["possible_if_cut_off"]


def test_columns_without_class_accuracies_are_passed_over() -> None:
    (whole,) = check_class_fractions(paper(column(classes=["77.5", "82.5"]), column("B")))
    assert whole.numbers["cells"] == 2
