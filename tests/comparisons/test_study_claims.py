"""A study's arms beside the claims that it names."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest

from harness.comparisons.against_claim import ClaimComparison
from harness.comparisons.scores import score_study
from harness.comparisons.study_claims import compare_claims, library_of, rules_of
from harness.errors import ClaimsError
from harness.record import StudyRecord
from harness.statistics.family import holm
from harness.statistics.verdict import Verdict
from tests.claims.audit.papers import column_of
from tests.records import build_record, restudied, us8k_record, with_arm

ARMS = ("LMCNet", "MCNet", "MLMC", "TSCNN-DS")


def comparisons(record: StudyRecord) -> tuple[ClaimComparison, ...]:
    return compare_claims(record, score_study(record))


def only(record: StudyRecord) -> ClaimComparison:
    (found,) = comparisons(record)
    return found


def by_hand(record: StudyRecord, arm: str, score: str) -> dict[int, float]:
    """Return an arm's accuracies by fold in percent, seeds averaged, from the scores of its runs."""
    runs = score_study(record).runs
    runs = runs[runs["arm"] == arm]
    return {int(str(fold)): 100 * value for fold, value in runs.groupby("fold")[score].mean().items()}


@pytest.fixture(scope="module")
def us8k() -> StudyRecord:
    return us8k_record(n_seeds=2)


class TestEstimand:
    def test_macro_where_the_claim_states_it(self, us8k: StudyRecord) -> None:
        found = comparisons(us8k)
        assert [each.arm for each in found] == list(ARMS)
        for each in found:
            assert each.estimand == "macro"
            assert each.folds == pytest.approx(by_hand(us8k, each.arm, "macro_accuracy"))
            assert each.n_seeds == (2, 2)
            assert each.differences == ()
            assert each.ratio == pytest.approx(1 / 8)

    @pytest.mark.parametrize("arm", ["MLMC", "TSCNN-DS"])
    def test_clip(self, arm: str) -> None:
        record = us8k_record(compare=[("piczak2015cnn:US8K/CNN", arm)])
        # Classes of unequal size, so that the two accuracies differ.
        fewer = record.predictions.query("y_true != 1 or not clip_id.str.contains('-0000[6-9]-')")
        record = dataclasses.replace(record, predictions=fewer)
        found = only(record)
        assert found.estimand == "clip"
        assert found.folds == pytest.approx(by_hand(record, arm, "clip_accuracy"))
        assert found.mean != pytest.approx(np.mean(list(by_hand(record, arm, "macro_accuracy").values())), abs=1e-3)
        assert found.bootstrap is not None
        assert found.bootstrap.estimate == pytest.approx(found.mean)

    def test_macro_where_the_source_does_not_say(self) -> None:
        found = only(us8k_record(compare=[("su2019:T6/4-layer", "MLMC")]))
        assert found.estimand == "macro"
        assert "estimand not stated in the source" in found.caveats

    @pytest.fixture
    def of_segments(self) -> Any:
        def make(arm: str) -> StudyRecord:
            record = us8k_record(compare=[("salamon2017:US8K/SB-CNN", arm)])
            claims = copy.deepcopy(record.claims)
            claims["salamon2017"]["table"][0]["estimand"] = "segment"
            return dataclasses.replace(record, claims=claims)

        return make

    def test_segments_of_a_trained_arm(self, of_segments: Any) -> None:
        record = of_segments("MLMC")
        found = only(record)
        assert found.estimand == "segment"
        assert found.folds == pytest.approx(by_hand(record, "MLMC", "segment_accuracy"))
        assert found.bootstrap is None

    def test_a_fused_arm_has_no_segments_of_its_own(self, of_segments: Any) -> None:
        found = only(of_segments("TSCNN-DS"))
        assert found.estimand == "macro"
        assert found.differences == ("mean of the class accuracies here, fraction of segments there",)
        assert found.decision.verdict is Verdict.NOT_COMPARABLE

    def test_clip_claims_of_balanced_data_are_comparable(self) -> None:
        found = only(build_record(compare=[("tokozume2018:ESC-10/EnvNet", "LMCNet")]))
        assert (found.estimand, found.differences) == ("clip", ())
        assert found.p is not None


class TestReadAs:
    @pytest.mark.parametrize(
        ("claim", "said", "expected"),
        [
            ("su2019:T2/MLMC", None, "replication"),
            ("salamon2017:US8K/SB-CNN", None, "reference"),
            ("salamon2017:US8K/SB-CNN", "replication", "replication"),
            ("su2019:T2/MLMC", "reference", "reference"),
        ],
    )
    def test_the_study_says_what_a_claim_is_or_its_table_does(
        self, claim: str, said: str | None, expected: str
    ) -> None:
        record = us8k_record(compare=[(claim, "MLMC")])
        compare = {"claim": claim, "arm": "MLMC"}
        assert only(restudied(record, compare=[{**compare, "as": said}])).read_as == expected
        # Studies of earlier versions have no such key.
        assert only(restudied(record, compare=[compare])).read_as == (
            "reference" if "salamon" in claim else "replication"
        )


class TestClassClaims:
    def test_the_accuracy_of_one_class(self) -> None:
        record = us8k_record(n_seeds=2, compare=[("su2019:T2/LMCNet/gun_shot", "LMCNet")])
        found = only(record)
        rows = record.predictions.query("arm == 'LMCNet' and y_true == 6")
        right = rows.filter(regex="^p_").to_numpy().argmax(axis=1) == 6
        expected = 100 * pd.Series(right, index=rows["fold"]).groupby(level=0).mean()
        assert (found.estimand, found.claim.percent) == ("class", 88.6)
        assert found.folds == pytest.approx(expected.to_dict())
        assert found.n_seeds == (2, 2)
        assert found.differences == ()
        assert found.bootstrap is not None
        assert found.bootstrap.estimate == pytest.approx(found.mean)
        assert found.classes == {}

    def test_a_fold_that_tests_no_clip_of_the_class_is_left_out(self) -> None:
        record = us8k_record(compare=[("su2019:T2/LMCNet/gun_shot", "LMCNet")])
        record = dataclasses.replace(record, predictions=record.predictions.query("fold != 4 or y_true != 6"))
        found = only(record)
        assert sorted(found.folds) == [1, 2, 3, 5, 6, 7, 8, 9, 10]
        assert "9 folds are tested here, 10 there" in found.caveats

    def test_a_class_that_the_data_set_lacks_is_not_comparable(self) -> None:
        found = only(build_record(compare=[("su2019:T2/LMCNet/gun_shot", "LMCNet")]))
        assert found.decision.verdict is Verdict.NOT_COMPARABLE
        assert "mean of the class accuracies here, accuracy of one class there" in found.differences

    def test_claimed_beside_measured_class_accuracies(self, us8k: StudyRecord) -> None:
        scores = score_study(us8k)
        found = compare_claims(us8k, scores)[3]
        assert tuple(found.classes) == us8k.classes
        claimed, measured = found.classes["gun_shot"]
        assert claimed == 95.4
        assert measured == pytest.approx(100 * scores.class_means().loc[6, "TSCNN-DS"])
        # Classes of other names are not set beside each other.
        assert only(build_record(compare=[("su2019:T2/LMCNet", "LMCNet")])).classes == {}


class TestFamily:
    def test_an_arm_without_a_tested_fold_is_left_out(self, us8k: StudyRecord) -> None:
        record = dataclasses.replace(us8k, predictions=us8k.predictions.query("arm != 'MCNet'"))
        found = comparisons(record)
        assert [each.arm for each in found] == ["LMCNet", "MLMC", "TSCNN-DS"]
        assert [each.p_adjusted for each in found] == holm([each.p for each in found])

    def test_a_row_that_is_not_comparable_is_no_part_of_it(self) -> None:
        pairs = [
            ("su2019:T2/LMCNet", "LMCNet"),
            ("bristol2019:replication/LMCNet", "LMCNet"),
            ("su2019:T2/MLMC", "MLMC"),
        ]
        first, apart, last = comparisons(us8k_record(compare=pairs))
        assert apart.p is apart.p_adjusted is None
        assert first.p is not None
        assert last.p is not None
        assert min(first.p_adjusted or 1, last.p_adjusted or 1) == pytest.approx(min(1, 2 * min(first.p, last.p)))

    def test_nothing_declared_nothing_compared(self, record: StudyRecord) -> None:
        assert comparisons(record) == ()


class TestRecordedClaims:
    def test_they_win_over_those_that_ship(self) -> None:
        record = us8k_record(compare=[("su2019:T2/LMCNet", "LMCNet")])
        claims = copy.deepcopy(record.claims)
        column_of(claims["su2019"], "T2/LMCNet")["value"] = "95.4"
        changed = dataclasses.replace(record, claims=claims)
        assert only(changed).claim.percent == 95.4
        assert only(changed).difference == pytest.approx(only(record).difference - 0.2)

    def test_a_record_without_any_uses_those_that_ship(self) -> None:
        record = us8k_record(compare=[("su2019:T2/LMCNet", "LMCNet")])
        assert only(dataclasses.replace(record, claims={})).claim.percent == 95.2
        assert list(library_of(record).papers) == ["su2019"]
        assert "tokozume2018" in library_of(dataclasses.replace(record, claims={})).papers

    def test_a_recorded_paper_that_cannot_be_read_names_its_run(self, us8k: StudyRecord) -> None:
        claims = {"su2019": us8k.claims["su2019"] | {"surprise": 1}}
        with pytest.raises(ClaimsError, match=f"claims recorded in run {us8k.run_id}, su2019: 1 fault"):
            comparisons(dataclasses.replace(us8k, claims=claims))

    def test_a_claim_that_nobody_made(self) -> None:
        with pytest.raises(ClaimsError, match=r"no column 'LMCNott'.*did you mean 'LMCNet'"):
            comparisons(us8k_record(compare=[("su2019:T2/LMCNott", "LMCNet")]))


def test_the_bootstrap_is_over_recordings_and_centred_on_the_mean_over_folds(us8k: StudyRecord) -> None:
    for each in comparisons(us8k):
        assert each.bootstrap is not None
        assert each.bootstrap.estimate == pytest.approx(each.mean)
        assert each.bootstrap.low < each.mean < each.bootstrap.high
        assert each.bootstrap.n_groups == us8k.predictions["recording"].nunique()
        assert each.bootstrap.confidence == 0.95


def test_the_bootstrap_weighs_folds_alike_however_large() -> None:
    record = us8k_record(compare=[("su2019:T2/LMCNet", "LMCNet")])
    fewer = record.predictions.query("fold > 5 or not clip_id.str.contains('-000[0-9][13579]-')")
    found = only(dataclasses.replace(record, predictions=fewer))
    assert found.bootstrap is not None
    assert found.bootstrap.estimate == pytest.approx(found.mean)
    # Clips counted as one heap would give another number.
    rows = fewer.query("arm == 'LMCNet'")
    right = pd.Series(rows.filter(regex="^p_").to_numpy().argmax(axis=1) == rows["y_true"].to_numpy(), index=rows.index)
    assert found.mean != pytest.approx(100 * right.groupby(rows["y_true"]).mean().mean(), abs=0.01)


def test_one_recording_has_no_bootstrap() -> None:
    record = us8k_record(compare=[("su2019:T2/LMCNet", "LMCNet")])
    assert only(dataclasses.replace(record, predictions=record.predictions.assign(recording="r"))).bootstrap is None


def test_margin_and_confidence_are_those_declared() -> None:
    record = us8k_record(evaluate={"margin": 30.0, "confidence": 0.9}, compare=[("su2019:T2/LMCNet", "LMCNet")])
    found = only(record)
    assert (rules_of(record.spec).margin, rules_of(record.spec).alpha) == (30.0, pytest.approx(0.1))
    assert found.test is not None
    assert (found.margin, found.confidence, found.test.confidence) == (30.0, 0.9, 0.9)
    assert found.decision.verdict is Verdict.CONSISTENT


def test_an_arm_tuned_on_the_reported_folds_is_marked_where_its_neighbour_is_not() -> None:
    record = us8k_record(trials=2, compare=[("su2019:T2/LMCNet", "LMCNet"), ("su2019:T2/MLMC", "MLMC")])
    record = restudied(with_arm(record, "MLMC", search=False), search={"selection": "pooled"})
    tuned, left = comparisons(record)
    optimistic = "hyperparameters were chosen on the reported folds here, so the measured accuracy is optimistic"
    assert optimistic in tuned.caveats
    assert optimistic not in left.caveats
