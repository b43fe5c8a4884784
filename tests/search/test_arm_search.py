"""The search ends with the trials asked for, resumes where it stood, and equals the undisturbed one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.storages import RDBStorage
from sqlalchemy import text

from harness.errors import TrackingError, TrainingError
from harness.search.trials import FoldScore, SearchOutcome
from harness.study import SearchSection, StudySpec
from harness.training.task import stopped_after
from tests.search.blocking import search_arm


def study_of(
    trials: int,
    sampler: str = "tpe",
    pruner: str = "none",
    space: str | None = None,
    folds: str = "null",
    parallel: int = 1,
) -> StudySpec:
    space = (
        space or '{"train.lr": {"low": 0.001, "high": 0.1, "log": true}, "train.batch_size": {"low": 8, "high": 64}}'
    )
    return StudySpec.model_validate_json(
        '{"study": {"name": "a", "seed": 7}, "data": {"dataset": "esc10"},'
        f' "evaluate": {{"folds": {folds}}},'
        ' "arms": [{"name": "x", "model": "su4", "features": "LMC"}],'
        f' "search": {{"trials": {trials}, "parallel_trials": {parallel},'
        f' "sampler": "{sampler}", "pruner": "{pruner}", "startup_trials": 2,'
        f' "space": {space}}}}}'
    )


def accuracy(values: dict[str, Any], fold: int) -> float:
    """Return a smooth stand-in for a validation accuracy, best near lr = 0.02."""
    lr = values["train.lr"]
    return 0.9 - 5 * abs(lr - 0.02) - fold * 0.001


EPOCHS = 4


def fold_score(score: float, floor: tuple[float, ...]) -> FoldScore:
    """Return how a training ends that comes nearer to ``score`` with every epoch."""
    curve: list[float] = []
    for epoch in range(1, EPOCHS + 1):
        curve.append(score * epoch / EPOCHS)
        if stopped_after(curve, floor, EPOCHS):
            return FoldScore(curve[-1], tuple(curve), stopped=True)
    return FoldScore(score, tuple(curve))


Score = Callable[[dict[str, Any], int, int], float]


def run(
    spec: StudySpec,
    storage: str,
    crash_at: tuple[int, int] | None = None,
    score: Score = lambda values, fold, _: accuracy(values, fold),
) -> tuple[SearchOutcome, list[int]]:
    """Search, and return the outcome and the trials that were evaluated; ``score`` gets values, fold and trial."""
    asked: list[int] = []

    def evaluate(index: int, values: dict[str, Any], floors: Mapping[int, tuple[float, ...]]) -> dict[int, FoldScore]:
        asked.append(index)
        found = {}
        for fold, floor in floors.items():
            if crash_at == (index, fold):
                raise KeyboardInterrupt
            found[fold] = fold_score(score(values, fold, index), floor)
        return found

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


def test_the_value_of_a_trial_has_a_name_for_optuna_s_tools(storage: str) -> None:
    name = ["validation macro accuracy"]
    first, _ = run(study_of(3), storage)
    assert optuna.load_study(study_name="a/x", storage=storage).metric_names == name
    # A study of an earlier version has none.
    opened = RDBStorage(storage)
    with opened.engine.begin() as connection:
        removed = connection.execute(text("DELETE FROM study_system_attributes WHERE key = 'study:metric_names'"))
    assert removed.rowcount == 1
    assert optuna.load_study(study_name="a/x", storage=storage).metric_names is None
    again, asked = run(study_of(3), storage)
    assert (again, asked) == (first, [])
    assert optuna.load_study(study_name="a/x", storage=storage).metric_names == name


@pytest.mark.slow
@pytest.mark.parametrize("crash_at", [(0, 1), (2, 3), (4, 5)])
@pytest.mark.parametrize(("sampler", "parallel"), [("tpe", 1), ("tpe", 4), ("random", 4), ("per-fold-tpe", 4)])
def test_an_interrupted_search_equals_an_undisturbed_one(
    storage: str, tmp_path: Path, sampler: str, crash_at: tuple[int, int], parallel: int
) -> None:
    spec = study_of(6, sampler, "median", parallel=parallel)
    if sampler == "per-fold-tpe":
        # Its trials are numbered fold after fold.
        crash_at = (crash_at[0] + 6 * (crash_at[1] - 1), crash_at[1])
    with pytest.raises(KeyboardInterrupt):
        run(spec, storage, crash_at)
    resumed, asked = run(spec, storage)
    whole, _ = run(spec, f"sqlite:///{tmp_path / 'other.db'}")
    assert resumed == whole
    # Of a batch, all trials are trained again: the store has those that ended.
    assert asked[0] == crash_at[0] - crash_at[0] % 6 % parallel
    studies = optuna.get_all_study_names(storage)
    stored = [trial for name in studies for trial in optuna.load_study(study_name=name, storage=storage).get_trials()]
    assert not [trial for trial in stored if trial.state.name in ("RUNNING", "WAITING")]


def test_a_trial_that_cannot_train_counts_with_its_error(storage: str) -> None:
    spec = study_of(3)

    def evaluate(index: int, values: dict[str, Any], floors: Mapping[int, tuple[float, ...]]) -> dict[int, FoldScore]:
        if index == 1:
            raise TrainingError("the loss is not finite in epoch 2")
        return {fold: fold_score(accuracy(values, fold), floor) for fold, floor in floors.items()}

    outcome = search_arm(spec, spec.arms[0], "a/x", storage, evaluate)
    assert [trial.state for trial in outcome.trials] == ["complete", "failed", "complete"]
    assert outcome.trials[1].error == "the loss is not finite in epoch 2"


def test_a_fold_that_fails_takes_no_other_fold_with_it(storage: str) -> None:
    spec = study_of(3, "random")

    def evaluate(index: int, values: dict[str, Any], floors: Mapping[int, tuple[float, ...]]) -> dict[int, FoldScore]:
        del values
        found = {fold: fold_score(0.9 if index == 1 else 0.5, floor) for fold, floor in floors.items()}
        return found | ({1: FoldScore(error="boom")} if index == 1 else {})

    outcome = search_arm(spec, spec.arms[0], "a/x", storage, evaluate)
    assert [trial.state for trial in outcome.trials] == ["complete", "failed", "complete"]
    assert {fold: trial.index for fold, trial in outcome.chosen.items()} == {1: 0, 2: 1, 3: 1, 4: 1, 5: 1}


@pytest.mark.slow
def test_the_median_pruner_stops_hopeless_trainings_within_their_fold(storage: str) -> None:
    spec = study_of(8, "random", "median")
    outcome, _ = run(spec, storage)
    pruned = [trial for trial in outcome.trials if trial.state == "pruned"]
    assert pruned
    assert all(1 <= epoch < EPOCHS for trial in pruned for epoch in trial.stopped.values())
    assert all({*trial.scores, *trial.stopped} == {1, 2, 3, 4, 5} for trial in outcome.trials)
    assert all(len(trial.scores) == 5 for trial in outcome.trials if trial.state == "complete")


def test_a_test_fold_s_own_data_cannot_prune_what_it_may_choose_from(tmp_path: Path) -> None:
    """Fold 2 is tested where fold 1 validates: what trial 3 scores there must not take it from fold 2."""
    spec = study_of(4, "random", "median")
    for number, poisoned in enumerate((0.99, 0.01)):
        scores = {(3, fold): 0.99 for fold in spec.test_folds} | {(3, 1): poisoned}
        outcome, _ = run(
            spec,
            f"sqlite:///{tmp_path / f'{number}.db'}",
            score=lambda _, fold, index, scores=scores: scores.get((index, fold), 0.7),  # type: ignore[misc]
        )
        assert outcome.chosen[2].index == 3
    assert outcome.trials[3].stopped == {1: 1}


@pytest.mark.slow
@settings(max_examples=6, deadline=None)
@given(data=st.data())
def test_poisoning_a_fold_s_labels_changes_nothing_that_is_chosen_for_it(data: st.DataObject) -> None:
    """The labels of test fold k are seen where fold k validates (for fold k - 1) and trains (for all but k): only what
    is chosen for fold k must not move."""
    sampler = data.draw(st.sampled_from(["random", "per-fold-tpe"]))
    pruner = data.draw(st.sampled_from(["none", "median", "percentile"]))
    spec = study_of(4, sampler, pruner, folds="[1, 2, 3]")
    poisoned = data.draw(st.sampled_from(spec.test_folds))
    noise = data.draw(st.lists(st.integers(0, 99), min_size=25, max_size=25))

    def clean(values: dict[str, Any], fold: int, index: int) -> float:
        del index
        return accuracy(values, fold)

    def poison(values: dict[str, Any], fold: int, index: int) -> float:
        return accuracy(values, fold) if fold == poisoned else noise[(7 * index + fold) % 25] / 100

    before, _ = run(spec, "sqlite:///:memory:", score=clean)
    after, _ = run(spec, "sqlite:///:memory:", score=poison)
    assert after.chosen[poisoned].values == before.chosen[poisoned].values
    assert after.chosen[poisoned].scores[poisoned] == before.chosen[poisoned].scores[poisoned]


@pytest.mark.slow
def test_each_fold_s_own_tpe_has_trials_of_its_own(storage: str) -> None:
    spec = study_of(2, "per-fold-tpe")
    outcome, asked = run(spec, storage)
    assert asked == list(range(10))
    assert [list(trial.scores) for trial in outcome.trials] == [[fold] for fold in (1, 2, 3, 4, 5) for _ in range(2)]
    assert all(fold in trial.scores for fold, trial in outcome.chosen.items())
    again, asked = run(spec, storage)
    assert (again, asked) == (outcome, [])


def test_one_choice_for_all_folds_needs_trials_on_all_of_them() -> None:
    with pytest.raises(ValueError, match="per-fold-tpe sampler tries other values on each fold"):
        SearchSection.model_validate(
            {
                "trials": 1,
                "sampler": "per-fold-tpe",
                "selection": "pooled",
                "space": {"train.lr": {"low": 0.1, "high": 1.0}},
            }
        )


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
