"""What a published number is beside an arm: a claim, a reference, one fold of ten, or a mean of other trainings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from harness.comparisons.against_claim import ClaimComparison, Rules, compare_with_claim
from harness.comparisons.conditions import Conditions
from harness.statistics.verdict import Verdict
from tests.claims.audit.papers import claim_of, read, shipped
from tests.comparisons.test_against_claim import HERE, RULES, beside, folds_of, toy
from tests.statistics.strategies import TEN


class TestReference:
    """A number of another system is measured against like any other, and never called replicated."""

    @pytest.mark.parametrize(
        ("shift", "margin", "outcome"),
        [
            (0.0, 8.0, "consistent with the reference"),
            (0.0, 1.0, "inconclusive"),
            (-20.0, 2.0, "lower than the reference"),
            (14.0, 2.0, "higher than the reference"),
        ],
    )
    def test_the_verdict_is_that_of_the_test_in_other_words(self, shift: float, margin: float, outcome: str) -> None:
        values = [value - 83.702 + 80 + shift for value in TEN]
        claim, reference = (
            beside(values, *toy("80.0", role=role), rules=Rules(margin, claim_exact=True))
            for role in ("claim", "reference")
        )
        assert (claim.read_as, reference.read_as) == ("replication", "reference")
        assert (claim.p, claim.decision.verdict) == (reference.p, reference.decision.verdict)
        assert (claim.outcome, reference.outcome) == (claim.decision.verdict.value, outcome)
        assert "claimed 80.0 %" in claim.decision.reason
        assert "reference (another system) 80.0 %" in reference.decision.reason

    @pytest.mark.parametrize(
        ("role", "said", "expected"),
        [
            ("claim", None, "replication"),
            ("replication", None, "replication"),
            ("reference", None, "reference"),
            ("claim", "reference", "reference"),
            ("reference", "replication", "replication"),
        ],
    )
    def test_who_compares_says_which_else_the_table(self, role: str, said: Any, expected: str) -> None:
        found = compare_with_claim("arm", folds_of(TEN), *toy("80.0", role=role), HERE, RULES, said)
        assert found.read_as == expected
        assert found.is_reference == (expected == "reference")


class TestOneFoldThere:
    """The course's replications tested official fold 10 and trained on the other nine."""

    def staff(self, folds: Sequence[int], **here: Any) -> ClaimComparison:
        paper = read(shipped("bristol2019"))
        trainings = pd.DataFrame({"fold": list(folds), "accuracy": TEN[: len(folds)]})
        conditions = Conditions(**{**vars(HERE), **here})
        return compare_with_claim("arm", trainings, claim_of(paper, "replication/TSCNN"), paper, conditions, RULES)

    def test_ten_folds_are_another_thing_and_fold_10_is_set_beside_it(self) -> None:
        found = self.staff(range(1, 11))
        assert found.differences == ("10 folds are tested here, fold 10 alone there",)
        assert "the accuracy here is 87.9 % on fold 10" in found.caveats
        assert found.decision.verdict is Verdict.NOT_COMPARABLE
        assert found.p is None

    def test_the_same_fold_is_comparable_and_one_fold_decides_nothing(self) -> None:
        found = self.staff([10])
        assert found.differences == ()
        assert found.decision.verdict is Verdict.INCONCLUSIVE
        assert "at least 2 folds, received 1" in found.decision.reason

    def test_another_fold_is_told(self) -> None:
        assert self.staff([3]).differences == ("1 fold is tested here, fold 10 alone there",)

    def test_three_folds_of_the_data_learn_from_less(self) -> None:
        found = self.staff([1, 2, 10], data_folds=3, validation_apart=True)
        assert found.differences == (
            "training uses 1 fold here (3 of 10 folds of the data), 9 there",
            "3 folds are tested here, fold 10 alone there",
        )

    def test_the_coursework_s_accuracies_are_over_pieces(self) -> None:
        paper = read(shipped("naidu2019"))
        found = beside(TEN, claim_of(paper, "plain/TSCNN"), paper)
        assert found.differences[0] == (
            "mean of the class accuracies here, mean of the class accuracies over pieces of clips there"
        )


def test_the_training_folds_of_the_claim_decide_its_ratio() -> None:
    spread = {"dispersion": {"value": "4.0", "kind": "folds"}}
    whole, apart = (beside(TEN, *toy("73.1", column=spread, **more)) for more in ({}, {"training_folds": 8}))
    assert whole.published is not None
    assert apart.published is not None
    own = np.var(TEN, ddof=1) * (1 / 10 + 1 / 9)
    assert whole.published.standard_error == pytest.approx(math.sqrt(own + 16 * (1 / 10 + 1 / 9)))
    assert apart.published.standard_error == pytest.approx(math.sqrt(own + 16 * (1 / 10 + 1 / 8)))


def test_values_that_the_source_chose_on_its_tested_folds_make_a_difference() -> None:
    paper = read(shipped("piczak2015cnn"))
    found = beside(TEN, claim_of(paper, "US8K/CNN"), paper, estimand="clip")
    assert found.differences == ("hyperparameters were chosen on the reported folds there only",)
    assert found.outcome == "not comparable"
