"""Student's t as the tests of this package use it.

These functions use scipy.special and equal those of scipy.stats, which takes longer to import than a complete
comparison takes to compute.
"""

from __future__ import annotations

from scipy import special


def above(t: float, df: float) -> float:
    """Return the probability of a value above ``t`` with ``df`` degrees of freedom, not necessarily an integer."""
    return float(special.stdtr(df, -t))


def two_sided(t: float, df: float) -> float:
    """Return the two-sided p of ``t`` with ``df`` degrees of freedom."""
    return 2 * above(abs(t), df)


def critical(tail: float, df: float) -> float:
    """Return the t that is exceeded with probability ``tail``."""
    return -float(special.stdtrit(df, tail))
