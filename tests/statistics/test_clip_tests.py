"""Tests over clips, against mlxtend (which computes them on its own) and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlxtend.evaluate import cochrans_q as their_cochrans_q
from mlxtend.evaluate import mcnemar as their_mcnemar
from scipy import stats

from harness.errors import StatisticsError
from harness.statistics.clip_tests import cochran_q, detectable_clip_difference, mcnemar


def answers(both: int, only_first: int, only_second: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    counts = [both, only_first, only_second, neither]
    return np.repeat([True, True, False, False], counts), np.repeat([True, False, True, False], counts)


@given(st.integers(0, 50), st.integers(0, 60), st.integers(0, 60), st.integers(1, 50))
def test_mcnemar_agrees_with_mlxtend(both: int, only_first: int, only_second: int, neither: int) -> None:
    ours = mcnemar(*answers(both, only_first, only_second, neither))
    assert (ours.only_first, ours.only_second) == (only_first, only_second)
    assert ours.exact == (only_first + only_second < 25)
    if only_first + only_second == 0:
        assert ours.p == 1
        return
    table = np.array([[both, only_first], [only_second, neither]])
    statistic, p = their_mcnemar(table, exact=ours.exact)
    assert ours.p == pytest.approx(min(1.0, p), abs=1e-10)
    if not ours.exact:
        assert ours.statistic == pytest.approx(statistic, abs=1e-10)


def test_mcnemar_by_hand() -> None:
    # 2 of 10: twice P(X <= 2) of a fair coin = 2 x 56 / 1024.
    assert mcnemar(*answers(5, 2, 8, 5)).p == pytest.approx(112 / 1024)
    result = mcnemar(*answers(5, 10, 30, 5))
    assert (result.statistic, result.exact) == (pytest.approx(19**2 / 40), False)


@given(st.integers(1, 400), st.integers(2, 5), st.integers(0, 10))
def test_cochran_agrees_with_mlxtend(clips: int, arms: int, seed: int) -> None:
    correct = np.random.default_rng(seed).random((clips, arms)) < np.linspace(0.4, 0.7, arms)
    ours = cochran_q(correct)
    assert ours.df == arms - 1
    if (correct == correct[:, :1]).all():
        assert (ours.statistic, ours.p) == (0, 1)
        return
    statistic, p = their_cochrans_q(np.ones(clips), *correct.T.astype(int))
    assert ours.statistic == pytest.approx(statistic, abs=1e-9)
    assert ours.p == pytest.approx(p, abs=1e-10)


def test_networks_that_never_differ_give_p_1_not_nan() -> None:
    right = np.array([True, True, False])
    assert mcnemar(right, right).p == 1
    assert cochran_q(np.stack([right, right, right], axis=1)).p == 1


@pytest.mark.parametrize(("share", "clips", "alpha"), [(0.2, 400, 0.05), (0.1, 2000, 0.05), (0.3, 837, 0.01)])
def test_a_detectable_difference_is_found_with_a_probability_of_80_percent(
    share: float, clips: int, alpha: float
) -> None:
    found = detectable_clip_difference(share, clips, alpha=alpha)
    chances = [(share + found) / 2, (share - found) / 2, 1 - share]
    counts = np.random.default_rng(0).multinomial(clips, chances, size=4000)
    # Without continuity correction, for which the formula holds.
    statistic = (counts[:, 0] - counts[:, 1]) ** 2 / np.maximum(counts[:, 0] + counts[:, 1], 1)
    assert np.mean(stats.chi2.sf(statistic, 1) < alpha) == pytest.approx(0.8, abs=0.03)


def test_where_no_difference_can_be_found_it_is_the_largest_possible() -> None:
    assert detectable_clip_difference(0.05, 20) == 0.05


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: mcnemar([True, False], [True]), "2 clips and correct_second 1"),
        (lambda: mcnemar([], []), "at least one clip"),
        (lambda: mcnemar([0.7, 0.2], [True, False]), "True .right. or False"),
        (lambda: mcnemar([float("nan"), 1.0], [True, False]), "True .right. or False"),
        (lambda: cochran_q(np.ones((4, 1), dtype=bool)), "networks must be an integer of at least 2"),
        (lambda: cochran_q(np.ones(4, dtype=bool)), r"shape \(n_clips, n_arms\)"),
        (lambda: cochran_q([["right", "wrong"]]), "True .right. or False"),
        (lambda: detectable_clip_difference(0, 20), "share_apart must be in"),
        (lambda: detectable_clip_difference(0.2, 20, power=0.01), "power must be between"),
    ],
)
def test_what_is_refused(call: object, words: str) -> None:
    with pytest.raises(StatisticsError, match=words):
        call()
