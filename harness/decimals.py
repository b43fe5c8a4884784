"""How a number is rounded where it is printed, so that it reads the same wherever it stands."""

from __future__ import annotations


def decimals(value: float, digits: int) -> str:
    """Return ``value`` with ``digits`` decimals, at most six.

    The mean of a study's folds and the mean of its classes are the same number, but for some 1e-14 of floating-point
    noise; noise does not decide which way a half is rounded.
    """
    return f"{round(value, 9):.{digits}f}"
