"""The search of one arm: ask Optuna for values, have them evaluated fold by fold, resume where it stood."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from harness.errors import HarnessError, TrackingError
from harness.masking import mask_secrets
from harness.patience import passing
from harness.search.importance import importances
from harness.search.outcome import SearchOutcome, TrialRecord, choose
from harness.search.space import distributions
from harness.search.strategies import grid_point, make_pruner, make_sampler
from harness.study import Arm, StudySpec

_NEWER = "install that one (pip install --upgrade optuna), or name another storage (search.storage)"

Report = Callable[[int, float], bool]
"""Tells a fold's validation macro accuracy, in the order of the folds; returns True when the trial should stop."""

Evaluate = Callable[[int, dict[str, Any], Report], None]
"""Trains trial ``index`` with ``values`` on all folds. A HarnessError means that it cannot be trained and counts as a
failed trial; a TrackingError that nothing can be recorded, so the search stops where it stands."""

_PATIENCE = 60.0
"""Seconds that a database may be locked or away."""


def search_arm(spec: StudySpec, arm: Arm, study_key: str, storage: str, evaluate: Evaluate) -> SearchOutcome:
    """Run the search of ``arm`` until ``spec.search.trials`` trials have ended, and choose for every test fold.

    Trials that ended in an earlier run are kept; a trial that was interrupted is run again with its own values. The
    outcome equals that of an undisturbed search. It does not depend on how many workers train the folds either: trials
    follow one another, and the scores of a trial are told in the order of its folds.

    Parameters
    ----------
    study_key
        Name of the search in the storage; it changes with anything that changes the outcome of a trial.
    storage
        URL of Optuna's storage.

    Raises
    ------
    TrackingError
        When the storage cannot be opened, read or written.
    TrainingError
        When no trial gives a score for a fold.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = _open(study_key, storage, spec)
    space = distributions(spec.search.space, spec.settings(arm))
    deadline = None
    while True:
        began = time.monotonic()
        try:
            return _search(study, spec, arm, space, evaluate)
        except (SQLAlchemyError, StorageInternalError) as error:
            now = time.monotonic()
            if deadline is None or now - began > _PATIENCE:
                deadline = now + _PATIENCE
            if not passing(error) or now > deadline:
                raise TrackingError(
                    f"search.storage = {_shown(storage)!r}: cannot record the search of arm {arm.name!r}: "
                    f"{_reason(error)}. When that is mended, the same command goes on from there"
                ) from error
        # Going on after a moment is what a new process would do, too.
        time.sleep(1)


def _search(
    study: optuna.Study, spec: StudySpec, arm: Arm, space: dict[str, BaseDistribution], evaluate: Evaluate
) -> SearchOutcome:
    _requeue_interrupted(study, set(space))
    while (ended := len(_ended(study))) < spec.search.trials:
        study.sampler = make_sampler(spec.search, spec.study.seed, arm.name, ended)
        if spec.search.sampler == "grid" and not study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
            study.enqueue_trial(grid_point(spec.search, spec.study.seed, arm.name, ended))
        trial = study.ask(space)
        trial.set_user_attr("index", ended)
        _run(study, trial, ended, len(spec.test_folds), evaluate)
    outcome = choose(arm.name, [_record(trial) for trial in _ended(study)], spec.test_folds, spec.search.selection)
    return replace(outcome, importance=importances(study))


def _run(study: optuna.Study, trial: optuna.Trial, index: int, n_folds: int, evaluate: Evaluate) -> None:
    scores: dict[str, float] = {}
    pruned = False

    def report(fold: int, accuracy: float) -> bool:
        nonlocal pruned
        scores[str(fold)] = accuracy
        trial.set_user_attr("scores", dict(scores))
        trial.report(sum(scores.values()) / len(scores), step=len(scores) - 1)
        # After the last fold nothing is left to save.
        pruned = len(scores) < n_folds and trial.should_prune()
        return pruned

    try:
        evaluate(index, dict(trial.params), report)
    except TrackingError:
        raise
    except HarnessError as error:
        trial.set_user_attr("error", mask_secrets(str(error)))
        study.tell(trial, state=TrialState.FAIL)
        return
    if pruned:
        study.tell(trial, state=TrialState.PRUNED)
    else:
        study.tell(trial, sum(scores.values()) / len(scores))


def _open(study_key: str, storage: str, spec: StudySpec) -> optuna.Study:
    _make_folder(storage)
    # A connection that the server closed meanwhile is replaced; a locked file is waited for.
    engine: dict[str, Any] = {"pool_pre_ping": True}
    if storage.startswith("sqlite:"):
        engine["connect_args"] = {"timeout": _PATIENCE}
    try:
        return optuna.create_study(
            study_name=study_key,
            storage=RDBStorage(storage, engine_kwargs=engine),
            direction="maximize",
            pruner=make_pruner(spec.search),
            load_if_exists=True,
        )
    except (SQLAlchemyError, StorageInternalError, ImportError, RuntimeError, ValueError) as error:
        raise TrackingError(
            f"search.storage = {_shown(storage)!r}: cannot open Optuna's storage: {_why(error, storage)}"
        ) from None


def _why(error: Exception, storage: str) -> str:
    text = str(error)
    if "optuna storage upgrade" in text:
        return (
            "an older Optuna made it, and nothing was changed; copy the storage, then run: "
            f"optuna storage upgrade --storage {_shown(storage)}"
        )
    if "no longer compatible" in text:
        return f"a newer Optuna made it, and nothing was changed; {_NEWER}"
    return f"{_reason(error)}. Give a SQLite URL (sqlite:///folder/optuna.db) or a PostgreSQL URL of a running server"


def _shown(storage: str) -> str:
    return make_url(storage).render_as_string(hide_password=True) if "://" in storage else storage


def _reason(error: Exception) -> str:
    cause = error.__cause__ if isinstance(error, StorageInternalError) and error.__cause__ else error
    return str(cause).splitlines()[0]


def _make_folder(storage: str) -> None:
    if storage.startswith("sqlite:///"):
        Path(storage.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)


def _requeue_interrupted(study: optuna.Study, names: set[str]) -> None:
    """Close trials that a stopped process left open, and put their values first in the queue."""
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        params = dict(trial.params)
        study.tell(trial.number, state=TrialState.FAIL)
        # A trial that had failed only lacked its state; with it, it is one that counts.
        if "error" in trial.user_attrs:
            continue
        study.set_user_attr("interrupted", study.user_attrs.get("interrupted", 0) + 1)
        # With only some of its values drawn, the sampler must draw them all: it would give the first random number to
        # the first value that is missing. It draws the same ones again, as it does where the queue was not reached.
        if set(params) == names:
            study.enqueue_trial(params)


def _ended(study: optuna.Study) -> list[FrozenTrial]:
    """Return the trials that count, by index: completed, pruned, or failed with an error of their own."""
    trials = [
        trial
        for trial in study.get_trials(deepcopy=False)
        if trial.state in (TrialState.COMPLETE, TrialState.PRUNED)
        or (trial.state == TrialState.FAIL and "error" in trial.user_attrs)
    ]
    return sorted(trials, key=lambda trial: int(trial.user_attrs["index"]))


def _record(trial: FrozenTrial) -> TrialRecord:
    states = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}
    return TrialRecord(
        index=int(trial.user_attrs["index"]),
        values=dict(trial.params),
        scores={int(fold): float(score) for fold, score in trial.user_attrs.get("scores", {}).items()},
        state=states[trial.state],
        error=str(trial.user_attrs.get("error", "")),
    )
