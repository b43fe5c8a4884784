from __future__ import annotations

import baycomp
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from harness.errors import StatisticsError
from harness.statistics.bayes import correlated_t
from harness.statistics.t_tests import paired

from .strategies import TEN, points


@given(st.lists(st.tuples(points, points), min_size=3, max_size=12), st.floats(0.1, 10))
def test_it_agrees_with_baycomp(pairs: list[tuple[float, float]], rope: float) -> None:
    first, second = (np.array(column) for column in zip(*pairs, strict=True))
    assume(np.std(first - second) > 0.05)
    # baycomp calls it left where the first one is higher.
    higher, inside, lower = baycomp.two_on_single(first, second, rope=rope)
    ours = correlated_t(first, second, rope=rope, ratio=1 / (len(pairs) - 1))
    assert (ours.p_lower, ours.p_rope, ours.p_higher) == pytest.approx((lower, inside, higher), abs=1e-10)


def test_repeated_cross_validation_agrees_with_baycomp() -> None:
    rng = np.random.default_rng(8)
    first, second = rng.normal(80, 4, 20), rng.normal(79, 4, 20)
    higher, inside, lower = baycomp.two_on_single(first, second, rope=1.0, runs=2)
    ours = correlated_t(first, second, rope=1.0, ratio=1 / 9)
    assert (ours.p_lower, ours.p_rope, ours.p_higher) == pytest.approx((lower, inside, higher), abs=1e-10)


def test_without_a_region_two_outcomes_are_left() -> None:
    second = [value + 1 for value in reversed(TEN)]
    higher, lower = baycomp.two_on_single(np.array(TEN), np.array(second), rope=0)
    ours = correlated_t(TEN, second, rope=0, ratio=1 / 9)
    assert (ours.p_lower, ours.p_rope, ours.p_higher) == pytest.approx((lower, 0, higher), abs=1e-10)


def test_its_interval_is_the_corrected_one() -> None:
    # With a flat prior the credible interval and the confidence interval are the same numbers.
    second = list(reversed(TEN))
    posterior, test = correlated_t(TEN, second, rope=2, ratio=1 / 9), paired(TEN, second, ratio=1 / 9)
    assert (posterior.low, posterior.high) == pytest.approx((test.low, test.high))


def test_against_one_number() -> None:
    ours = correlated_t(TEN, 97.2, rope=2.0, ratio=1 / 9)
    assert ours.p_lower == pytest.approx(0.9998, abs=1e-4)
    assert ours.p_lower + ours.p_rope + ours.p_higher == pytest.approx(1)


@pytest.mark.parametrize("rope", [-1.0, float("nan"), float("inf")])
def test_a_region_must_have_a_width(rope: float) -> None:
    with pytest.raises(StatisticsError, match="rope must be 0 or more"):
        correlated_t(TEN, 90.0, rope=rope, ratio=1 / 9)
