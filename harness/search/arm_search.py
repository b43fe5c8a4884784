"""The search of one arm: ask Optuna for values, evaluate them fold by fold, resume after an interruption."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from harness.choices import Sampler
from harness.errors import HarnessError, TrackingError
from harness.search.importance import importances
from harness.search.pruning import floor_of
from harness.search.space import distributions
from harness.search.strategies import grid_point, make_sampler
from harness.search.trials import FoldScore, SearchOutcome, TrialRecord, choose
from harness.study import Arm, StudySpec
from harness.system.accounts import make_private_file
from harness.system.redaction import mask_address, mask_secrets
from harness.system.retry import SECONDS, retry
from harness.system.servers import server_fault
from harness.system.sqlite_uri import is_sqlite, split_sqlite_uri, sqlalchemy_uri

_NEWER = "upgrade Optuna (pip install --upgrade optuna), or choose another storage (search.storage)"

Floors = Mapping[int, tuple[float, ...]]
"""By fold, the validation macro accuracy by epoch below which its training is stopped (empty: never)."""

Evaluate = Callable[[int, dict[str, Any], Floors], Mapping[int, FoldScore]]
"""Trains trial ``index`` with ``values`` on the folds of the floors, and returns how each ended. A HarnessError means
that no fold can be trained; a TrackingError that nothing can be recorded, so the search stops."""


def search_arm(spec: StudySpec, arm: Arm, study_key: str, storage: str, evaluate: Evaluate) -> SearchOutcome:
    """Run the search of ``arm`` until its trials have ended, and choose one for every test fold.

    One Optuna study proposes the values of ``search.trials`` trials for all folds. With the ``per-fold-tpe`` sampler
    each fold has its own study and ``search.trials`` trials, whose proposals depend on its own validation part alone;
    trials are then numbered fold after fold.

    Trials that ended in an earlier run are kept; an interrupted trial is run again with its own values. The outcome
    equals that of an uninterrupted search. It does not depend on the number of workers that train the folds: trials run
    one after another, and each fold is judged by its own earlier trials.

    Parameters
    ----------
    spec : StudySpec
        The study.
    arm : Arm
        The arm to search.
    study_key : str
        Name of the search in the storage; it changes with anything that changes the outcome of a trial.
    storage : str
        URL of Optuna's storage.
    evaluate : callable
        Trains one trial on its folds and returns how each ended; see :data:`Evaluate`.

    Raises
    ------
    TrackingError
        When the storage cannot be opened, read or written.
    TrainingError
        When no trial gives a score for a fold.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    parts = [(study_key, spec.test_folds)]
    if spec.search.sampler == Sampler.PER_FOLD_TPE:
        parts = [(f"{study_key}/fold{fold}", (fold,)) for fold in spec.test_folds]
    trials: list[TrialRecord] = []
    shares: list[dict[str, float]] = []
    for key, folds in parts:
        study = _open(key, storage)
        trials += _patient(study, spec, arm, folds, len(trials), storage, evaluate)
        shares.append(importances(study))
    outcome = choose(arm.name, trials, spec.test_folds, spec.search.selection)
    return replace(outcome, importance=_mean_shares(shares))


def _patient(
    study: optuna.Study,
    spec: StudySpec,
    arm: Arm,
    folds: Sequence[int],
    first: int,
    storage: str,
    evaluate: Evaluate,
) -> list[TrialRecord]:
    """Run the trials of one Optuna study, retrying while its storage does not respond."""
    space = distributions(spec.search.space, spec.settings(arm))
    errors = (SQLAlchemyError, StorageInternalError)
    try:
        # Each call continues with the trials that are still to run, as a new process would.
        trials: list[TrialRecord] = retry(
            _search, study, spec, arm, space, folds, first, evaluate, anew=2 * SECONDS, errors=errors
        )
    except errors as error:
        why = _reason(error)
        raise TrackingError(
            f"search.storage = {_shown(storage)!r}: cannot record the search of arm {arm.name!r}: {why}{_advice(why)}. "
            "After fixing this, run the same command to resume"
        ) from error
    return trials


def _search(
    study: optuna.Study,
    spec: StudySpec,
    arm: Arm,
    space: dict[str, BaseDistribution],
    folds: Sequence[int],
    first: int,
    evaluate: Evaluate,
) -> list[TrialRecord]:
    """Return the trials of ``study``, numbered from ``first``, after running those that are missing on ``folds``."""
    _requeue_interrupted(study, set(space))
    while (ended := len(earlier := _ended(study))) < spec.search.trials:
        study.sampler = make_sampler(spec.search, spec.study.seed, arm.name, ended)
        if spec.search.sampler == Sampler.GRID and not study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
            study.enqueue_trial(grid_point(spec.search, spec.study.seed, arm.name, ended))
        floors = {fold: floor_of(spec.search, _curves(earlier, fold)) for fold in folds}
        trial = study.ask(space)
        trial.set_user_attr("index", first + ended)
        _run(study, trial, first + ended, floors, evaluate)
    return [_record(trial) for trial in earlier]


def _run(study: optuna.Study, trial: optuna.Trial, index: int, floors: Floors, evaluate: Evaluate) -> None:
    try:
        found = evaluate(index, dict(trial.params), floors)
    except TrackingError:
        raise
    except HarnessError as error:
        found = {fold: FoldScore(error=str(error)) for fold in floors}
    kept = {str(fold): asdict(each) | {"error": mask_secrets(each.error)} for fold, each in found.items()}
    trial.set_user_attr("folds", kept)
    if all(each.error for each in found.values()):
        trial.set_user_attr("error", True)
        study.tell(trial, state=TrialState.FAIL)
        return
    study.tell(trial, sum(_value(each) for each in found.values()) / len(found))


def _value(fold: FoldScore) -> float:
    """Return a fold's contribution to a trial's value: its score, its best score when it was stopped, or 0 where the
    training failed."""
    return 0.0 if fold.error else max(fold.curve) if fold.stopped else fold.score


def _curves(earlier: Sequence[FrozenTrial], fold: int) -> list[tuple[float, ...]]:
    """Return the validation curves of the fold's ``earlier`` trainings that ran to their end."""
    scores = (_folds(trial).get(fold) for trial in earlier)
    return [each.curve for each in scores if each is not None and each.curve and not (each.stopped or each.error)]


def _mean_shares(shares: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean share of each hyperparameter over the studies with an estimate, largest first."""
    telling = [each for each in shares if each]
    names = dict.fromkeys(name for each in telling for name in each)
    means = {name: sum(each.get(name, 0.0) for each in telling) / len(telling) for name in names}
    return dict(sorted(means.items(), key=lambda pair: -pair[1]))


def _open(study_key: str, storage: str) -> optuna.Study:
    if fault := "" if is_sqlite(storage) else server_fault(storage):
        raise TrackingError(f"search.storage = {_shown(storage)!r}: {fault}")
    # Reconnects after the server has closed a connection, and waits for a locked file.
    engine: dict[str, Any] = {"pool_pre_ping": True}
    if is_sqlite(storage):
        engine["connect_args"] = {"timeout": SECONDS}
    try:
        _make_file(storage)
        return optuna.create_study(
            study_name=study_key,
            storage=RDBStorage(sqlalchemy_uri(storage), engine_kwargs=engine),
            direction="maximize",
            load_if_exists=True,
        )
    except (SQLAlchemyError, StorageInternalError, ImportError, RuntimeError, ValueError, OSError) as error:
        raise TrackingError(
            f"search.storage = {_shown(storage)!r}: cannot open Optuna's storage: {_why(error, storage)}"
        ) from None


def _why(error: Exception, storage: str) -> str:
    text = str(error)
    if "optuna storage upgrade" in text:
        return (
            "it was created by an older Optuna, and nothing was changed; make a copy of the storage, then run: optuna "
            f"storage upgrade --storage {shlex.quote(sqlalchemy_uri(_shown(storage)))}"
        )
    if "no longer compatible" in text:
        return f"it was created by a newer Optuna, and nothing was changed; {_NEWER}"
    if advice := _advice(_reason(error)):
        return f"{_reason(error)}{advice}, then run the same command again"
    return f"{_reason(error)}. Use a SQLite URL (sqlite:///folder/optuna.db) or the PostgreSQL URL of a running server"


def _advice(text: str) -> str:
    """Return advice for the database error ``text``, empty where there is none."""
    if "disk is full" in text or "No space left" in text:
        return "; free some space there"
    # SQLite reports a file size limit (ulimit -f) in the same way.
    if "disk I/O error" in text:
        return "; free some space there, and check the disk and the file size limit (ulimit -f)"
    if "readonly" in text or "unable to open database" in text or "Permission denied" in text:
        return "; make its folder writable or choose another storage (search.storage)"
    return ""


def _shown(storage: str) -> str:
    # A path needs no masking.
    if is_sqlite(storage) or "://" not in storage:
        return storage
    return mask_address(storage)


def _reason(error: Exception) -> str:
    cause = error.__cause__ if isinstance(error, StorageInternalError) and error.__cause__ else error
    return mask_secrets(str(cause)).splitlines()[0]


def _make_file(storage: str) -> None:
    """Create the file of a new SQLite storage for this account alone, before SQLite creates it with the umask's
    rights."""
    path = split_sqlite_uri(storage)[1] if is_sqlite(storage) else ""
    if path and path != ":memory:":
        make_private_file(Path(path))


def _requeue_interrupted(study: optuna.Study, names: set[str]) -> None:
    """Close trials that a stopped process left open, and put their values first in the queue."""
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        params = dict(trial.params)
        study.tell(trial.number, state=TrialState.FAIL)
        # A failed trial lacked only its state; with it, it counts.
        if "error" in trial.user_attrs:
            continue
        study.set_user_attr("interrupted", study.user_attrs.get("interrupted", 0) + 1)
        # With only some values drawn, the sampler must draw them all again: it would otherwise give the first random
        # number to the first missing value. It draws the same ones as where the queue was not reached.
        if set(params) == names:
            study.enqueue_trial(params)


def _ended(study: optuna.Study) -> list[FrozenTrial]:
    """Return the trials that count, by index: completed, or failed in every fold."""
    trials = [
        trial
        for trial in study.get_trials(deepcopy=False)
        if trial.state == TrialState.COMPLETE or (trial.state == TrialState.FAIL and "error" in trial.user_attrs)
    ]
    return sorted(trials, key=lambda trial: int(trial.user_attrs["index"]))


def _record(trial: FrozenTrial) -> TrialRecord:
    folds = _folds(trial)
    return TrialRecord(
        index=int(trial.user_attrs["index"]),
        values=dict(trial.params),
        scores={fold: each.score for fold, each in folds.items() if not (each.stopped or each.error)},
        stopped={fold: len(each.curve) for fold, each in folds.items() if each.stopped and not each.error},
        errors={fold: each.error for fold, each in folds.items() if each.error},
    )


def _folds(trial: FrozenTrial) -> dict[int, FoldScore]:
    """Return how each training of an ended trial ended, by fold."""
    kept = trial.user_attrs.get("folds", {})
    return {int(fold): FoldScore(**{**value, "curve": tuple(value["curve"])}) for fold, value in kept.items()}
