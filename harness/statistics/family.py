"""Many comparisons, one family: Holm's adjustment of p values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.errors import StatisticsError


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return Holm's adjusted p values (Holm 1979), in the order received.

    The probability of at least one false rejection in the family is at most alpha, whichever hypotheses are true and
    however the tests depend on each other. Rows without a test (None or NaN) are not part of the family and are
    returned as None.

    Raises
    ------
    StatisticsError
        When a p value is outside [0, 1].

    Examples
    --------
    >>> holm([0.01, 0.04, None])
    [0.02, 0.04, None]
    """
    raw = np.array([np.nan if p is None else p for p in p_values], dtype=np.float64)
    tested = ~np.isnan(raw)
    bad = raw[tested & ~((raw >= 0) & (raw <= 1))]
    if bad.size:
        raise StatisticsError(f"a p value must be in 0..1, received {bad[0]:g}; give None for a row without a test")
    adjusted = raw.copy()
    # Implemented here because importing statsmodels takes longer than a complete comparison.
    order = np.flatnonzero(tested)[np.argsort(raw[tested], kind="stable")]
    steps = raw[order] * np.arange(order.size, 0, -1)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(steps))
    return [float(p) if known else None for p, known in zip(adjusted, tested, strict=True)]
