from __future__ import annotations

import gc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from harness.errors import StatisticsError
from harness.statistics.family import holm

p_lists = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def test_holms_worked_values() -> None:
    # Sorted .01 .02 .03 .04 times 4 3 2 1, then never falling.
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.5, 0.6]) == [1.0, 1.0]


@given(p_lists)
def test_it_is_what_statsmodels_computes(raw: list[float]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        # It collects garbage in every call: minutes in a process that has loaded everything.
        patch.setattr(gc, "collect", lambda: 0)
        expected = multipletests(raw, method="holm")[1]
    assert holm(raw) == pytest.approx(expected, abs=1e-12)


def test_it_is_not_holm_sidak() -> None:
    assert holm([0.04, 0.9])[0] == pytest.approx(0.08, abs=1e-12)


def test_rows_without_a_test_are_no_part_of_the_family() -> None:
    assert holm([0.04, None, float("nan"), 0.03]) == [pytest.approx(0.06), None, None, pytest.approx(0.06)]
    assert holm([None]) == [None]
    assert holm([]) == []


@settings(max_examples=12, deadline=None)
@given(p_lists)
def test_adjusted_is_never_below_raw_and_keeps_the_order(raw: list[float]) -> None:
    adjusted = holm(raw)
    assert all(before <= after <= 1 for before, after in zip(raw, adjusted, strict=True))
    in_order = [p for _, p in sorted(zip(raw, adjusted, strict=True))]
    assert in_order == sorted(in_order)
    assert min(adjusted) == pytest.approx(min(1.0, min(raw) * len(raw)))


@settings(max_examples=12, deadline=None)
@given(p_lists, st.randoms())
def test_the_order_of_the_rows_does_not_matter(raw: list[float], random: object) -> None:
    order = list(range(len(raw)))
    random.shuffle(order)
    adjusted = holm(raw)
    assert holm([raw[place] for place in order]) == pytest.approx([adjusted[place] for place in order])


@pytest.mark.parametrize("p", [-0.1, 1.5, float("inf")])
def test_what_is_no_p_value_is_refused(p: float) -> None:
    with pytest.raises(StatisticsError, match="None for a row without a test"):
        holm([0.5, p])
