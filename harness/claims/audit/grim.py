"""Whether class accuracies can be fractions of the clips of their class: the GRIM test.

N. J. L. Brown, J. A. J. Heathers, The GRIM test, Social Psychological and Personality Science 8(4), 2017: a fraction of
n has the form k / n, so most printed numbers are impossible where n is small for their number of digits. A number that
fails is not an accuracy pooled over all clips of the data set, or it is misprinted; a mean of fold accuracies, or an
accuracy over segments, passes no more often than arbitrary digits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from harness.claims.audit.counts import class_counts
from harness.claims.audit.finding import Finding
from harness.claims.paper import AccuracyTable, Paper
from harness.claims.printed import Printed

ROUNDED, CUT_OFF = "rounded", "cut off"
"""Ways to print: to the nearest digit, a half up, down or to even; or without the digits that follow."""


def possible_printings(printed: Printed, n: int, factor: int = 1) -> frozenset[str]:
    """Return the ways of printing under which ``printed`` can be 100 k / n percent with an integer k.

    Parameters
    ----------
    n
        Clips; at least 1.
    factor
        Percentage points in one unit of ``printed``.
    """
    value, step = Fraction(printed.value) * factor, Fraction(printed.step) * factor
    ways = set()
    if Fraction(100 * math.floor((value + step / 2) * n / 100), n) >= value - step / 2:
        ways.add(ROUNDED)
    if Fraction(100 * math.ceil(value * n / 100), n) < value + step:
        ways.add(CUT_OFF)
    return frozenset(ways)


@dataclass(frozen=True)
class _Cell:
    place: str
    class_name: str
    printed: Printed
    factor: int
    n: int

    @property
    def ways(self) -> frozenset[str]:
        return possible_printings(self.printed, self.n, self.factor)

    @property
    def chance(self) -> float:
        """The share of all numbers of so many digits that are no rounded fraction of the clips."""
        # n + 1 fractions print as as many numbers, until the digits run out.
        return max(0.0, 1 - (self.n + 1) / (float(100 / (Fraction(self.printed.step) * self.factor)) + 1))

    def finding(self) -> Finding:
        """Return the finding that no k fits, with the two fractions nearest to the printed number."""
        percent = Fraction(self.printed.value) * self.factor
        below = math.floor(percent * self.n / 100)
        near = {k: float(Fraction(100 * k, self.n)) for k in (below, below + 1)}
        neighbours = " and ".join(f"{k}/{self.n} is {value:.2f}" for k, value in near.items())
        numbers = {
            "text": self.printed.text,
            "printed": float(percent),
            "n": self.n,
            "below": near[below],
            "above": near[below + 1],
            "possible_if_cut_off": CUT_OFF in self.ways,
        }
        sentence = f"{self.printed.text} is not a fraction of {self.n} clips: {neighbours}."
        return Finding("class fractions", f"{self.place}/{self.class_name}", "shows", sentence, numbers)


def check_class_fractions(paper: Paper) -> list[Finding]:
    """Return a finding per table, followed by one per class accuracy that is not a rounded fraction of the clips."""
    return [finding for table in paper.tables for finding in _table_findings(table)]


def _table_findings(table: AccuracyTable) -> list[Finding]:
    counts = class_counts(table)
    if counts.unknown:
        return [Finding("class fractions", table.id, "cannot be checked", f"Not testable: {counts.unknown}.")]
    cells = list(_cells(table, counts.clips))
    impossible = [cell for cell in cells if ROUNDED not in cell.ways]
    impossible_cut_off = sum(CUT_OFF not in cell.ways for cell in cells)
    numbers: dict[str, float] = {
        "cells": len(cells),
        "impossible": len(impossible),
        "impossible_cut_off": impossible_cut_off,
    }
    if not impossible:
        sentence = f"Each of the {len(cells)} class accuracies can be a fraction of its class's clips."
        return [Finding("class fractions", table.id, "holds", sentence, numbers)]
    numbers["expected_of_arbitrary_digits"] = sum(cell.chance for cell in cells)
    are = "is not a fraction of its" if len(impossible) == 1 else "are not fractions of their"
    cut_off = f"{impossible_cut_off} would not be" if impossible_cut_off else "all could be"
    sentence = (
        f"{len(impossible)} of {len(cells)} class accuracies {are} class's clips, where "
        f"{numbers['expected_of_arbitrary_digits']:.1f} would be expected of arbitrary digits; if digits were "
        f"truncated instead of rounded, {cut_off}."
    )
    return [
        Finding("class fractions", table.id, "shows", sentence, numbers),
        *(cell.finding() for cell in impossible),
    ]


def _cells(table: AccuracyTable, clips: tuple[int, ...]) -> Iterator[_Cell]:
    factor = 1 if table.unit == "percent" else 100
    for column in table.columns:
        # A column may have no class accuracies.
        for name, text, n in zip(table.classes, column.classes, clips, strict=False):
            yield _Cell(f"{table.id}/{column.name}", name, Printed.parse(text), factor, n)
