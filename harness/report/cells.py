"""Cells of tables: accuracies, differences, p values, intervals, and the columns of the statistical tests."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from harness.claims import Claim
from harness.comparisons.arm_contrast import Contrast
from harness.comparisons.claim_comparison import ClaimComparison
from harness.comparisons.statistical_tests import (
    Column,
    Place,
    Side,
    StatisticalTest,
    entries_of,
    value_at,
)
from harness.report.evidence import Evidence
from harness.report.report_section import Heading
from harness.report.wording import NOTHING
from harness.text.decimals import decimals, is_cut, possible
from harness.text.decimals import signed as with_sign

P_DIGITS = 3
"""Decimals of a p value; smaller ones are printed as ``<0.001``."""


def missing(value: float | None) -> bool:
    """Return whether there is no number to print."""
    return value is None or not math.isfinite(value)


def accuracy(value: float | None, digits: int = 1) -> str:
    """Return an accuracy that is already in percent, such as ``83.7``."""
    return NOTHING if value is None or missing(value) else decimals(value, digits).replace("-", "−")


def points(value: float | None, digits: int = 1) -> str:
    """Return a difference in percentage points with its sign: ``+1.2``, ``−13.5``, ``0.0``."""
    if value is None or missing(value):
        return NOTHING
    return with_sign(value, digits)


def interval(low: float | None, high: float | None, *, signed: bool = False) -> str:
    """Return ``78.9 to 88.4``, or with signs ``−1.2 to +3.4``, cut to possible accuracies or differences of two."""
    if low is None or high is None or missing(low) or missing(high):
        return NOTHING
    form = points if signed else accuracy
    return " to ".join(form(end) for end in possible(low, high, difference=signed))


def cut_note(
    ends: Iterable[tuple[float | None, float | None] | None], *, signed: bool = False, sample: str = "few folds"
) -> str:
    """Return the note in a caption if :func:`interval` cuts any of its intervals, which so small a ``sample`` gives,
    else an empty text."""
    whole = [pair for pair in ends if pair and not missing(pair[0]) and not missing(pair[1])]
    if not any(is_cut(float(low or 0), float(high or 0), difference=signed) for low, high in whole):
        return ""
    bound = "−100 or +100 points" if signed else "0 or 100 %"
    return f" An interval that ends at {bound} is cut there: so {sample} cannot give one."


def p_value(p: float | None) -> str:
    """Return a p value: ``0.021``, ``<0.001``; one that would round to .050 keeps enough digits to show its side."""
    if p is None or missing(p):
        return NOTHING
    if p < 10**-P_DIGITS:
        return f"<{10**-P_DIGITS}"
    digits = P_DIGITS
    while digits < 12 and p != 0.05 and float(f"{p:.{digits}f}") == 0.05:
        digits += 1
    return f"{p:.{digits}f}"


def probability(value: float | None) -> str:
    """Return a probability with two decimals; a value that would round to 0 or 1 is ``<0.01`` or ``>0.99``."""
    if value is None or missing(value):
        return NOTHING
    return "<0.01" if 0 < value < 0.005 else ">0.99" if 0.995 <= value < 1 else f"{value:.2f}"


def claimed(claim: Claim, class_name: str | None = None) -> str:
    """Return the published accuracy in percent with the digits that were printed: ``97.2``, ``95.15`` for ``.9515``."""
    one = claim if class_name is None else replace(claim, class_name=class_name)
    return f"{one.printed.value.scaleb(0 if one.factor == 1 else 2):f}"


def count(number: int, one: str, several: str | None = None) -> str:
    """Return a number with its noun: ``1 fold``, ``3 folds``."""
    return f"{number:,} {one if number == 1 else several or one + 's'}"


_PRINTED: Mapping[str, Callable[[Any], str]] = {
    "p": p_value,
    "probability": probability,
    "count": lambda value: NOTHING if value is None else f"{value:,}",
    "points": lambda value: accuracy(math.nan if value is None else value, 2),
}


def shown_tests(
    side: Side, place: Place, comparisons: Sequence[ClaimComparison | Contrast]
) -> tuple[StatisticalTest, ...]:
    """Return the tests shown in a table of ``comparisons``."""
    tests = entries_of(side, place, *dict.fromkeys(each.over for each in comparisons))
    return tuple(test for test in tests if any(map(test.is_shown, comparisons)))


def columns_of(tests: Sequence[StatisticalTest]) -> dict[Heading, Callable[[ClaimComparison | Contrast], str]]:
    """Return the columns of the tests: by heading, the function that returns the cell of a comparison."""
    return {column.heading: partial(_cell, column) for test in tests for column in test.columns if column.heading}


def captions_of(tests: Sequence[StatisticalTest], evidence: Evidence, what: str) -> str:
    """Return the text on the tests in a caption; ``what`` is the accuracy or difference that is resampled."""
    texts = (test.caption for test in tests if test.caption)
    return " ".join(text.format(margin=evidence.margin, confidence=evidence.confidence, what=what) for text in texts)


def numbers_of(side: Side, place: Place, each: ClaimComparison | Contrast) -> dict[str, Any]:
    """Return the numbers of a comparison's tests by column of a CSV file, or None if there are none."""
    return {
        name: value_at(each, path)
        for test in entries_of(side, place, each.over)
        for column in test.columns
        if column.names and column.only in (None, side)
        for name, path in zip(column.names.split(), column.values.split(), strict=True)
    }


def _cell(column: Column, each: ClaimComparison | Contrast) -> str:
    values = [value_at(each, path) for path in column.values.split()]
    if column.kind == "interval":
        return interval(*values, signed=isinstance(each, Contrast))
    return _PRINTED[column.kind](*values)
