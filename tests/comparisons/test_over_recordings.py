"""Comparisons of a hold-out data set rest on the test over its recordings and seeds, and on nothing over folds."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest

from harness.comparisons.between_arms import ArmComparisons, compare_arms
from harness.comparisons.claim_comparison import ClaimComparison
from harness.comparisons.claim_side import Basis
from harness.comparisons.over_recordings import clip_answers
from harness.comparisons.scores import score_study
from harness.comparisons.study_claims import compare_claims
from harness.record import StudyRecord
from harness.statistics.clip_tests import mcnemar
from harness.statistics.family import holm
from harness.statistics.holdout import holdout_accuracy, holdout_difference
from harness.statistics.verdict import Verdict
from tests.records import holdout_record, restudied


def comparisons(record: StudyRecord, *compare: tuple[str, str]) -> tuple[ClaimComparison, ...]:
    pairs = [{"claim": claim, "arm": arm} for claim, arm in compare or [("rooms:T1/Net", "LMCNet")]]
    record = restudied(record, compare=pairs)
    return compare_claims(record, score_study(record))


def arms_of(record: StudyRecord) -> ArmComparisons:
    return compare_arms(record, score_study(record))


def by_hand(record: StudyRecord, arm: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return right or wrong by clip and seed, labels and recordings, row by row."""
    rows = record.predictions[record.predictions["arm"] == arm].to_dict("records")
    clips = sorted({row["clip_id"]: (row["y_true"], row["recording"]) for row in rows}.items())
    right = {
        (row["clip_id"], row["seed"]): int(np.argmax([row[f"p_{k}"] for k in range(3)])) == row["y_true"]
        for row in rows
    }
    seeds = sorted({row["seed"] for row in rows})
    correct = np.array([[right[clip, seed] for seed in seeds] for clip, _ in clips])
    return correct, np.array([label for _, (label, _) in clips]), np.array([name for _, (_, name) in clips])


@pytest.fixture(scope="module")
def holdout() -> StudyRecord:
    return holdout_record(n_seeds=3)


class TestClaims:
    def test_the_test_is_over_recordings_and_seeds(self, holdout: StudyRecord) -> None:
        (found,) = comparisons(holdout)
        correct, labels, recordings = by_hand(holdout, "LMCNet")
        expected = holdout_accuracy(correct, labels, recordings, 70.0, exact=False, rounding=0.05)
        assert found.decisive == found.holdout
        assert found.holdout is not None
        assert found.holdout.sources == pytest.approx(expected.sources)
        assert (found.p, found.p_equivalence) == pytest.approx((expected.p, expected.equivalence(2.0).p))
        assert (found.holdout.n_recordings, found.holdout.n_seeds) == (60, 3)
        own = holdout_accuracy(correct, labels, recordings)
        assert (found.low, found.high) == pytest.approx((own.low, own.high))
        assert found.low < found.mean < found.high
        assert found.basis is Basis.MEASURED_SD

    def test_nothing_is_over_folds(self, holdout: StudyRecord) -> None:
        (found,) = comparisons(holdout)
        assert found.over == "recordings"
        assert found.test is found.uncorrected is found.published is found.sensitivity is found.needed is None
        assert found.seeds_needed is None
        assert found.further == {}
        assert "fold" not in found.decision.reason
        assert found.bootstrap is not None
        assert found.bootstrap.estimate == pytest.approx(found.mean)

    def test_the_verdict_says_what_it_is_over(self, holdout: StudyRecord) -> None:
        (found,) = comparisons(holdout)
        assert found.decision.verdict is Verdict.HIGHER
        what = f"LMCNet {found.mean:.1f} %, claimed 70.0 %, on the test part, over 60 recordings and 3 seeds"
        assert found.decision.reason.startswith(f"{what}, with the measured spread on both sides: ")

    def test_an_exact_claim_has_no_spread(self, holdout: StudyRecord) -> None:
        (measured,) = comparisons(holdout)
        (exact,) = comparisons(restudied(holdout, evaluate={"claim_exact": True}))
        assert exact.basis is Basis.EXACT
        assert exact.holdout is not None
        assert measured.holdout is not None
        assert exact.holdout.standard_error < measured.holdout.standard_error
        assert ", taken as exact: " in exact.decision.reason

    def test_one_seed_is_a_caveat(self) -> None:
        (found,) = comparisons(holdout_record(n_seeds=1))
        assert found.p is not None
        assert "60 recordings and one seed, " in found.decision.reason
        assert found.caveats[-1] == "one seed: the variation between trainings is not known and not covered"

    def test_they_are_one_family(self, holdout: StudyRecord) -> None:
        found = comparisons(holdout, ("rooms:T1/Net", "LMCNet"), ("rooms:T1/Net", "MCNet"), ("rooms:T2/Net", "MCNet"))
        assert [each.p is None for each in found] == [False, False, True]
        assert [each.p_adjusted for each in found] == pytest.approx(holm([each.p for each in found]))

    @pytest.mark.parametrize(
        ("arm", "claim", "estimand"),
        [("LMCNet", "rooms:T1/Net/kettle", "class"), ("TSCNN-DS", "rooms:T1/Net", "clip")],
    )
    def test_other_estimands(self, holdout: StudyRecord, arm: str, claim: str, estimand: str) -> None:
        # Classes of unequal size, so that macro and clip accuracy differ.
        fewer = holdout.predictions.query("y_true != 1 or clip_id < '1-00060'")
        record = dataclasses.replace(holdout, predictions=fewer, claims=copy.deepcopy(holdout.claims))
        if estimand == "clip":
            record.claims["rooms"]["table"][0]["estimand"] = "clip"
        (found,) = comparisons(record, (claim, arm))
        correct, labels, recordings = by_hand(record, arm)
        inside = labels == 1 if estimand == "class" else labels >= 0
        assert found.estimand == estimand
        assert found.mean == pytest.approx(100 * correct[inside].mean())
        expected = holdout_accuracy(
            correct[inside], np.zeros(inside.sum()), recordings[inside], 70.0, exact=False, rounding=found.rounding
        )
        assert found.p == pytest.approx(expected.p)

    def test_segments_are_not_tested(self, holdout: StudyRecord) -> None:
        record = dataclasses.replace(holdout, claims=copy.deepcopy(holdout.claims))
        record.claims["rooms"]["table"][0]["estimand"] = "segment"
        (found,) = comparisons(record)
        assert (found.estimand, found.p, found.decision.verdict) == ("segment", None, Verdict.INCONCLUSIVE)
        assert "segment accuracies are not tested over recordings" in found.decision.reason

    def test_an_arm_without_error_cannot_be_tested(self, holdout: StudyRecord) -> None:
        right = holdout.predictions.assign(**{f"p_{k}": (holdout.predictions["y_true"] == k) * 1.0 for k in range(3)})
        (found,) = comparisons(dataclasses.replace(holdout, predictions=right))
        assert (found.p, found.decision.verdict) == (None, Verdict.INCONCLUSIVE)
        assert "the 60 recordings show no spread" in found.decision.reason
        assert np.isnan(found.low)


class TestConditions:
    def test_a_claim_on_one_split_is_comparable(self, holdout: StudyRecord) -> None:
        (found,) = comparisons(holdout, ("rooms:T3/Net", "LMCNet"))
        assert found.differences == ()
        assert found.p is not None

    def test_a_cross_validated_claim_is_not(self, holdout: StudyRecord) -> None:
        (found,) = comparisons(holdout, ("rooms:T2/Net", "LMCNet"))
        assert found.differences == ("one test part here, cross-validation over 5 folds there",)
        assert found.decision.verdict is Verdict.NOT_COMPARABLE
        assert found.decisive is found.p is None
        assert found.low < found.mean < found.high

    def test_another_data_set_is_not(self, holdout: StudyRecord) -> None:
        record = dataclasses.replace(holdout, claims=copy.deepcopy(holdout.claims))
        record.claims["rooms"]["table"][0]["dataset"] = "halls"
        (found,) = comparisons(record)
        assert found.differences == ("data set rooms here, halls there",)


class TestArms:
    def test_pairs_are_tested_clip_by_clip(self, holdout: StudyRecord) -> None:
        for each in arms_of(holdout).contrasts:
            first, labels, recordings = by_hand(holdout, each.first)
            second, _, _ = by_hand(holdout, each.second)
            expected = holdout_difference(first, second, labels, recordings)
            assert each.holdout is not None
            assert each.holdout.sources == pytest.approx(expected.sources)
            assert (each.mean, each.p) == pytest.approx((expected.difference, expected.p))
            assert each.p_equivalence == pytest.approx(expected.equivalence(2.0).p)
            assert each.interval == pytest.approx((expected.low, expected.high))
            assert (each.test, each.unpaired, each.further, each.folds) == (None, None, {}, {})
            assert " on the test part, over 60 recordings and 3 seeds: " in each.decision.reason
            assert "fold" not in each.decision.reason

    def test_mcnemar_over_clips_and_the_bootstrap_stay(self, holdout: StudyRecord) -> None:
        for each in arms_of(holdout).contrasts:
            first, _, _ = by_hand(holdout, each.first)
            second, _, _ = by_hand(holdout, each.second)
            assert each.mcnemar == mcnemar(first[:, 0], second[:, 0])
            assert each.bootstrap is not None
            assert each.bootstrap.estimate == pytest.approx(each.mean)

    def test_they_are_one_family(self, holdout: StudyRecord) -> None:
        contrasts = arms_of(holdout).contrasts
        assert [each.p_adjusted for each in contrasts] == pytest.approx(holm([each.p for each in contrasts]))

    def test_arms_with_other_clips_are_not_compared(self, holdout: StudyRecord) -> None:
        fewer = holdout.predictions.query("arm != 'MCNet' or clip_id != '1-00003-0'")
        found = [
            each
            for each in arms_of(dataclasses.replace(holdout, predictions=fewer)).contrasts
            if "MCNet" in (each.first, each.second)
        ]
        assert found
        for each in found:
            assert (each.p, each.decision.verdict) == (None, Verdict.INCONCLUSIVE)
            assert "not tested on the same clips" in each.decision.reason

    def test_arms_that_answer_alike_leave_it_open(self, holdout: StudyRecord) -> None:
        rows = holdout.predictions.query("arm == 'LMCNet'").assign(arm="MCNet")
        alike = pd.concat([holdout.predictions.query("arm != 'MCNet'"), rows])
        found = [
            each
            for each in arms_of(dataclasses.replace(holdout, predictions=alike)).contrasts
            if {each.first, each.second} == {"LMCNet", "MCNet"}
        ]
        assert (found[0].mean, found[0].p, found[0].decision.verdict) == (0.0, None, Verdict.INCONCLUSIVE)

    def test_arms_may_have_other_numbers_of_seeds(self, holdout: StudyRecord) -> None:
        fewer = dataclasses.replace(holdout, predictions=holdout.predictions.query("arm != 'MCNet' or seed < 2"))
        pairs: dict[frozenset[str], Any] = {frozenset((c.first, c.second)): c for c in arms_of(fewer).contrasts}
        assert pairs[frozenset(("LMCNet", "MCNet"))].holdout.n_seeds == 2


def test_answers_are_by_clip_and_seed(holdout: StudyRecord) -> None:
    found = clip_answers(holdout, "MCNet")
    correct, labels, recordings = by_hand(holdout, "MCNet")
    np.testing.assert_array_equal(found.correct, correct)
    np.testing.assert_array_equal(found.labels, labels)
    assert list(found.recordings) == list(recordings)
    assert list(found.clips) == sorted(found.clips)
