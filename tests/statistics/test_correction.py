from __future__ import annotations

import math

import pytest

from harness.errors import StatisticsError
from harness.statistics.correction import fold_ratio, standard_error

from .strategies import TEN


def test_the_ratio_of_k_folds() -> None:
    assert fold_ratio(5) == 0.25
    assert fold_ratio(10) == pytest.approx(1 / 9)
    with pytest.raises(StatisticsError, match="at least 2, received 1"):
        fold_ratio(1)


def test_a_worked_standard_error() -> None:
    # Variance of 1, 2, 3, 4, 5 is 2.5; 1/5 + 1/4 = 0.45.
    assert standard_error(math.sqrt(2.5), 5, 0.25) == pytest.approx(math.sqrt(0.45 * 2.5), abs=1e-12)


@pytest.mark.parametrize(("k", "factor"), [(5, 1.5), (10, 1.4529663)])
def test_how_much_the_usual_standard_error_is_too_small(k: int, factor: float) -> None:
    values = TEN[:k]
    mean = sum(values) / k
    sd = math.sqrt(sum((value - mean) ** 2 for value in values) / (k - 1))
    assert standard_error(sd, k, fold_ratio(k)) / standard_error(sd, k, 0.0) == pytest.approx(factor, rel=1e-7)
