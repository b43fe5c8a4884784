"""What the number of tested clips says of published accuracies: Wilson's interval, and every pairing of clips."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from statsmodels.stats.proportion import proportion_confint

from harness.claims import Claim, claims_of, load_library
from harness.comparisons.claim_pairs import ALPHA, known, relation
from tests.claims.audit.papers import column, paper

N = 400


def claims(*values: str, **fields: object) -> list[Claim]:
    return list(claims_of(paper(*(column(f"c{place}", value) for place, value in enumerate(values)), **fields)))


@given(st.integers(5, N))
def test_the_interval_is_wilsons(k: int) -> None:
    (claim,) = claims(f"{100 * k / N:.2f}")
    found = known(claim)
    assert found is not None
    low, high = proportion_confint(k, N, method="wilson")
    assert (found.n, found.low, found.high) == (N, pytest.approx(100 * low), pytest.approx(100 * high))


@settings(max_examples=60, deadline=None)
@given(st.integers(200, N), st.integers(0, 100))
def test_no_pairing_of_clips_contradicts_the_relation(right: int, fewer: int) -> None:
    """``right`` and ``right - fewer`` clips are right; which ones both get right is tried from end to end."""
    lower, higher = claims(f"{100 * (right - fewer) / N:.2f}", f"{100 * right / N:.2f}")
    found = relation(lower, higher)
    both_most, both_fewest = right - fewer, max(0, 2 * right - fewer - N)
    values = []
    for both in {both_most, both_fewest, (both_most + both_fewest) // 2}:
        only_high, only_low = right - both, right - fewer - both
        differ = only_high + only_low
        values.append(1.0 if differ == 0 else float(binomtest(only_low, differ).pvalue))
    if found == "lower":
        assert max(values) < ALPHA
    elif found == "cannot be told apart":
        assert min(values) >= ALPHA
    else:
        assert found == "cannot be told"
        # The rounding of the printed numbers leaves out no clip here, so both happen.
        assert max(values) >= ALPHA > min(values)


def test_six_clips_on_one_side_are_the_fewest_that_can_differ() -> None:
    assert relation(*claims(f"{100 * 300 / N:.2f}", f"{100 * 305 / N:.2f}")) == "cannot be told apart"
    assert relation(*claims(f"{100 * 300 / N:.2f}", f"{100 * 306 / N:.2f}")) == "cannot be told"


def test_a_number_of_few_digits_represents_all_that_round_to_it() -> None:
    # 75 stands for 74.5 to 75.5 %: up to eight clips more than 74.5 to 74.6.
    assert relation(*claims("75", "75")) == "cannot be told apart"
    assert relation(*claims("74", "75")) == "cannot be told"


@pytest.mark.parametrize(
    "fields",
    [
        {"dataset": "urbansound8k", "folds": 10, "estimand": "clip"},  # folds of several sizes
        {"split": "not stated"},
        {"split": "one split", "folds": 1},
    ],
)
def test_where_clips_are_not_known_to_be_the_same_nothing_is_said(fields: dict[str, object]) -> None:
    assert relation(*claims("60.0", "90.0", **fields)) is None


def test_claims_of_several_tables_and_data_sets() -> None:
    (first,), (other,) = claims("90.0", dataset="esc50"), claims("60.0")
    assert relation(other, first) is None
    (fold,) = claims("60.0", dataset="esc50", folds=1, tested_folds=[2])
    assert relation(fold, first) is None
    library = load_library()
    chosen, last = (library.claim(f"gong2021:{name}/AST") for name in ("ESC-50", "ESC-50-last"))
    assert relation(last, chosen) == "cannot be told apart"  # three clips of 2,000


def test_numbers_in_single_precision_are_counts_of_clips() -> None:
    library = load_library()
    first, second = (library.claim(f"hear2022:ESC-50/{name}") for name in ("CP-JKU PaSST base", "CVSSP PANNS"))
    assert relation(second, first) == "lower"
    assert relation(first, first) == "cannot be told apart"


def test_a_mean_of_several_trainings_is_not_compared_by_clips() -> None:
    assert relation(*claims("60.0", "96.65")) is None


def test_macro_accuracy_over_classes_of_several_sizes_has_no_interval() -> None:
    assert known(claims("80.0", dataset="urbansound8k", folds=10)[0]) is None
    assert known(claims("80.0", dataset="urbansound8k", folds=10, estimand="clip")[0]) is not None
