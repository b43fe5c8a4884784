"""Formatting of numbers, the same wherever they appear: digits, sign, and the ends of intervals."""

from __future__ import annotations


def decimals(value: float, digits: int) -> str:
    """Return ``value`` with ``digits`` decimals, at most six.

    The mean over a study's folds and the mean over its classes are equal except for some 1e-14 of floating-point noise,
    which must not decide how a half is rounded.
    """
    return f"{round(value, 9):.{digits}f}"


def signed(value: float, digits: int) -> str:
    """Return a difference with its sign, as ``+1.2`` or ``−13.5``, or without one if it rounds to 0."""
    text = decimals(abs(value), digits)
    return text if float(text) == 0 else f"{'+' if value > 0 else '−'}{text}"


def possible(low: float, high: float, *, difference: bool = False) -> tuple[float, float]:
    """Return the part of an interval that is possible for an accuracy in percent, 0 to 100, or a ``difference`` of two.

    An interval over few folds extends further, because Student's t distribution is unbounded. Whatever is printed or
    drawn is cut here, with the note :data:`CUT`.
    """
    floor = -100.0 if difference else 0.0
    return min(max(low, floor), 100.0), max(min(high, 100.0), floor)


def is_cut(low: float, high: float, *, difference: bool = False) -> bool:
    """Return whether :func:`possible` shortens the interval."""
    return possible(low, high, difference=difference) != (low, high)


CUT = "it reaches beyond what an accuracy can be and is cut there: so few folds cannot give an interval"
"""The note on an interval that :func:`is_cut`."""
