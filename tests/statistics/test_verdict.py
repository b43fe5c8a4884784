from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import StatisticsError
from harness.statistics.verdict import Verdict, decide

WHAT = "LMCNet against the published 95.2 %"
BASE = {"difference": -1.06, "p": 0.63, "p_equivalence": 0.35, "margin": 2.0, "what": WHAT}


@pytest.mark.parametrize(
    ("changed", "verdict", "reason"),
    [
        (
            {},
            Verdict.INCONCLUSIVE,
            "the difference of −1.06 points is not significant (p = 0.63); equivalence within ±2 points is not shown "
            "(TOST p = 0.35).",
        ),
        (
            {"p": 0.01},
            Verdict.LOWER,
            "the difference of −1.06 points is significant (p = 0.01); equivalence within ±2 points is not shown "
            "(TOST p = 0.35).",
        ),
        (
            {"p": 1e-9, "difference": 13.5, "p_equivalence": None},
            Verdict.HIGHER,
            "the difference of +13.50 points is significant (p < 0.001).",
        ),
        (
            {"p_equivalence": 0.02},
            Verdict.CONSISTENT,
            "equivalence within ±2 points is shown (TOST p = 0.02); the difference is −1.06 points.",
        ),
        (
            {"p_equivalence": 0.02, "p": 0.03},
            Verdict.CONSISTENT,
            "equivalence within ±2 points is shown (TOST p = 0.02); the difference is −1.06 points and significant "
            "(p = 0.03).",
        ),
        (
            {"differences": ["random split", "epoch chosen on the test fold"], "p": 1e-9},
            Verdict.NOT_COMPARABLE,
            "the conditions differ: random split; epoch chosen on the test fold.",
        ),
        (
            {"p": None, "p_equivalence": float("nan")},
            Verdict.INCONCLUSIVE,
            "no test could be made.",
        ),
        (
            {"p_equivalence": None},
            Verdict.INCONCLUSIVE,
            "the difference of −1.06 points is not significant (p = 0.63); equivalence was not tested.",
        ),
        (
            {"p": None},
            Verdict.INCONCLUSIVE,
            "the difference of −1.06 points was not tested; equivalence within ±2 points is not shown (TOST p = 0.35).",
        ),
    ],
)
def test_every_verdict_and_its_sentence(changed: dict[str, object], verdict: Verdict, reason: str) -> None:
    decision = decide(**{**BASE, **changed})
    assert decision.verdict is verdict
    assert decision.reason == f"{WHAT}: {reason}"


def test_the_words_of_the_verdicts() -> None:
    words = ["consistent", "lower", "higher", "inconclusive", "not comparable"]
    assert [str(verdict) for verdict in Verdict] == words


def test_a_printed_p_stays_on_its_side_of_alpha() -> None:
    below = decide(**{**BASE, "p": 0.0499}).reason
    above = decide(**{**BASE, "p": 0.0500001}).reason
    assert "(p = 0.0499)" in below
    assert "significant (p = 0.05)" in above
    assert "(p = 0.04999999)" in decide(**{**BASE, "p": 0.04999999}).reason


@given(
    st.floats(-20, 20).filter(bool), st.floats(0, 1), st.floats(0, 1), st.floats(0.1, 10), st.sampled_from([0.05, 0.01])
)
def test_the_verdict_follows_the_order_of_the_questions(
    difference: float, p: float, p_equivalence: float, margin: float, alpha: float
) -> None:
    decision = decide(difference=difference, p=p, p_equivalence=p_equivalence, margin=margin, alpha=alpha, what=WHAT)
    if p_equivalence < alpha:
        assert decision.verdict is Verdict.CONSISTENT
        assert ("significant" in decision.reason) == (p < alpha)
    elif p < alpha:
        assert decision.verdict is (Verdict.HIGHER if difference > 0 else Verdict.LOWER)
    else:
        assert decision.verdict is Verdict.INCONCLUSIVE
    assert decision.reason.startswith(WHAT)
    assert decision.reason.endswith(".")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"p": 1.2}, "p must be in 0..1, received 1.2"),
        ({"p_equivalence": -0.1}, "p_equivalence must be in 0..1"),
        ({"margin": 0.0}, "margin must be above 0"),
        ({"alpha": 0.95}, "alpha must be between"),
        ({"difference": 0.0, "p": 0.01}, "a difference of 0 cannot have p = 0.01"),
        ({"difference": float("nan")}, "difference is nan"),
    ],
)
def test_what_is_refused(changed: dict[str, object], words: str) -> None:
    with pytest.raises(StatisticsError, match=words):
        decide(**{**BASE, **changed})


@pytest.mark.parametrize(
    ("folds", "difference", "smallest", "said"),
    [
        (3, 25.0, 53.6, "With three folds and this spread, only a difference above 53.6 points would be"),
        (10, -2.5, 3.04, "With 10 folds and this spread, only a difference above 3.0 points would be"),
        (2, 40.0, 180.0, "With two folds and this spread, no difference would be significant."),
        (3, 1.9, 53.6, ""),
        (0, 25.0, 53.6, ""),
    ],
)
def test_a_large_difference_is_left_open_with_the_reason(
    folds: int, difference: float, smallest: float, said: str
) -> None:
    asked = BASE | {"difference": difference, "p": 0.73, "folds": folds, "smallest_found": smallest}
    decision = decide(**asked)
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert said in decision.reason
    assert ("this spread" in decision.reason) == bool(said)
    assert "this spread" not in decide(**asked | {"p": 0.01}).reason
