"""What a claim brings into its test: fold values, an SD, neither; and how its printed digits are regarded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from scipy import stats

from harness.claims import NOT_STATED
from harness.comparisons.against_claim import ClaimComparison, Rules, compare_with_claim, settle_family
from harness.comparisons.claim_side import Basis
from harness.comparisons.conditions import Conditions
from harness.statistics.t_tests import paired
from harness.statistics.verdict import Verdict
from tests.claims.audit.papers import claim_of, read, shipped
from tests.comparisons.test_against_claim import EXACT, RULES, beside, folds_of, toy
from tests.statistics.strategies import TEN


class TestFoldByFold:
    """Piczak's CNN on UrbanSound8K, whose accuracy on each official fold is in its author's results file."""

    PRINTED = (74.91, 73.54, 62.92, 74.75, 76.82, 73.39, 70.53, 72.95, 76.59, 74.91)

    def beside(self, values: Sequence[float], **here: Any) -> ClaimComparison:
        content = shipped("piczak2015cnn")
        for each in content["table"]:
            each["role"] = "claim"
        paper = read(content)
        claim = claim_of(paper, "US8K/CNN")
        # What the source did otherwise is no matter here.
        alike = {"estimand": "clip", "tuning": claim.table.tuning, "epoch_rule": claim.table.epoch_rule}
        return beside(values, claim, paper, **(alike | here))

    @pytest.mark.parametrize("split", ["official", NOT_STATED])
    def test_its_own_folds_are_consistent_with_it(self, split: str) -> None:
        found = self.beside(self.PRINTED, split=split)
        assert found.basis is Basis.FOLD_BY_FOLD
        assert found.decision.verdict is Verdict.CONSISTENT
        assert "claimed 73.13 %, paired by fold: all 10 measured folds equal" in found.decision.reason
        assert (found.p, found.p_equivalence) == (1.0, 0.0)
        assert found.further == {}
        assert found.difference == pytest.approx(0, abs=1e-9)

    def test_folds_that_round_to_the_printed_ones_are_equal_to_them(self) -> None:
        found = self.beside([value + 0.004 for value in self.PRINTED])
        assert (found.decision.verdict, found.p) == (Verdict.CONSISTENT, 1.0)
        uneven = self.beside([value + 0.004 * (-1) ** fold for fold, value in enumerate(self.PRINTED)])
        assert (uneven.decision.verdict, uneven.p) == (Verdict.CONSISTENT, 1.0)

    def test_one_and_the_same_difference_on_every_fold_says_nothing_of_chance(self) -> None:
        found = self.beside([value + 5 for value in self.PRINTED])
        assert found.decision.verdict is Verdict.INCONCLUSIVE
        assert "all 10 folds differ by the same +5 from the published ones" in found.decision.reason
        assert found.p is found.p_equivalence is None

    def test_a_difference_that_the_spread_of_folds_hides_is_found_by_pairing(self) -> None:
        shifts = (2.0, 2.4, 1.8, 2.2, 2.1, 1.9, 2.3, 1.7, 2.0, 2.1)
        values = [value + shift for value, shift in zip(self.PRINTED, shifts, strict=True)]
        found = self.beside(values)
        oracle = paired(values, self.PRINTED, ratio=1 / 8)
        assert found.decision.verdict is Verdict.HIGHER
        assert found.decisive is not None
        assert found.decisive.difference == pytest.approx(oracle.mean)
        assert found.decisive.standard_error >= oracle.standard_error - 1e-12
        # Rounding may have added half of the last digit to every fold.
        assert found.decisive.t == pytest.approx((oracle.mean - 0.005) / found.decisive.standard_error)
        assert found.further["wilcoxon"].p == found.further["wilcoxon"].attainable_p
        # The same values against the mean alone are lost in the spread between folds.
        alone = beside(values, *toy("73.1", column={"dispersion": {"value": "4.0", "kind": "folds"}}))
        assert alone.decision.verdict is Verdict.INCONCLUSIVE

    def test_a_part_of_the_folds_is_compared_with_that_part(self) -> None:
        found = self.beside([75.9, 73.7, 63.4])
        assert found.basis is Basis.FOLD_BY_FOLD
        assert found.claimed == pytest.approx((74.91 + 73.54 + 62.92) / 3)
        assert found.difference == pytest.approx((0.99 + 0.16 + 0.48) / 3)
        assert "73.13 % (70.46 % on these 3 folds), paired by fold" in found.decision.reason

    def test_a_random_split_is_not_paired(self) -> None:
        found = self.beside(TEN, split="random-clip")
        assert found.basis is Basis.CLAIMED_SD
        assert found.decision.verdict is Verdict.NOT_COMPARABLE

    def test_every_seed_is_set_against_its_fold(self) -> None:
        paper = read(shipped("piczak2015cnn"))
        claim = claim_of(paper, "US8K/CNN")
        values = [value + shift for value, shift in zip(self.PRINTED, (1, -1) * 5, strict=True)]
        found = compare_with_claim("arm", folds_of(values, 3), claim, paper, Conditions("urbansound8k", 10), RULES)
        assert found.basis is Basis.FOLD_BY_FOLD
        assert found.difference == pytest.approx(0, abs=1e-9)
        assert found.n_seeds == (3, 3)


class TestClaimWithoutSpread:
    def test_the_measured_sd_is_used_for_both_sides(self) -> None:
        found = beside(TEN, *toy("90.0000000"))
        error = np.std(TEN, ddof=1) * math.sqrt(2 * (1 / 10 + 1 / 9))
        assert found.basis is Basis.MEASURED_SD
        assert found.decisive is not None
        assert found.decisive.standard_error == pytest.approx(error)
        apart = abs(np.mean(TEN) - 90)
        assert found.p == pytest.approx(2 * stats.t.sf(apart / error, 9), abs=1e-6)
        assert found.p_equivalence == pytest.approx(stats.t.sf((2 - apart) / error, 9), abs=1e-6)
        assert "SD over folds not stated; the measured SD is used for both sides" in found.decision.reason
        # Its posterior is as wide.
        assert found.further["bayes"].high - found.further["bayes"].low == pytest.approx(
            2 * stats.t.isf(0.025, 9) * error
        )

    def test_taken_as_exact_by_rule_the_verdict_says_so(self) -> None:
        found = beside(TEN, *toy("89.0"), rules=EXACT)
        assert found.basis is Basis.EXACT
        assert found.decision.verdict is Verdict.LOWER
        assert "claimed 89.0 %, taken as exact: " in found.decision.reason
        assert beside(TEN, *toy("89.0")).decision.verdict is Verdict.INCONCLUSIVE

    def test_what_the_claim_adds_no_fold_of_ours_takes_away(self) -> None:
        exact, cautious = beside(TEN, *toy("85.5"), rules=EXACT), beside(TEN, *toy("85.5"))
        assert exact.needed is not None
        assert cautious.needed is not None
        assert exact.needed.for_difference is not None
        assert cautious.needed.for_difference is None
        assert "as the published mean varies too" in cautious.needed.reason


class TestRounding:
    """Half a unit of the last printed digit is nobody's difference."""

    # Mean 68.49, SD 0.5.
    NEAR = tuple(68.49 + 0.5 * sign * math.sqrt(0.9) for sign in (1, -1) * 5)

    def test_a_claim_of_70_is_not_shown_to_be_met_within_2_points(self) -> None:
        found = beside(self.NEAR, *toy("70"), rules=EXACT)
        assert (round(found.mean, 2), round(found.sd, 2)) == (68.49, 0.5)
        assert found.rounding == 0.5
        assert found.decision.verdict is not Verdict.CONSISTENT
        assert found.p_equivalence is not None
        assert found.p_equivalence > 0.5, "70.49 is printed as 70, and is 2 points away"
        assert beside(self.NEAR, *toy("70.000"), rules=EXACT).decision.verdict is Verdict.CONSISTENT
        assert beside(self.NEAR, *toy("70")).decision.verdict is not Verdict.CONSISTENT

    def test_a_difference_within_the_rounding_is_none(self) -> None:
        values = [value + 1.1 for value in self.NEAR]
        found = beside(values, *toy("70"), rules=EXACT)
        assert found.p == 1.0
        tight = Rules(0.1, claim_exact=True)
        assert beside(values, *toy("70"), rules=tight).decision.verdict is Verdict.INCONCLUSIVE
        values = [value + 0.9 for value in self.NEAR]
        assert beside(values, *toy("70.0000"), rules=tight).decision.verdict is Verdict.LOWER
        assert beside(values, *toy("70"), rules=tight).decision.verdict is Verdict.INCONCLUSIVE

    def test_a_margin_below_the_rounding_shows_nothing(self) -> None:
        values = [value + 1.51 for value in self.NEAR]
        found = beside(values, *toy("70"), rules=Rules(0.4, claim_exact=True))
        assert found.p_equivalence is not None
        assert found.p_equivalence >= 0.5
        assert found.needed is not None
        assert found.needed.for_equivalence is None

    def test_fractions_are_rounded_in_percentage_points(self) -> None:
        assert beside(self.NEAR, *toy(".70", unit="fraction")).rounding == pytest.approx(0.5)


class TestFewFolds:
    def test_three_folds_cannot_decide_25_points(self) -> None:
        found = beside([90.0, 45.0, 75.0], *toy("95.0"))
        assert found.difference == pytest.approx(-25)
        assert found.decision.verdict is Verdict.INCONCLUSIVE
        assert "With three folds and this spread," in found.decision.reason
        assert found.decision.reason.endswith("would be significant.")

    def test_nothing_of_the_kind_is_said_of_a_difference_within_the_margin(self) -> None:
        assert "this spread" not in beside([70.0, 75.0, 71.0], *toy("72.5")).decision.reason

    def test_the_named_size_is_what_the_test_would_find_in_this_family(self) -> None:
        rows = settle_family([beside(TEN, *toy("89.0"), rules=EXACT), beside(TEN, *toy("83.0"), rules=EXACT)])
        assert rows[0].decision.verdict is Verdict.INCONCLUSIVE
        size = stats.t.isf(0.0125, 9) * np.std(TEN, ddof=1) * math.sqrt(1 / 10 + 1 / 9) + 0.05
        assert f"only a difference above {size:.1f} points would be significant" in rows[0].decision.reason
