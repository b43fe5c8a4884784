"""Interval: the possible values of a number that was printed rounded, in exact arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from harness.claims.claim import Claim
from harness.claims.printed import Printed


@dataclass(frozen=True)
class Interval:
    """All numbers from ``low`` to ``high``, both included: a half may have been rounded either way."""

    low: Fraction
    high: Fraction

    @classmethod
    def of(cls, text: str, factor: int = 1) -> Interval:
        """Return the numbers that round to ``text`` as printed, multiplied by ``factor``."""
        printed = Printed.parse(text)
        return cls(Fraction(printed.low) * factor, Fraction(printed.high) * factor)

    @property
    def middle(self) -> Fraction:
        """The number as printed, or the mean of numbers as printed."""
        return (self.low + self.high) / 2

    def meets(self, other: Interval) -> bool:
        """Return whether the intervals overlap."""
        return self.low <= other.high and other.low <= self.high

    def __str__(self) -> str:
        digits = 2 if self.high - self.low > Fraction(1, 50) else 3
        return f"{float(self.low):.{digits}f} to {float(self.high):.{digits}f}"


def class_intervals(claim: Claim) -> list[Interval]:
    """Return the class accuracies of a claim's column in percent; empty where none are printed."""
    return [Interval.of(text, claim.factor) for text in claim.column.classes]


def fold_intervals(claim: Claim) -> list[Interval]:
    """Return the fold accuracies of a claim's column in percent; empty where none are printed."""
    return [Interval.of(text, claim.factor) for text in claim.column.folds]


def headline(claim: Claim) -> Interval:
    """Return the headline accuracy of a claim's column in percent."""
    return Interval.of(claim.column.value, claim.factor)


def mean(intervals: Sequence[Interval], weights: Sequence[int] | None = None) -> Interval:
    """Return the interval of the mean, weighted by ``weights`` where they are given.

    Raises ValueError when the numbers of weights and intervals differ.
    """
    shares = [1] * len(intervals) if weights is None else weights
    pairs = list(zip(shares, intervals, strict=True))
    whole = sum(shares)
    return Interval(
        sum((share * one.low for share, one in pairs), Fraction()) / whole,
        sum((share * one.high for share, one in pairs), Fraction()) / whole,
    )
