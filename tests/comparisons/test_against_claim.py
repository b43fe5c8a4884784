"""One arm beside one published number: the worked values of ten folds, and what a printed SD is good for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from harness.claims import Claim, Paper
from harness.comparisons.against_claim import ClaimComparison, Rules, compare_with_claim, settle_family
from harness.comparisons.claim_side import Basis
from harness.comparisons.conditions import Conditions
from harness.errors import StatisticsError
from harness.statistics.verdict import Verdict
from tests.claims.audit.papers import claim_of, column, column_of, data, read, shipped, table
from tests.statistics.strategies import TEN

HERE = Conditions("urbansound8k", 10, False, "official", "fixed", "none", "macro")
RULES = Rules(margin=2.0)
EXACT = Rules(margin=2.0, claim_exact=True)
WIDE = Rules(margin=4.6, claim_exact=True)


def folds_of(values: Sequence[float], seeds: int = 1) -> pd.DataFrame:
    """Return one row per fold and seed; seeds lie around the fold's value, which stays their mean."""
    rows = [
        {"fold": fold, "seed": seed, "accuracy": value + 0.3 * (seed - (seeds - 1) / 2)}
        for fold, value in enumerate(values, 1)
        for seed in range(seeds)
    ]
    return pd.DataFrame(rows)


def toy(value: str, **fields: Any) -> tuple[Claim, Paper]:
    """Return a claim on the ten official folds of UrbanSound8K, and its paper."""
    stated = {"dataset": "urbansound8k", "folds": 10, "epoch_rule": "fixed", "tuning": "none"} | fields
    spread = stated.pop("column", {})
    source = read(data(table(column("A", value, **spread), **stated)))
    return claim_of(source, "T/A"), source


def beside(values: Sequence[float], claim: Claim, paper: Paper, rules: Rules = RULES, **here: Any) -> ClaimComparison:
    conditions = Conditions(**{**vars(HERE), **here})
    return compare_with_claim("arm", folds_of(values), claim, paper, conditions, rules)


class TestWorkedValues:
    """Ten folds of a published network, mean 83.70 and SD 4.56, beside two published means that are taken as exact."""

    def test_against_a_number_near_the_mean(self) -> None:
        found = beside(TEN, *toy("84.76"), rules=EXACT)
        assert (round(found.mean, 2), round(found.sd, 2)) == (83.70, 4.56)
        assert found.p == found.p_adjusted == pytest.approx(0.63, abs=0.005)
        assert found.decision.verdict is Verdict.INCONCLUSIVE
        assert found.sensitivity == 0
        assert found.differences == found.caveats == ()

    def test_against_a_number_far_above(self) -> None:
        found = beside(TEN, *toy("97.2"), rules=EXACT)
        assert found.test is not None
        assert found.test.t == pytest.approx(-6.44, abs=0.005)
        assert found.test.naive_t == pytest.approx(-9.36, abs=0.005)
        assert found.decisive is not None
        # Numbers from 97.15 on are printed as 97.2.
        assert found.decisive.t == pytest.approx((found.mean - 97.15) / found.test.standard_error)
        assert found.p == pytest.approx(1.2e-4, abs=5e-6)
        assert (round(found.low, 2), round(found.high, 2)) == (78.96, 88.44)
        assert found.difference == pytest.approx(-13.50, abs=0.005)
        assert found.decision.verdict is Verdict.LOWER
        assert found.published is None
        assert found.claim_sd_kind == "none"
        assert found.published_refused == "no dispersion is printed"

    def test_a_fold_kept_for_validation_widens_the_interval(self) -> None:
        apart, whole = (beside(TEN, *toy("97.2"), validation_apart=flag) for flag in (True, False))
        assert apart.ratio == pytest.approx(1 / 8)
        assert apart.high - apart.low == pytest.approx(
            (whole.high - whole.low) * math.sqrt((0.1 + 1 / 8) / (0.1 + 1 / 9))
        )

    def test_at_the_sensitivity_welchs_p_is_alpha(self) -> None:
        bare = beside(TEN, *toy("97.2"))
        assert bare.sensitivity is not None
        spread = {"dispersion": {"value": f"{bare.sensitivity:.9f}", "kind": "folds"}}
        assert beside(TEN, *toy("97.2", column=spread)).p == pytest.approx(0.05, abs=1e-6)


class TestVerdicts:
    @pytest.mark.parametrize(
        ("shift", "margin", "verdict"),
        [
            (0.0, 8.0, Verdict.CONSISTENT),
            (0.0, 1.0, Verdict.INCONCLUSIVE),
            (-20.0, 2.0, Verdict.LOWER),
            (14.0, 2.0, Verdict.HIGHER),
        ],
    )
    def test_each(self, shift: float, margin: float, verdict: Verdict) -> None:
        values = [value - 83.702 + 80 + shift for value in TEN]
        assert beside(values, *toy("80.0"), rules=Rules(margin)).decision.verdict is verdict

    def test_another_estimand_is_not_comparable_however_far_apart(self) -> None:
        found = beside(TEN, *toy("97.2"), estimand="segment")
        assert found.decision.verdict is Verdict.NOT_COMPARABLE
        assert "fraction of segments here" in found.decision.reason
        assert found.p is found.p_equivalence is found.p_adjusted is found.p_equivalence_adjusted is None
        # The interval belongs to the measured mean and stands whatever it is set beside.
        assert found.low < found.mean < found.high

    def test_one_fold_decides_nothing(self) -> None:
        found = beside(TEN[:1], *toy("97.2"))
        assert found.decision.verdict is Verdict.INCONCLUSIVE
        assert found.decision.reason.startswith("arm 79.8 %, claimed 97.2 %: a test over folds needs at least 2")
        assert math.isnan(found.sd)
        assert math.isnan(found.low)
        assert found.p is found.equivalence is found.needed is None

    def test_equal_folds_decide_nothing(self) -> None:
        found = beside([80.0] * 10, *toy("97.2"))
        assert found.decision.verdict is Verdict.INCONCLUSIVE
        assert "all 10 folds have the same value, 80" in found.decision.reason
        assert found.p is None

    def test_fewer_folds_than_the_source_are_told(self) -> None:
        assert beside(TEN[:4], *toy("80.0")).caveats == ("4 folds are tested here, 10 there",)
        assert beside(TEN, *toy("80.0")).caveats == ()


class TestBadTrainings:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"accuracy": float("nan")}, "fold 3: the accuracy is nan"),
            ({"accuracy": float("inf")}, "fold 3: the accuracy is inf"),
            ({"fold": 2}, "fold 2, seed 0 appears twice"),
        ],
    )
    def test_are_refused(self, change: dict[str, float], message: str) -> None:
        trainings = folds_of(TEN)
        for name, value in change.items():
            trainings.loc[2, name] = value
        with pytest.raises(StatisticsError, match=message):
            compare_with_claim("arm", trainings, *toy("97.2"), HERE, RULES)

    def test_none_at_all(self) -> None:
        with pytest.raises(StatisticsError, match="is empty"):
            compare_with_claim("arm", folds_of([]).reindex(columns=["fold", "accuracy"]), *toy("97.2"), HERE, RULES)


def test_seeds_are_averaged_within_folds_before_any_test() -> None:
    claim, paper = toy("84.76")
    once, thrice = (compare_with_claim("arm", folds_of(TEN, n), claim, paper, HERE, RULES) for n in (1, 3))
    assert (once.n_seeds, thrice.n_seeds) == ((1, 1), (3, 3))
    assert thrice.folds == pytest.approx(once.folds)
    for field in ("mean", "sd", "low", "high", "p", "p_equivalence", "sensitivity"):
        assert getattr(thrice, field) == pytest.approx(getattr(once, field)), field


def test_unequal_numbers_of_seeds_weigh_folds_alike() -> None:
    trainings = folds_of(TEN, 2)[lambda rows: (rows["fold"] != 1) | (rows["seed"] == 0)]
    found = compare_with_claim("arm", trainings, *toy("84.76"), HERE, RULES)
    assert found.n_seeds == (1, 2)
    assert found.mean == pytest.approx(np.mean([TEN[0] - 0.15, *TEN[1:]]))


class TestPrintedDispersion:
    def test_an_sd_over_classes_is_refused_with_its_reason(self) -> None:
        paper = read(shipped("su2019"))
        for place in ("T3/TSCNN-DS", "T2/TSCNN-DS"):
            found = beside(TEN, claim_of(paper, place), paper)
            assert (found.claim_sd, found.claim_sd_kind, found.published) == (None, "classes", None)
            assert "population SD of the 10 class accuracies of T2/TSCNN-DS" in found.published_refused
            assert "not over folds" in found.published_refused
            # Without a usable SD the measured one is used for both sides.
            assert found.basis is Basis.MEASURED_SD

    @pytest.mark.parametrize(
        ("place", "change"),
        [
            ("T3/LMCNet", {"dispersion": {"value": ".03521", "kind": "unknown", "n": 10}}),
            (
                "T2/LMCNet",
                {"classes": ["98.6", "93.9", "97.3", "92.6", "94.8", "98.9", "78.6", "93.2", "98.6", "95.0"]},
            ),
        ],
    )
    def test_after_one_changed_digit_it_is_unknown_and_still_refused(self, place: str, change: dict[str, Any]) -> None:
        content = shipped("su2019")
        column_of(content, place).update(change)
        paper = read(content)
        found = beside(TEN, claim_of(paper, "T3/LMCNet"), paper)
        assert found.claim_sd_kind == "unknown"
        assert found.published_refused == "what it is over is not stated, and no printed numbers have this SD"
        assert found.published is found.claim_sd is None
        assert found.basis is Basis.MEASURED_SD

    def test_an_sd_over_folds_is_used_and_the_verdict_rests_on_it(self) -> None:
        found = beside(TEN, *toy("73.1", column={"dispersion": {"value": "4.0", "kind": "folds"}}))
        assert (found.claim_sd_kind, found.claim_sd, found.basis) == ("folds", 4.0, Basis.CLAIMED_SD)
        assert found.published is not None
        assert found.test is not None
        # Welch with both variances corrected, written out.
        variances = [variance * (1 / 10 + 1 / 9) for variance in (np.var(TEN, ddof=1), 16.0)]
        assert found.published.standard_error == pytest.approx(math.sqrt(sum(variances)))
        assert found.p == found.published.p > found.test.p
        assert found.p_equivalence == found.published.equivalence_p(2.0)
        assert found.decision.verdict is Verdict.HIGHER
        assert "claimed 73.1 % with its own SD over folds: " in found.decision.reason
        assert found.published_refused == ""
        assert found.sensitivity is None


class TestFamily:
    def family(self) -> tuple[ClaimComparison, ...]:
        values = ("84.76", "97.2", "90.0")
        rows = [beside(TEN, *toy(value)) for value in values]
        return settle_family([*rows, beside(TEN, *toy("97.2", split="random-clip"))])

    def test_holm_covers_the_rows_that_were_tested_and_no_other(self) -> None:
        *tested, apart = self.family()
        raw = sorted((each.p, place) for place, each in enumerate(tested) if each.p is not None)
        expected, floor = {}, 0.0
        for rank, (p, place) in enumerate(raw):
            floor = max(floor, min(1.0, (3 - rank) * p))
            expected[place] = floor
        assert [each.p_adjusted for each in tested] == pytest.approx([expected[place] for place in range(3)])
        assert apart.p is apart.p_adjusted is None
        assert apart.decision.verdict is Verdict.NOT_COMPARABLE

    def test_verdicts_follow_the_adjusted_p(self) -> None:
        claim, paper = toy("89.0")
        alone = beside(TEN, claim, paper, rules=EXACT)
        assert alone.p is not None
        assert 0.025 < alone.p < 0.05
        assert alone.decision.verdict is Verdict.LOWER
        one, two = settle_family([alone, beside(TEN, *toy("83.0"), rules=EXACT)])
        assert one.p_adjusted == pytest.approx(2 * alone.p)
        assert one.decision.verdict is Verdict.INCONCLUSIVE
        assert two.decision.verdict is Verdict.INCONCLUSIVE

    def test_equivalence_is_adjusted_too(self) -> None:
        alone = beside(TEN, *toy("84.0"), rules=WIDE)
        assert alone.p_equivalence is not None
        assert 0.025 < alone.p_equivalence < 0.05
        assert alone.decision.verdict is Verdict.CONSISTENT
        beside_another, _ = settle_family([alone, beside(TEN, *toy("97.2"), rules=WIDE)])
        assert beside_another.p_equivalence_adjusted == pytest.approx(2 * alone.p_equivalence)
        assert beside_another.decision.verdict is Verdict.INCONCLUSIVE

    def test_settling_again_changes_nothing(self) -> None:
        assert settle_family(self.family()) == self.family()
