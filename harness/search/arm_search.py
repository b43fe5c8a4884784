"""The search of one arm: batches of trials, whose results are recorded in Optuna; it resumes after an interruption."""

from __future__ import annotations

import shlex
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import optuna
from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from harness.choices import Sampler
from harness.errors import TrackingError
from harness.search.importance import importances
from harness.search.pruning import Curve, floor_of
from harness.search.space import distributions
from harness.search.strategies import given, propose
from harness.search.trials import FoldScore, SearchOutcome, TrialRecord, choose
from harness.study import Arm, StudySpec
from harness.system.accounts import make_private_file
from harness.system.redaction import mask_address, mask_secrets
from harness.system.retry import SECONDS, retry
from harness.system.servers import server_fault
from harness.system.sqlite_uri import is_sqlite, split_sqlite_uri, sqlalchemy_uri

_NEWER = "upgrade Optuna (pip install --upgrade optuna), or choose another storage (search.storage)"
_FAULTS = (SQLAlchemyError, StorageInternalError)

_T = TypeVar("_T")

METRIC = "validation macro accuracy"
"""Name of the value of a trial: the mean over its folds, as Optuna's tools show it."""


@dataclass(frozen=True)
class Proposal:
    """A trial to train.

    Attributes
    ----------
    index
        Number of the trial within the arm's search, from 0.
    values
        Hyperparameters by dotted name.
    floors
        By fold to train, the validation macro accuracy by epoch below which its training is stopped (empty: never).
    """

    index: int
    values: dict[str, Any]
    floors: Mapping[int, tuple[float, ...]]


Scores = Mapping[int, Mapping[int, FoldScore]]
"""How the trainings of trials ended, by index of the trial and fold."""


class ArmSearch:
    """The search of ``arm``: one Optuna study proposes the values of ``search.trials`` trials for all folds. With the
    ``per-fold-tpe`` sampler each fold has its own study and ``search.trials`` trials, whose proposals depend on its own
    validation part alone; trials are then numbered fold after fold.

    Trials are proposed in batches of ``search.parallel_trials``. The values and floors of a batch depend on the trials
    of earlier batches alone, in the order of their indices, so the outcome does not depend on which training ends
    first. Trials that ended in an earlier run are kept; an interrupted trial is run again with its own values.

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

    Attributes
    ----------
    parts : list of SearchPart
        Searches that do not depend on each other: one for all folds, or one for each.

    Raises
    ------
    TrackingError
        When the storage cannot be opened, read or written; also from all methods.
    """

    def __init__(self, spec: StudySpec, arm: Arm, study_key: str, storage: str) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._spec = spec
        self._arm = arm
        parts = [(study_key, spec.tested(arm))]
        if spec.search.sampler == Sampler.PER_FOLD_TPE:
            parts = [(f"{study_key}/fold{fold}", (fold,)) for fold in spec.tested(arm)]
        self.parts = [
            SearchPart(spec, arm, _open(key, storage), storage, folds, place * spec.search.trials)
            for place, (key, folds) in enumerate(parts)
        ]

    def outcome(self) -> SearchOutcome:
        """Return all trials, and the one chosen for every test fold, when all parts have ended.

        Raises
        ------
        TrainingError
            When no trial gives a score for a fold.
        """
        trials = [trial for part in self.parts for trial in part.records()]
        outcome = choose(self._arm.name, trials, self._spec.tested(self._arm), self._spec.search.selection)
        return replace(outcome, importance=_mean_shares([part.shares() for part in self.parts]))


class SearchPart:
    """One Optuna study of an arm's search.

    Parameters
    ----------
    spec, arm
        The study and the arm.
    study
        The Optuna study.
    storage
        URL of its storage, for messages.
    folds
        The folds that its trials are trained on.
    first
        Index of its first trial within the arm's search.
    """

    def __init__(
        self, spec: StudySpec, arm: Arm, study: optuna.Study, storage: str, folds: Sequence[int], first: int
    ) -> None:
        self._spec = spec
        self._arm = arm
        self._study = study
        self._storage = storage
        self._folds = folds
        self._first = first
        self._space = distributions(spec.search.space, spec.settings(arm))
        self._open: dict[int, optuna.Trial] = {}

    def next_batch(self, found: Scores) -> list[Proposal]:
        """Record how the trials of the previous batch ended, and return the next one; empty when all trials have ended.

        ``found`` is empty in the first call.
        """
        return self._patient(self._next, found)

    def records(self) -> list[TrialRecord]:
        """Return the ended trials, by index."""
        return [_record(trial) for trial in self._patient(_ended, self._study)]

    def shares(self) -> dict[str, float]:
        """Return the importance of each hyperparameter, as :func:`harness.search.importance.importances`."""
        return self._patient(importances, self._study)

    def _patient(self, call: Callable[..., _T], *args: Any) -> _T:
        """Return what ``call`` returns, retrying while the storage does not respond."""
        try:
            result: _T = retry(call, *args, errors=_FAULTS)
        except _FAULTS as error:
            why = _reason(error)
            raise TrackingError(
                f"search.storage = {_shown(self._storage)!r}: cannot record the search of arm {self._arm.name!r}: "
                f"{why}{_advice(why)}. After fixing this, run the same command to resume"
            ) from error
        return result

    def _next(self, found: Scores) -> list[Proposal]:
        # It may be called again after any failure of the storage, as a new process would.
        self._tell(found)
        self._open.clear()
        own = self._close_interrupted()
        search, seed = self._spec.search, self._spec.study.seed
        ended = {int(trial.user_attrs["index"]) - self._first: trial for trial in _ended(self._study)}
        missing = [place for place in range(search.trials) if place not in ended]
        if not missing:
            return []
        begin = missing[0] - missing[0] % search.parallel_trials
        earlier = [trial for place, trial in ended.items() if place < begin]
        floors = {fold: floor_of(search, *_curves(earlier, fold)) for fold in self._folds}
        proposals = []
        for place in missing:
            if place >= begin + search.parallel_trials:
                break
            index = self._first + place
            # An interrupted trial of which not all values were drawn is proposed again, with the same ones.
            values = own.get(index) or propose(search, seed, self._arm.name, place, self._space, earlier)
            self._study.sampler = given(values)
            trial = self._study.ask(self._space)
            trial.set_user_attr("index", index)
            self._open[index] = trial
            proposals.append(Proposal(index, dict(trial.params), floors))
        return proposals

    def _tell(self, found: Scores) -> None:
        """Record how the trials of the batch ended, in the order of their indices."""
        for index, trial in sorted(self._open.items()):
            folds = found[index]
            kept = {str(fold): asdict(each) | {"error": mask_secrets(each.error)} for fold, each in folds.items()}
            trial.set_user_attr("folds", kept)
            if all(each.error for each in folds.values()):
                trial.set_user_attr("error", True)
                self._study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)
            else:
                value = sum(map(_value, folds.values())) / len(folds)
                self._study.tell(trial, value, skip_if_finished=True)
            del self._open[index]

    def _close_interrupted(self) -> dict[int, dict[str, Any]]:
        """Close trials that a stopped process left open; return the values of interrupted trials by their index."""
        for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            self._study.tell(trial.number, state=TrialState.FAIL)
        failed = self._study.get_trials(deepcopy=False, states=(TrialState.FAIL,))
        return {
            int(trial.user_attrs["index"]): dict(trial.params)
            for trial in failed
            if "index" in trial.user_attrs and not _counts(trial) and set(trial.params) == set(self._space)
        }


def _value(fold: FoldScore) -> float:
    """Return a fold's contribution to a trial's value: its score, its best score when it was stopped, or 0 where the
    training failed."""
    return 0.0 if fold.error else max(fold.curve) if fold.stopped else fold.score


def _curves(earlier: Sequence[FrozenTrial], fold: int) -> tuple[list[Curve], list[Curve]]:
    """Return the validation curves of the fold's ``earlier`` trainings that ran to their end, and of the stopped
    ones."""
    scores = (_folds(trial).get(fold) for trial in earlier)
    scored = [each for each in scores if each is not None and each.curve and not each.error]
    return [each.curve for each in scored if not each.stopped], [each.curve for each in scored if each.stopped]


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
        study = optuna.create_study(
            study_name=study_key,
            storage=RDBStorage(sqlalchemy_uri(storage), engine_kwargs=engine),
            direction="maximize",
            load_if_exists=True,
        )
        # For the charts of optuna-dashboard. Studies of earlier versions get it when they are resumed.
        with warnings.catch_warnings():
            # "Experimental" since 2023.
            warnings.simplefilter("ignore", ExperimentalWarning)
            if study.metric_names is None:
                study.set_metric_names([METRIC])
        return study
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


def _ended(study: optuna.Study) -> list[FrozenTrial]:
    """Return the trials that count, by index."""
    trials = [trial for trial in study.get_trials(deepcopy=False) if _counts(trial)]
    return sorted(trials, key=lambda trial: int(trial.user_attrs["index"]))


def _counts(trial: FrozenTrial) -> bool:
    """Return whether a trial completed, or failed in every fold."""
    return trial.state == TrialState.COMPLETE or (trial.state == TrialState.FAIL and "error" in trial.user_attrs)


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
