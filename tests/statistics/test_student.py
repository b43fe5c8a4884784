"""Student's t against scipy.stats, which is too slow to import for a command."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.statistics.student import above, critical, two_sided

degrees = st.one_of(st.integers(1, 1000), st.floats(0.5, 1000))


@given(st.floats(-1e6, 1e6), degrees)
def test_chances_are_those_of_scipy(t: float, df: float) -> None:
    assert above(t, df) == pytest.approx(stats.t.sf(t, df), rel=1e-12, abs=1e-300)
    assert two_sided(t, df) == pytest.approx(2 * stats.t.sf(abs(t), df), rel=1e-12, abs=1e-300)


@given(st.floats(1e-6, 0.5), degrees)
def test_critical_values_are_those_of_scipy(tail: float, df: float) -> None:
    assert critical(tail, df) == pytest.approx(stats.t.isf(tail, df), rel=1e-12, abs=1e-12)
