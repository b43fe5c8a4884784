"""Batches of trials: what is proposed depends on the trials of earlier batches alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
import pytest

from harness.search.arm_search import ArmSearch, Proposal
from harness.search.space import distributions
from harness.search.trials import FoldScore
from harness.study import StudySpec
from tests.search.test_arm_search import accuracy, fold_score, run, study_of


def scores(trial: Proposal) -> dict[int, FoldScore]:
    return {fold: fold_score(accuracy(trial.values, fold), floor) for fold, floor in trial.floors.items()}


def batches(spec: StudySpec, storage: str) -> list[list[Proposal]]:
    (part,) = ArmSearch(spec, spec.arms[0], "a/x", storage).parts
    found: dict[int, dict[int, FoldScore]] = {}
    seen = []
    while batch := part.next_batch(found):
        seen.append(batch)
        # In the order in which they happen to end.
        found = {trial.index: scores(trial) for trial in reversed(batch)}
    return seen


def test_a_batch_learns_from_earlier_ones_only() -> None:
    seen = batches(study_of(8, "tpe", "median", parallel=3), "sqlite:///:memory:")
    assert [[trial.index for trial in batch] for batch in seen] == [[0, 1, 2], [3, 4, 5], [6, 7]]
    for batch in seen:
        assert len({str(trial.values) for trial in batch}) == len(batch)
        assert all(trial.floors == batch[0].floors for trial in batch)
    assert not any(seen[0][0].floors.values())
    assert all(seen[1][0].floors.values())
    # The first two are random; alone, the third learns from them already.
    alone = [batch[0] for batch in batches(study_of(8, "tpe", "median"), "sqlite:///:memory:")]
    assert [trial.values for trial in seen[0][:2]] == [trial.values for trial in alone[:2]]
    assert seen[0][2].values != alone[2].values


@pytest.mark.parametrize("sampler", ["tpe", "random", "grid"])
@pytest.mark.parametrize("told", [0, 1, 2])
def test_a_batch_of_which_some_trials_were_recorded_is_completed(sampler: str, told: int, tmp_path: Path) -> None:
    space = '{"train.lr": {"choices": [0.01, 0.02, 0.03]}, "train.batch_size": {"choices": [16, 32]}}'
    spec = study_of(6, sampler, "median", space if sampler == "grid" else None, parallel=3)
    whole = batches(spec, "sqlite:///:memory:")
    storage = f"sqlite:///{tmp_path / 'optuna.db'}"
    (part,) = ArmSearch(spec, spec.arms[0], "a/x", storage).parts
    first = part.next_batch({})
    (second) = part.next_batch({trial.index: scores(trial) for trial in first})
    # As if the process had been killed after some of them, with the values of another lost.
    study = optuna.load_study(study_name="a/x", storage=storage)
    for trial, stored in list(zip(second, study.trials[3:], strict=True))[:told]:
        folds = {str(fold): vars(score) for fold, score in scores(trial).items()}
        study._storage.set_trial_user_attr(stored._trial_id, "folds", folds)
        study.tell(stored.number, 0.5)
    rest = batches(spec, storage)
    assert rest == [whole[1][told:]]


def test_proposals_of_single_trials_are_those_of_earlier_versions() -> None:
    # Recorded before trials were proposed in batches.
    outcome, _ = run(study_of(6, "tpe", "median"), "sqlite:///:memory:")
    assert [(trial.values["train.lr"], trial.values["train.batch_size"]) for trial in outcome.trials] == [
        (0.0010847161851970885, 33),
        (0.006065348206541157, 14),
        (0.06197516564688329, 9),
        (0.012599211265306156, 59),
        (0.05776557940038967, 64),
        (0.014736322001286512, 61),
    ]


@pytest.mark.parametrize("left", ["running", "waiting"])
def test_a_search_that_an_earlier_version_left_interrupted_goes_on(left: str, tmp_path: Path) -> None:
    spec = study_of(4, "tpe", "median")
    whole = batches(spec, "sqlite:///:memory:")
    storage = f"sqlite:///{tmp_path / 'optuna.db'}"
    (part,) = ArmSearch(spec, spec.arms[0], "a/x", storage).parts
    first = part.next_batch({})
    values: dict[str, Any] = {"train.lr": 0.05, "train.batch_size": 40}
    study = optuna.load_study(study_name="a/x", storage=storage)
    study.tell(0, state=optuna.trial.TrialState.FAIL)
    study.enqueue_trial(values)
    if left == "running":
        study.ask(distributions(spec.search.space, spec.settings(spec.arms[0]))).set_user_attr("index", 0)
    resumed = batches(spec, storage)
    assert [trial.index for batch in resumed for trial in batch] == [0, 1, 2, 3]
    # The interrupted trial keeps its own values.
    assert resumed[0][0].values == values
    assert resumed[1][0].values == whole[1][0].values
    assert first[0].values == whole[0][0].values
