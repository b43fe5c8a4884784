"""Which trial a fold takes, and that a fold's test part has no say in it."""

from __future__ import annotations

import math

import pytest

from harness.errors import TrainingError
from harness.search import TrialRecord, choose


def trial(index: int, scores: dict[int, float], state: str = "complete", error: str = "") -> TrialRecord:
    return TrialRecord(index, {"train.lr": 0.1 * (index + 1)}, scores, state, error)


TRIALS = [
    trial(0, {1: 0.5, 2: 0.9, 3: 0.6}),
    trial(1, {1: 0.8, 2: 0.1, 3: 0.6}),
    trial(2, {1: 0.7, 2: 0.8}, "pruned"),
    trial(3, {}, "failed", "the loss is not finite"),
]


def test_per_fold_takes_the_best_on_each_own_validation_part() -> None:
    chosen = choose("x", TRIALS, (1, 2, 3), "per-fold").chosen
    assert {fold: record.index for fold, record in chosen.items()} == {1: 1, 2: 0, 3: 0}


def test_a_fold_s_choice_ignores_the_other_folds() -> None:
    moved = [trial(0, {1: 0.5, 2: 0.0, 3: 0.0}), trial(1, {1: 0.4, 2: 1.0, 3: 1.0})]
    assert choose("x", moved, (1,), "per-fold").chosen[1].index == 0


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
