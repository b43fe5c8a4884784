"""What makes two accuracies not comparable, and what is only told beside the verdict."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from harness.claims import Claim
from harness.comparisons.conditions import Conditions, compared, conditions_of
from tests.claims.audit.papers import claim_of, column, paper
from tests.records import build_record, restudied, us8k_record, with_arm

# All that can be stated, stated alike on both sides.
HERE = Conditions("urbansound8k", 10, False, "official", "fixed", "validation", "macro")
THERE = {
    "dataset": "urbansound8k",
    "folds": 10,
    "split": "official",
    "epoch_rule": "fixed",
    "tuning": "validation",
    "estimand": "macro",
}
BALANCED: dict[str, Any] = {"dataset": "esc10"}


def claimed(**stated: Any) -> Claim:
    return claim_of(paper(column("A"), **{**THERE, **stated}), "T/A")


def outcome(here: dict[str, Any], there: dict[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return compared(dataclasses.replace(HERE, **here), claimed(**there))


def test_identical_conditions_have_neither_a_difference_nor_a_caveat() -> None:
    assert outcome({}, {}) == ((), ())


@pytest.mark.parametrize(
    ("here", "there", "said"),
    [
        ({}, BALANCED | {"folds": 5}, "data set urbansound8k here, esc10 there"),
        (
            {"data_folds": 3, "validation_apart": True},
            {},
            "training uses 1 fold here (3 of 10 folds of the data), up to 9 there",
        ),
        (
            {"data_folds": 5},
            {},
            "training uses 4 folds here (5 of 10 folds of the data), up to 9 there",
        ),
        (
            {"data_folds": 5},
            {"training_folds": 8},
            "training uses 4 folds here (5 of 10 folds of the data), 8 there",
        ),
        ({}, {"split": "random-clip"}, "official split here, random-clip there"),
        ({"split": "random-segment"}, {}, "random-segment split here, official there"),
        ({}, {"split": "one split", "folds": 1}, "cross-validation here, one split of the source's own there"),
        ({}, {"estimand": "clip"}, "mean of the class accuracies here, fraction of clips there"),
        ({"estimand": "segment"}, {}, "fraction of segments here, mean of the class accuracies there"),
        ({"estimand": "segment"}, {"estimand": "clip"}, "fraction of segments here, fraction of clips there"),
        ({}, {"epoch_rule": "best-on-test"}, "the test fold chose the epoch there only"),
        ({"epoch_rule": "best-on-test"}, {}, "the test fold chose the epoch here only"),
        ({}, {"tuning": "reported folds"}, "hyperparameters were chosen on the reported folds there only"),
        ({"tuning": "reported folds"}, {}, "hyperparameters were chosen on the reported folds here only"),
    ],
)
def test_each_difference(here: dict[str, Any], there: dict[str, Any], said: str) -> None:
    assert outcome(here, there)[0] == (said,)


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ({"validation_apart": True}, {}),
        ({"epoch_rule": "best-on-validation"}, {}),
        ({"tuning": "none"}, {}),
        ({"tuning": "none"}, {"tuning": "none"}),
        # A source whose trainings learnt from no more folds than ours.
        ({"data_folds": 9}, {"training_folds": 8}),
        # A source that had no more of the data set than we.
        ({"data_folds": 5}, {"folds": 5}),
    ],
)
def test_what_does_not_favour_a_side_is_no_difference(here: dict[str, Any], there: dict[str, Any]) -> None:
    assert outcome(here, there) == ((), ())


@pytest.mark.parametrize(
    ("field", "name"),
    [("split", "split"), ("estimand", "estimand"), ("epoch_rule", "epoch rule"), ("tuning", "tuning")],
)
@pytest.mark.parametrize(
    ("sides", "said"),
    [(("here",), "here"), (("there",), "in the source"), (("here", "there"), "here or in the source")],
)
def test_what_is_not_stated_is_told_and_is_no_difference(
    field: str, name: str, sides: tuple[str, ...], said: str
) -> None:
    unstated = {field: "not stated"}
    here, there = ({} if side not in sides else unstated for side in ("here", "there"))
    assert outcome(here, there) == ((), (f"{name} not stated {said}",))


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({"epoch_rule": "best-on-test"}, "the test fold chose the epoch here"),
        ({"tuning": "reported folds"}, "hyperparameters were chosen on the reported folds here"),
    ],
)
def test_peeking_on_both_sides_is_comparable_and_still_told(stated: dict[str, Any], said: str) -> None:
    assert outcome(stated, stated) == ((), (f"{said}, so the measured accuracy is optimistic",))


_PART: dict[str, Any] = {"split": "train-test-split", "holdout": True, "own_part": True}
_OPTIONS = {"fraction": 0.2, "seed": 42, "stratified": False}


@pytest.mark.parametrize(
    ("there", "differences", "caveats"),
    [
        (_OPTIONS, (), ()),
        (
            _OPTIONS | {"fraction": 0.5},
            ("train-test-split split with fraction = 0.2 here, 0.5 there",),
            (),
        ),
        (
            _OPTIONS | {"stratified": True, "seed": 7},
            ("train-test-split split with stratified = false here, true there",),
            ("other draw of the train-test-split split: seed = 42 here, 7 there",),
        ),
        ({"fraction": 0.2}, (), ("seed, stratified of the split not stated in the source",)),
        ({}, (), ("fraction, seed, stratified of the split not stated in the source",)),
    ],
)
def test_options_of_a_split_are_part_of_the_protocol(
    there: dict[str, Any], differences: tuple[str, ...], caveats: tuple[str, ...]
) -> None:
    source = {"split": "train-test-split", "folds": 1, "split_options": there}
    assert outcome(_PART | {"split_options": _OPTIONS}, source) == (differences, caveats)


def test_options_that_are_not_known_here_are_told() -> None:
    said = "fraction, seed, stratified of the split not stated here"
    assert outcome(_PART, {"split": "train-test-split", "folds": 1, "split_options": _OPTIONS}) == ((), (said,))


@pytest.mark.parametrize(("here", "there"), [("macro", "clip"), ("clip", "macro")])
def test_clip_and_macro_accuracy_are_one_number_where_classes_are_of_equal_size(here: str, there: str) -> None:
    balanced = {"dataset": "esc50", "data_folds": 5, "estimand": here}
    assert outcome(balanced, {"dataset": "esc50", "folds": 5, "estimand": there}) == ((), ())
    differs = outcome({"estimand": here}, {"estimand": there})[0]
    assert len(differs) == 1


@pytest.mark.parametrize(("folds", "apart", "ratio"), [(10, False, 1 / 9), (10, True, 1 / 8), (3, True, 1.0)])
def test_a_fold_kept_for_validation_is_not_trained_on(folds: int, apart: bool, ratio: float) -> None:
    conditions = Conditions("urbansound8k", folds, apart)
    assert conditions.ratio == pytest.approx(ratio)


class TestOfAStudy:
    def test_the_whole_data_set_untuned(self) -> None:
        assert conditions_of(us8k_record()) == Conditions("urbansound8k", 10, True, "official", "fixed", "not stated")

    def test_the_folds_that_take_part_count_not_those_tested(self) -> None:
        record = us8k_record(folds=(1, 2, 10), evaluate={"folds": [1]})
        assert conditions_of(record).data_folds == 3
        assert conditions_of(record).ratio == 1

    def test_options_are_those_of_the_study_with_what_it_does_not_say(self) -> None:
        record = build_record(protocol={"split": "every-nth-row", "n": 5})
        assert conditions_of(record).split_options == {"n": 5, "remainder": 0}
        assert conditions_of(build_record()).split_options == {}

    @pytest.mark.parametrize(("final_train", "ratio"), [("train", 1 / 3), ("train+validation", 1 / 4)])
    def test_a_final_training_on_the_validation_fold_too(self, final_train: str, ratio: float) -> None:
        record = build_record(protocol={"split": "official", "epoch_rule": "fixed", "final_train": final_train})
        assert conditions_of(record).ratio == pytest.approx(ratio)

    @pytest.mark.parametrize(("selection", "tuning"), [("per-fold", "validation"), ("pooled", "reported folds")])
    def test_an_arm_that_the_search_leaves_alone_is_not_tuned(self, selection: str, tuning: str) -> None:
        record = restudied(with_arm(build_record(trials=2), "MLMC", search=False), search={"selection": selection})
        said = {arm: conditions_of(record, arm).tuning for arm in ("LMCNet", "MCNet", "MLMC", "TSCNN-DS")}
        assert said == {"LMCNet": tuning, "MCNet": tuning, "MLMC": "not stated", "TSCNN-DS": tuning}
        assert conditions_of(record).tuning == tuning
        for stream in ("LMCNet", "MCNet"):
            record = with_arm(record, stream, search=False)
        assert conditions_of(record, "TSCNN-DS").tuning == "not stated"

    @pytest.mark.parametrize(
        ("declared", "searched", "tuning"),
        [
            ("none", False, "none"),
            ("none", True, "validation"),
            ("other data", False, "other data"),
            ("other data", True, "validation"),
            ("validation folds", False, "validation"),
            ("reported folds", False, "reported folds"),
            ("reported folds", True, "reported folds"),
        ],
    )
    def test_values_that_were_tuned_elsewhere_count_with_the_search(
        self, declared: str, searched: bool, tuning: str
    ) -> None:
        record = restudied(build_record(trials=2 if searched else 0), train={"tuned_on": declared})
        assert {conditions_of(record, arm).tuning for arm in ("LMCNet", "TSCNN-DS")} == {tuning}

    def test_an_arm_declares_for_itself_and_a_fusion_is_as_its_stream_that_saw_most(self) -> None:
        own = {"train.tuned_on": "reported folds", "train.tuned_by": "hand"}
        record = with_arm(restudied(build_record(), train={"tuned_on": "none"}), "MCNet", set=own)
        said = {arm: conditions_of(record, arm).tuning for arm in ("LMCNet", "MCNet", "TSCNN-DS")}
        assert said == {"LMCNet": "none", "MCNet": "reported folds", "TSCNN-DS": "reported folds"}
        assert record.tuned("TSCNN-DS") == ("reported folds", "hand")
