"""A study's arms against each other: which pairs, which family, and the counts behind the tests over clips."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from harness.comparisons.between_arms import MOST_ARMS, ArmComparisons, Contrast, compare_arms
from harness.comparisons.scores import score_study
from harness.record import StudyRecord
from harness.statistics.family import holm
from harness.statistics.t_tests import paired
from harness.statistics.verdict import Verdict
from harness.study import recorded_document
from tests.records import build_record, restudied

DECLARED = {"contrasts": [["MLMC", "LMCNet"], ["TSCNN-DS", "MLMC"]], "margin": 2.0}


def arms_of(record: StudyRecord) -> ArmComparisons:
    return compare_arms(record, score_study(record))


def pairs(found: ArmComparisons) -> list[tuple[str, str]]:
    return [(each.first, each.second) for each in found.contrasts]


def contrast(found: ArmComparisons, first: str, second: str) -> Contrast:
    return next(each for each in found.contrasts if (each.first, each.second) == (first, second))


def answers(record: StudyRecord, arm: str, seed: int = 0) -> dict[tuple[int, str], bool]:
    """Return right or wrong by fold and clip, counted row by row."""
    found = {}
    for row in record.predictions.to_dict("records"):
        if row["arm"] == arm and row["seed"] == seed:
            values = [row[f"p_{label}"] for label in range(len(record.classes))]
            found[row["fold"], row["clip_id"]] = values.index(max(values)) == row["y_true"]
    return found


def copied(record: StudyRecord, arm: str, copy: str) -> StudyRecord:
    """Return the record with a second arm that predicts what ``arm`` does."""
    rows = record.predictions.query(f"arm == {arm!r}").assign(arm=copy)
    arms = [*recorded_document(record.spec)["arms"], {"name": copy, "model": "su4", "features": "LM"}]
    return dataclasses.replace(restudied(record, arms=arms), predictions=pd.concat([record.predictions, rows]))


@pytest.fixture(scope="module")
def every_pair(record: StudyRecord) -> ArmComparisons:
    return arms_of(record)


def of_arms(number: int, **evaluate: object) -> StudyRecord:
    """Return a small study of ``number`` arms, the last of which fuses the first two."""
    trained = [(f"arm {index}", "su4", "LM", 1.0) for index in range(number - 1)]
    return build_record(
        trained=trained,
        fused=("both", ("arm 0", "arm 1"), "mean"),
        folds=(1, 2, 3),
        n_seeds=1,
        classes=("a", "b"),
        evaluate=evaluate,
    )


class TestManyArms:
    """With very many arms every pair would be hours of work and a table that nobody reads."""

    def test_up_to_the_limit_every_pair_is_compared(self) -> None:
        found = arms_of(of_arms(MOST_ARMS))
        assert (len(found.contrasts), found.family) == (190, "every pair")

    def test_above_it_a_fusion_and_its_streams_are(self) -> None:
        found = arms_of(of_arms(MOST_ARMS + 1))
        assert (pairs(found), found.family) == ([("both", "arm 0"), ("both", "arm 1")], "fusions")
        assert all(each.in_family for each in found.contrasts)

    def test_above_it_declared_pairs_are_the_family(self) -> None:
        declared = [["arm 3", "arm 4"], ["both", "arm 1"]]
        found = arms_of(of_arms(MOST_ARMS + 1, contrasts=declared))
        assert pairs(found) == [("arm 3", "arm 4"), ("both", "arm 1"), ("both", "arm 0")]
        assert ([each.in_family for each in found.contrasts], found.family) == ([True, True, False], "declared")


class TestPairs:
    def test_fusion_against_its_streams_comes_first(self, every_pair: ArmComparisons) -> None:
        assert pairs(every_pair) == [
            ("TSCNN-DS", "LMCNet"),
            ("TSCNN-DS", "MCNet"),
            ("TSCNN-DS", "MLMC"),
            ("LMCNet", "MCNet"),
            ("LMCNet", "MLMC"),
            ("MCNet", "MLMC"),
        ]
        assert every_pair.family == "every pair"
        assert all(each.in_family for each in every_pair.contrasts)

    def test_its_streams_come_first_where_they_are_not_the_first_arms(self) -> None:
        found = arms_of(build_record(fused=("Mean", ("MCNet", "MLMC"), "mean")))
        assert pairs(found)[:3] == [("Mean", "MCNet"), ("Mean", "MLMC"), ("Mean", "LMCNet")]

    def test_declared_pairs_keep_their_direction_and_are_the_family(self) -> None:
        found = arms_of(build_record(evaluate=DECLARED))
        assert pairs(found)[:2] == [("MLMC", "LMCNet"), ("TSCNN-DS", "MLMC")]
        assert found.family == "declared"
        assert [each.in_family for each in found.contrasts] == [True, True, False, False, False, False]
        unordered = [frozenset(pair) for pair in pairs(found)]
        assert len(set(unordered)) == len(unordered) == 6
        for each in found.contrasts[2:]:
            assert each.p is not None
            assert each.p_adjusted is each.p_equivalence_adjusted is None
            assert each.decision.verdict is Verdict.INCONCLUSIVE
            assert "not a declared pair" in each.decision.reason

    def test_a_declared_pair_without_tested_folds_is_left_out(self) -> None:
        record = build_record(evaluate=DECLARED)
        record = dataclasses.replace(record, predictions=record.predictions.query("arm != 'LMCNet'"))
        found = arms_of(record)
        assert pairs(found)[0] == ("TSCNN-DS", "MLMC")
        assert not any("LMCNet" in pair for pair in pairs(found))

    def test_one_arm_has_nobody_to_meet(self, small: StudyRecord) -> None:
        assert arms_of(small) == ArmComparisons((), "every pair", None, ())


class TestOverFolds:
    def test_differences_are_by_fold_with_seeds_averaged_first(
        self, record: StudyRecord, every_pair: ArmComparisons
    ) -> None:
        means = score_study(record).runs.groupby(["arm", "fold"])["macro_accuracy"].mean() * 100
        ratio = 1 / 3  # five folds, one of which validates
        for each in every_pair.contrasts:
            first, second = (means[arm].to_dict() for arm in (each.first, each.second))
            assert each.folds == pytest.approx({fold: first[fold] - second[fold] for fold in first})
            assert each.mean == pytest.approx(np.mean(list(each.folds.values())))
            assert each.sd == pytest.approx(np.std(list(each.folds.values()), ddof=1))
            assert each.p == pytest.approx(paired(first, second, ratio=ratio).p)

    def test_holm_covers_the_family_alone(self) -> None:
        for settings in ({"margin": 2.0}, DECLARED):
            found = arms_of(build_record(evaluate=settings)).contrasts
            family = [each for each in found if each.in_family]
            assert [each.p_adjusted for each in family] == holm([each.p for each in family])
            assert [each.p_equivalence_adjusted for each in family] == holm([each.p_equivalence for each in family])

    def test_an_arm_that_lacks_a_fold_is_refused_and_the_others_are_not(self, record: StudyRecord) -> None:
        partial = dataclasses.replace(record, predictions=record.predictions.query("arm != 'MCNet' or fold != 3"))
        found = arms_of(partial)
        refused = [each for each in found.contrasts if "MCNet" in (each.first, each.second)]
        assert len(refused) == 3
        for each in refused:
            other = each.first if each.second == "MCNet" else each.second
            assert f"fold 3 by {other} only" in each.decision.reason
            assert each.decision.verdict is Verdict.INCONCLUSIVE
            assert each.test is each.p is each.p_adjusted is each.mcnemar is each.bootstrap is None
            assert each.folds == {}
            assert np.isnan(each.mean)
        others = [each for each in found.contrasts if each not in refused]
        assert [each.p_adjusted for each in others] == holm([each.p for each in others])
        assert len(others) == 3

    def test_one_fold_has_no_test(self) -> None:
        for each in arms_of(build_record(folds=(1,))).contrasts:
            assert each.test is None
            assert "at least 2 folds, received 1" in each.decision.reason
            assert each.mean == each.folds[1]
            assert np.isnan(each.sd)

    def test_two_arms_with_the_same_predictions(self, record: StudyRecord) -> None:
        found = contrast(arms_of(copied(record, "MLMC", "Twin")), "MLMC", "Twin")
        assert found.mean == found.sd == 0
        assert found.test is found.p_adjusted is None
        assert found.further == {}
        assert found.decision.verdict is Verdict.CONSISTENT
        assert found.decision.reason.startswith("MLMC against Twin: all 5 folds are equal, so the difference is within")
        assert found.mcnemar is not None
        assert (found.mcnemar.only_first, found.mcnemar.only_second, found.mcnemar.p) == (0, 0, 1.0)
        assert found.bootstrap is not None
        assert (found.bootstrap.estimate, found.bootstrap.low, found.bootstrap.high) == (0, 0, 0)

    def test_verdicts(self) -> None:
        spread = (("Good", "su4", "LMC", 1.2), ("Bad", "su4", "MC", 0.2), ("Fair", "su4", "MLMC", 1.15))
        found = arms_of(build_record(trained=spread, fused=None, evaluate={"margin": 40.0}))
        assert contrast(found, "Good", "Bad").decision.verdict is Verdict.HIGHER
        assert contrast(found, "Bad", "Fair").decision.verdict is Verdict.LOWER
        assert contrast(found, "Good", "Fair").decision.verdict is Verdict.CONSISTENT


class TestOverClips:
    def test_mcnemar_counts_by_hand_with_the_first_seed(self, record: StudyRecord, every_pair: ArmComparisons) -> None:
        for each in every_pair.contrasts:
            first, second = answers(record, each.first), answers(record, each.second)
            assert each.mcnemar is not None
            assert each.mcnemar.only_first == sum(first[clip] and not second[clip] for clip in first)
            assert each.mcnemar.only_second == sum(second[clip] and not first[clip] for clip in first)

    def test_the_first_seed_is_the_first_that_finished(self, record: StudyRecord) -> None:
        late = dataclasses.replace(record, predictions=record.predictions.query("arm != 'MCNet' or seed == 1"))
        found = contrast(arms_of(late), "LMCNet", "MCNet").mcnemar
        first, second = answers(record, "LMCNet"), answers(record, "MCNet", seed=1)
        assert found is not None
        assert found.only_first == sum(first[clip] and not second[clip] for clip in first)

    def test_cochran_q_by_its_formula(self, record: StudyRecord, every_pair: ArmComparisons) -> None:
        assert every_pair.cochran_arms == ("LMCNet", "MCNet", "MLMC")
        table = pd.DataFrame({arm: answers(record, arm) for arm in every_pair.cochran_arms}).to_numpy(float)
        columns, rows, total = table.sum(axis=0), table.sum(axis=1), table.sum()
        statistic = 2 * (3 * (columns**2).sum() - total**2) / (3 * total - (rows**2).sum())
        assert every_pair.cochran is not None
        assert every_pair.cochran.statistic == pytest.approx(statistic)
        assert every_pair.cochran.df == 2

    def test_cochran_leaves_out_the_arm_that_lacks_a_fold_whichever_it_is(self, record: StudyRecord) -> None:
        four = copied(record, "MLMC", "Twin")
        for lacking in ("LMCNet", "Twin"):
            partial = dataclasses.replace(four, predictions=four.predictions.query(f"arm != {lacking!r} or fold != 1"))
            found = arms_of(partial)
            assert found.cochran is not None
            assert set(found.cochran_arms) == {"LMCNet", "MCNet", "MLMC", "Twin"} - {lacking}

    def test_two_arms_are_too_few_for_cochran(self, record: StudyRecord) -> None:
        partial = dataclasses.replace(record, predictions=record.predictions.query("arm != 'MLMC'"))
        assert (arms_of(partial).cochran, arms_of(partial).cochran_arms) == (None, ())

    def test_the_bootstrap_is_centred_on_the_mean_difference(self, every_pair: ArmComparisons) -> None:
        for each in every_pair.contrasts:
            assert each.bootstrap is not None
            assert each.bootstrap.estimate == pytest.approx(each.mean)
            assert each.bootstrap.low < each.mean < each.bootstrap.high


def test_the_order_of_the_store_does_not_matter(record: StudyRecord, every_pair: ArmComparisons) -> None:
    shuffled = record.predictions.sample(frac=1, random_state=11)
    assert arms_of(dataclasses.replace(record, predictions=shuffled)) == every_pair
