"""A printed number: its value, its digits and how far it may have been rounded."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.claims import Printed

WHOLE = st.integers(0, 10**9 - 1).map(str)
FRACTION = st.text("0123456789", max_size=8)
SUFFIX = st.sampled_from(["", "K", "k", "M", " K", " M"])
FACTORS = {"": 1, "K": 1_000, "k": 1_000, "M": 1_000_000}


@pytest.mark.parametrize(
    ("text", "value", "low", "high", "decimals"),
    [
        ("95.2", "95.2", "95.15", "95.25", 1),
        ("95.20", "95.2", "95.195", "95.205", 2),
        (".03121", "0.03121", "0.031205", "0.031215", 5),
        ("93", "93", "92.5", "93.5", 0),
        ("93.", "93", "92.5", "93.5", 0),
        ("0", "0", "-0.5", "0.5", 0),
        ("-1.5", "-1.5", "-1.55", "-1.45", 1),
        ("15.9 M", "15900000", "15850000", "15950000", 1),
        ("9.2K", "9200", "9150", "9250", 1),
        ("31 k", "31000", "30500", "31500", 0),
    ],
)
def test_worked_values(text: str, value: str, low: str, high: str, decimals: int) -> None:
    number = Printed.parse(text)
    assert (number.value, number.low, number.high) == (Decimal(value), Decimal(low), Decimal(high))
    assert number.decimals == decimals
    assert number.text == text


def test_spaces_around_a_number_are_not_printed() -> None:
    assert Printed.parse(" 95.2\n") == Printed.parse("95.2")


@pytest.mark.parametrize(
    "text",
    ["", " ", ".", "-", "95,2", "95.2 %", "95.2%", "+1", "1e3", "nan", "inf", "1.2.3", "95.2 ± 1", "K", "5 G", "5  K",
     "٩٥", "1" * 13, "0." + "1" * 13, "95.2\n93"],
)  # fmt: skip
def test_what_is_no_single_number_is_refused_and_quoted(text: str) -> None:
    with pytest.raises(ValueError, match="is not a printed number") as caught:
        Printed.parse(text)
    assert repr(text) in str(caught.value)


@given(WHOLE, FRACTION, SUFFIX)
def test_the_value_lies_in_the_middle_of_its_interval(whole: str, fraction: str, suffix: str) -> None:
    number = Printed.parse(f"{whole}.{fraction}{suffix}")
    assert number.low < number.value < number.high
    assert number.value - number.low == number.high - number.value
    assert number.high - number.low == number.step
    assert number.decimals == len(fraction)
    assert number.value == Decimal(f"{whole}.{fraction or 0}") * FACTORS[suffix.strip()]


@given(WHOLE, FRACTION, SUFFIX, st.integers(-499, 499))
def test_every_number_in_the_interval_rounds_to_the_printed_one(
    whole: str, fraction: str, suffix: str, thousandths: int
) -> None:
    number = Printed.parse(f"{whole}.{fraction}{suffix}")
    inside = number.value + number.step * thousandths / 1000
    assert number.low <= inside <= number.high
    steps = (inside / number.step).quantize(Decimal(1), ROUND_HALF_UP)
    assert steps * number.step == number.value


@given(WHOLE, FRACTION)
def test_one_more_printed_digit_narrows_the_interval_tenfold(whole: str, fraction: str) -> None:
    coarse, fine = Printed.parse(f"{whole}.{fraction}"), Printed.parse(f"{whole}.{fraction}0")
    assert coarse.step == 10 * fine.step
    assert coarse.low < fine.low < fine.high < coarse.high
