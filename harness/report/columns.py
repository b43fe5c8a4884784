"""Columns of the statistical tests: headings, cells and captions of tables, and numbers in CSV files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.comparisons.arm_contrast import Contrast
from harness.comparisons.claim_comparison import ClaimComparison
from harness.comparisons.statistical_tests import Column, Place, Side, StatisticalTest, entries_of, value_at
from harness.report.cells import interval, p_value, probability
from harness.report.evidence import Evidence
from harness.report.wording import NOTHING

_PRINTED: Mapping[str, Callable[[Any], str]] = {
    "p": p_value,
    "probability": probability,
    "count": lambda value: NOTHING if value is None else f"{value:,}",
}


def shown_tests(
    side: Side, place: Place, comparisons: Sequence[ClaimComparison | Contrast]
) -> tuple[StatisticalTest, ...]:
    """Return the tests shown in a table of ``comparisons``."""
    return tuple(
        test
        for test in entries_of(side, place)
        if not test.optional or any(test.of(each) is not None for each in comparisons)
    )


def headings(tests: Sequence[StatisticalTest]) -> list[tuple[str, str]]:
    """Return the two levels of headings of the tests' columns."""
    return [column.heading for test in tests for column in test.columns if column.heading]


def cells(tests: Sequence[StatisticalTest], each: ClaimComparison | Contrast) -> list[str]:
    """Return the cells of a comparison in these columns."""
    return [_cell(column, each) for test in tests for column in test.columns if column.heading]


def captions(tests: Sequence[StatisticalTest], evidence: Evidence, what: str) -> str:
    """Return the text on the tests in a caption; ``what`` is the accuracy or difference that is resampled."""
    texts = (test.caption for test in tests if test.caption)
    return " ".join(text.format(margin=evidence.margin, confidence=evidence.confidence, what=what) for text in texts)


def numbers(side: Side, place: Place, each: ClaimComparison | Contrast) -> dict[str, Any]:
    """Return the numbers of a comparison's tests by column of a CSV file, or None if there are none."""
    return {
        name: value_at(each, path)
        for test in entries_of(side, place)
        for column in test.columns
        if column.names and column.only in (None, side)
        for name, path in zip(column.names.split(), column.values.split(), strict=True)
    }


def _cell(column: Column, each: ClaimComparison | Contrast) -> str:
    values = [value_at(each, path) for path in column.values.split()]
    if column.kind == "interval":
        return interval(*values, signed=isinstance(each, Contrast))
    return _PRINTED[column.kind](*values)
