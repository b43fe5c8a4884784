"""The search ends with the trials asked for, resumes where it stood, and equals the undisturbed one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
import pytest

from harness.errors import TrackingError, TrainingError
from harness.search import Report, SearchOutcome, search_arm
from harness.study import StudySpec


def study_of(trials: int, sampler: str = "tpe", pruner: str = "none", space: str | None = None) -> StudySpec:
    space = (
        space or '{"train.lr": {"low": 0.001, "high": 0.1, "log": true}, "train.batch_size": {"low": 8, "high": 64}}'
    )
    return StudySpec.model_validate_json(
        '{"study": {"name": "a", "seed": 7}, "data": {"dataset": "esc10"},'
        ' "arms": [{"name": "x", "model": "su4", "features": "LMC"}],'
        f' "search": {{"trials": {trials}, "sampler": "{sampler}", "pruner": "{pruner}", "startup_trials": 2,'
        f' "space": {space}}}}}'
    )


def accuracy(values: dict[str, Any], fold: int) -> float:
    """Return a smooth stand-in for a validation accuracy, best near lr = 0.02."""
    lr = values["train.lr"]
    return 0.9 - 5 * abs(lr - 0.02) - fold * 0.001


def run(spec: StudySpec, storage: str, crash_at: tuple[int, int] | None = None) -> tuple[SearchOutcome, list[int]]:
    asked: list[int] = []

    def evaluate(index: int, values: dict[str, Any], report: Report) -> None:
        asked.append(index)
        for fold in spec.test_folds:
            if crash_at == (index, fold):
                raise KeyboardInterrupt
            if report(fold, accuracy(values, fold)):
                return

    return search_arm(spec, spec.arms[0], "a/x", storage, evaluate), asked


@pytest.fixture
def storage(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'below' / 'optuna.db'}"


def test_ends_with_the_trials_asked_for(storage: str) -> None:
    outcome, asked = run(study_of(5), storage)
    assert [trial.index for trial in outcome.trials] == asked == [0, 1, 2, 3, 4]
    assert set(outcome.chosen) == {1, 2, 3, 4, 5}
    assert len({trial.values["train.lr"] for trial in outcome.trials}) == 5


def test_a_second_call_trains_nothing_and_says_the_same(storage: str) -> None:
    first, _ = run(study_of(4), storage)
    second, asked = run(study_of(4), storage)
    assert asked == []
    assert second == first


def test_more_trials_go_on_from_where_it_stood(storage: str, tmp_path: Path) -> None:
    run(study_of(3), storage)
    longer, asked = run(study_of(6), storage)
    whole, _ = run(study_of(6), f"sqlite:///{tmp_path / 'other.db'}")
    assert asked == [3, 4, 5]
    assert longer == whole


@pytest.mark.parametrize("crash_at", [(0, 1), (2, 3), (4, 5)])
@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_an_interrupted_search_equals_an_undisturbed_one(
    storage: str, tmp_path: Path, sampler: str, crash_at: tuple[int, int]
) -> None:
    spec = study_of(6, sampler)
    with pytest.raises(KeyboardInterrupt):
        run(spec, storage, crash_at)
    resumed, asked = run(spec, storage)
    whole, _ = run(spec, f"sqlite:///{tmp_path / 'other.db'}")
    assert resumed == whole
    assert asked[0] == crash_at[0]
    stored = optuna.load_study(study_name="a/x", storage=storage).get_trials()
    assert not [trial for trial in stored if trial.state.name in ("RUNNING", "WAITING")]


def test_a_trial_that_cannot_train_counts_with_its_error(storage: str) -> None:
    spec = study_of(3)

    def evaluate(index: int, values: dict[str, Any], report: Report) -> None:
        if index == 1:
            raise TrainingError("the loss is not finite in epoch 2")
        for fold in spec.test_folds:
            report(fold, accuracy(values, fold))

    outcome = search_arm(spec, spec.arms[0], "a/x", storage, evaluate)
    assert [trial.state for trial in outcome.trials] == ["complete", "failed", "complete"]
    assert outcome.trials[1].error == "the loss is not finite in epoch 2"


def test_the_median_pruner_stops_hopeless_trials_after_a_fold(storage: str) -> None:
    spec = study_of(8, "random", "median")
    outcome, _ = run(spec, storage)
    pruned = [trial for trial in outcome.trials if trial.state == "pruned"]
    assert pruned
    assert all(len(trial.scores) < 5 for trial in pruned)
    assert all(len(trial.scores) == 5 for trial in outcome.trials if trial.state == "complete")


def test_the_grid_visits_every_point_once(storage: str) -> None:
    space = '{"train.lr": {"choices": [0.01, 0.02, 0.03]}, "train.batch_size": {"choices": [16, 32]}}'
    spec = study_of(6, "grid", space=space)
    with pytest.raises(KeyboardInterrupt):
        run(spec, storage, (3, 2))
    outcome, _ = run(spec, storage)
    points = {(trial.values["train.lr"], trial.values["train.batch_size"]) for trial in outcome.trials}
    assert len(points) == 6
    assert outcome.chosen[1].values["train.lr"] == 0.02


def test_a_storage_that_cannot_be_opened_is_one_clear_message(tmp_path: Path) -> None:
    broken = tmp_path / "broken.db"
    broken.write_text("not a database, but long enough to be taken for a damaged one" * 20, encoding="utf-8")
    with pytest.raises(TrackingError, match=r"search\.storage = .*broken\.db.*cannot open"):
        run(study_of(2), f"sqlite:///{broken}")


def test_a_password_is_not_told(tmp_path: Path) -> None:
    with pytest.raises(TrackingError) as caught:
        run(study_of(2), f"nosuchdatabase://user:hunter2@127.0.0.1/{tmp_path.name}")
    assert "hunter2" not in str(caught.value)
