"""Which trial a fold takes, and that a fold's test part has no say in it."""

from __future__ import annotations

import json
import math

import pytest

from harness.errors import TrainingError
from harness.search.trials import SearchOutcome, TrialRecord, choose


def trial(
    index: int, scores: dict[int, float], stopped: dict[int, int] | None = None, errors: dict[int, str] | None = None
) -> TrialRecord:
    return TrialRecord(index, {"train.lr": 0.1 * (index + 1)}, scores, stopped or {}, errors or {})


TRIALS = [
    trial(0, {1: 0.5, 2: 0.9, 3: 0.6}),
    trial(1, {1: 0.8, 2: 0.1, 3: 0.6}),
    trial(2, {1: 0.7, 3: 0.8}, {2: 4}),
    trial(3, {}, errors=dict.fromkeys((1, 2, 3), "the loss is not finite")),
]


def test_how_a_trial_ended() -> None:
    assert [each.state for each in TRIALS] == ["complete", "complete", "pruned", "failed"]
    assert [each.error for each in TRIALS] == ["", "", "", "the loss is not finite"]


def test_per_fold_takes_the_best_on_each_own_validation_part() -> None:
    chosen = choose("x", TRIALS, (1, 2, 3), "per-fold").chosen
    assert {fold: record.index for fold, record in chosen.items()} == {1: 1, 2: 0, 3: 2}


def test_a_fold_s_choice_ignores_the_other_folds() -> None:
    moved = [trial(0, {1: 0.5, 2: 0.0, 3: 0.0}), trial(1, {1: 0.4, 2: 1.0, 3: 1.0})]
    assert choose("x", moved, (1,), "per-fold").chosen[1].index == 0


def test_what_becomes_of_a_trial_in_another_fold_does_not_matter() -> None:
    for other in (trial(1, {2: 0.99}, {1: 2}), trial(1, {2: 0.99}, errors={1: "boom"})):
        assert choose("x", [TRIALS[0], other], (1, 2), "per-fold").chosen[2].index == 1


def test_pooled_takes_one_completed_trial_by_its_mean() -> None:
    chosen = choose("x", TRIALS, (1, 2, 3), "pooled").chosen
    assert {record.index for record in chosen.values()} == {0}


def test_ties_go_to_the_earlier_trial() -> None:
    tied = [trial(0, {1: 0.5}), trial(1, {1: 0.5})]
    assert choose("x", tied, (1,), "per-fold").chosen[1].index == 0


def test_without_any_score_the_errors_are_told() -> None:
    with pytest.raises(TrainingError, match=r"arm 'x': none of 1 trials .* fold 2; errors: the loss is not finite"):
        choose("x", [TRIALS[3]], (2,), "per-fold")


def test_the_mean_of_no_scores_is_nan() -> None:
    assert math.isnan(TRIALS[3].mean)


def test_the_record_of_a_search_has_every_trial_and_the_choice() -> None:
    trials = [
        trial(0, {1: 0.5, 2: 0.75}),
        trial(1, {1: math.nan}, errors={2: "lost postgresql://u:secret@h/d"}),
    ]
    outcome = SearchOutcome("A", tuple(trials), {2: trials[0], 1: trials[0]}, {"train.lr": 1.0})
    content = json.loads(json.dumps(outcome.document, allow_nan=False))
    assert content["arm"] == "A"
    assert content["chosen"] == {"1": 0, "2": 0}
    assert content["trials"][0] == {
        "trial": 0,
        "state": "complete",
        "values": {"train.lr": 0.1},
        "validation_macro_accuracy": {"1": 0.5, "2": 0.75},
        "stopped": {},
        "error": "",
    }
    assert content["trials"][1]["validation_macro_accuracy"] == {"1": None}
    assert content["trials"][1]["error"] == "lost postgresql://u:***@h/d"
    assert content["importance"] == {"train.lr": 1.0}
