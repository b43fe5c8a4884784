"""Student's t as the tests of this room use it.

The functions are those of scipy.special, and equal those of scipy.stats, which takes longer to import than a whole
comparison takes to compute.
"""

from __future__ import annotations

from scipy import special


def above(t: float, df: float) -> float:
    """Return the chance of a value above ``t`` with ``df`` degrees of freedom, which need not be whole."""
    return float(special.stdtr(df, -t))


def two_sided(t: float, df: float) -> float:
    """Return the two-sided p of ``t`` with ``df`` degrees of freedom."""
    return 2 * above(abs(t), df)


def critical(tail: float, df: float) -> float:
    """Return the t above which a share ``tail`` of the values lies."""
    return -float(special.stdtrit(df, tail))
