"""Importance: what moves the score has the large share, and silence where nothing can be said."""

from __future__ import annotations

import optuna
import pytest
from optuna.distributions import FloatDistribution

from harness.search.importance import importances

SPACE = {"train.lr": FloatDistribution(0, 1), "train.momentum": FloatDistribution(0, 1)}


def study_of(n: int, *, slope: float = 1.0) -> optuna.Study:
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=3))
    for _ in range(n):
        trial = study.ask(SPACE)
        study.tell(trial, slope * trial.params["train.lr"] + 0.01 * slope * trial.params["train.momentum"])
    return study


def test_the_hyperparameter_that_moves_the_score_comes_first() -> None:
    shares = importances(study_of(30))
    assert list(shares) == ["train.lr", "train.momentum"]
    assert shares["train.lr"] > 0.9
    assert sum(shares.values()) == pytest.approx(1)
    assert shares == importances(study_of(30))


@pytest.mark.parametrize(("n", "slope"), [(0, 1.0), (3, 1.0), (8, 0.0)])
def test_nothing_is_said_about_too_few_or_equal_trials(n: int, slope: float) -> None:
    assert importances(study_of(n, slope=slope)) == {}


def test_a_trial_that_was_stopped_has_no_say() -> None:
    study = study_of(12)
    before = importances(study)
    study.tell(study.ask(SPACE), state=optuna.trial.TrialState.PRUNED)
    assert importances(study) == before
