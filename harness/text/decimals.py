"""How a number is printed, so that it reads the same wherever it appears: digits, sign, and the ends of intervals."""

from __future__ import annotations


def decimals(value: float, digits: int) -> str:
    """Return ``value`` with ``digits`` decimals, at most six.

    The mean of a study's folds and the mean of its classes are the same number, but for some 1e-14 of floating-point
    noise; noise does not decide which way a half is rounded.
    """
    return f"{round(value, 9):.{digits}f}"


def signed(value: float, digits: int) -> str:
    """Return a difference with its sign, as ``+1.2`` or ``−13.5``; one that rounds to 0 has none."""
    text = decimals(abs(value), digits)
    return text if float(text) == 0 else f"{'+' if value > 0 else '−'}{text}"


def possible(low: float, high: float, *, difference: bool = False) -> tuple[float, float]:
    """Return the part of an interval that an accuracy in percent can have, 0 to 100, or a ``difference`` of two.

    An interval over few folds reaches farther, since Student's t knows no ends. Whatever is printed or drawn is cut
    here; :data:`CUT` says so beside it.
    """
    floor = -100.0 if difference else 0.0
    return min(max(low, floor), 100.0), max(min(high, 100.0), floor)


def is_cut(low: float, high: float, *, difference: bool = False) -> bool:
    """Return whether :func:`possible` takes something away."""
    return possible(low, high, difference=difference) != (low, high)


CUT = "it reaches beyond what an accuracy can be and is cut there: so few folds cannot give an interval"
"""What is said of an interval that :func:`is_cut`."""
