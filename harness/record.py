"""StudyRecord: a study as read back from the tracking store, the only source of every report.

Tables are pandas DataFrames with the columns named below. Accuracies are fractions; times are seconds.
"""

from __future__ import annotations

import functools
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PureWindowsPath
from typing import TYPE_CHECKING, Any, TypeVar

from harness.choices import TunedOn
from harness.study import ArmSettings, ProtocolSection, StudySpec, TrainSection

if TYPE_CHECKING:
    import pandas as pd

Found = TypeVar("Found")

_LOCAL_STORE = re.compile(r"""(?:sqlite(?:\+\w+)?:///|file:(?://)?)(?:/|[A-Za-z]:)[^"']*""")
# At the beginning of a word, or of a value in it.
_ABSOLUTE = re.compile(r"""(^|[=\["'])((?:[/~\\]|[A-Za-z]:[/\\])[^"'\],]*)""")

TUNED_ON = (TunedOn.NOT_STATED, TunedOn.NONE, TunedOn.OTHER_DATA, TunedOn.VALIDATION_FOLDS, TunedOn.REPORTED_FOLDS)
"""What values may have been chosen on, in order of how much of the reported data was seen."""

FOLD_COLUMNS = (
    "arm",
    "phase",
    "trial",
    "fold",
    "seed",
    "run_id",
    "status",
    "error",
    "best_epoch",
    "seconds",
    "segments_per_second",
    "device",
    "params",
    "validation_macro_accuracy",
)
"""Columns of ``StudyRecord.folds``."""


@dataclass(frozen=True)
class StudyRecord:
    """One study run with everything below it.

    Attributes
    ----------
    name, run_id, status
        Of the study run; status as MLflow names it (RUNNING, FINISHED, FAILED, KILLED).
    spec
        The study, resolved; :func:`harness.study.recorded_document` returns what the record states of it.
    classes
        Class names; the position is the label.
    predictions
        The table of the complete study, final phase, trained and fused arms: ``arm``, ``fold``, ``seed`` (index),
        ``clip_id``, ``recording``, ``y_true``, ``p_0`` .. ``p_{C-1}``, ``n_segments``, ``n_segments_correct``. One row
        per tested clip, arm, fold and seed.
    history
        Per-epoch curves of final trainings: ``arm``, ``fold``, ``seed``, ``epoch``, ``lr``, ``train_loss`` and the
        other columns of ``FoldResult.history``.
    folds
        One row per fold run of either phase: ``arm``, ``phase``, ``trial``, ``fold``, ``seed``, ``run_id``, ``status``,
        ``error`` (empty when finished), ``best_epoch``, ``seconds``, ``segments_per_second``, ``device``, ``params``
        (dict of the hyperparameters set over the study's), ``validation_macro_accuracy``.
    leakage
        One row per fold: ``protocol``, ``fold`` and the fields of ``LeakageReport``.
    environment
        Python, package versions, hardware, git commit and whether it was dirty, command, overrides, digests of data,
        features, lock and spec.
    seconds
        Working time of the study run, summed over its sessions; a session that was killed adds nothing.
    searches
        The search of each searched arm, as JSON data: ``trials`` (list of ``trial``, ``state``, ``values`` by dotted
        name, ``validation_macro_accuracy`` by fold, ``stopped`` (epoch by fold after which a training was pruned),
        ``error``), ``chosen`` (fold to trial) and ``importance`` (share of
        each hyperparameter, by dotted name; empty when it could not be estimated).
    learnt
        Training accuracy of the last epoch by arm, mean over its final trainings, as read from a report, whose
        ``history`` is rounded or missing.
    claims
        The papers that the study is compared with, as of its run: claims file content by key.
    """

    name: str
    run_id: str
    status: str
    spec: StudySpec
    classes: tuple[str, ...]
    predictions: pd.DataFrame
    history: pd.DataFrame
    folds: pd.DataFrame
    leakage: pd.DataFrame
    environment: dict[str, Any]
    seconds: float
    searches: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    learnt: dict[str, float] = field(default_factory=dict)

    def streams(self, arm: str) -> tuple[str, ...]:
        """Return the trained arms that ``arm`` is made of: those that it fuses, or itself."""
        return self._fused.get(arm, (arm,))

    def protocol(self, arm: str) -> ProtocolSection:
        """Return the protocol of an arm: the study's, or what the arm sets over it. A fused arm's streams share one."""
        settings = self._settings.get(self.streams(arm)[0])
        return settings.protocol if settings else self.spec.protocol

    def tested(self, arm: str) -> tuple[int, ...]:
        """Return the folds that an arm is tested on, ascending."""
        return self.spec.tested_under(self.protocol(arm))

    def tests_one_part(self, arm: str) -> bool:
        """Return whether an arm is tested on one part of the data, instead of folds."""
        return self.spec.data.description.holdout or self.protocol(arm).rule.single

    def tuned(self, arm: str) -> tuple[str, str]:
        """Return what the values of an arm that no search found were chosen on, and how, as the study declares it; for
        a fused arm that of the stream whose values saw the most data."""
        train = max(map(self._train, self.streams(arm)), key=lambda each: TUNED_ON.index(each.tuned_on))
        return train.tuned_on, train.tuned_by

    @property
    def protocols(self) -> tuple[ProtocolSection, ...]:
        """The protocols of the study's arms, each once, in the arms' order."""
        return tuple(dict.fromkeys(self.protocol(arm.name) for arm in self.spec.arms))

    @functools.cached_property
    def _fused(self) -> dict[str, tuple[str, ...]]:
        return {arm.name: arm.fuse for arm in self.spec.arms if arm.fuse}

    @functools.cached_property
    def _settings(self) -> dict[str, ArmSettings]:
        return {arm.name: self.spec.settings(arm) for arm in self.spec.trained_arms}

    def _train(self, arm: str) -> TrainSection:
        settings = self._settings.get(arm)
        return settings.train if settings else self.spec.train


def once_per_record(compute: Callable[[StudyRecord], Found]) -> Callable[[StudyRecord], Found]:
    """Cache the result of ``compute`` in the record: a report needs the same table many times.

    Callers must not modify the result.
    """
    place = f"_{compute.__module__}.{compute.__qualname__}"

    @functools.wraps(compute)
    def kept(record: StudyRecord) -> Found:
        # The fields are frozen, and a copy with other fields starts with an empty cache.
        if place not in vars(record):
            vars(record)[place] = compute(record)
        found: Found = vars(record)[place]
        return found

    return kept


NO_CHECKOUT = "none (the code was not in a git checkout)"
"""What is printed for the commit of code that was installed."""


def shown_command(environment: Mapping[str, Any]) -> str | None:
    """Return the command of the study run from a record's environment, ready for a shell; None if unknown.

    It is exact but for :func:`without_folders`.
    """
    given = environment.get("command")
    if given is None:
        return None
    try:
        words = [*map(str, given)] if isinstance(given, list | tuple) else shlex.split(str(given))
    except ValueError:
        return str(given)
    shown = [*map(without_folders, words)]
    return str(given) if isinstance(given, str) and shown == words else shlex.join(shown)


def without_folders(word: str) -> str:
    """Return a word of a command line without folders of the machine, which are of no use to others.

    An absolute path becomes the name of its file, or ``DIR`` if it has no suffix, and a store at one becomes ``URI``.
    """

    def short(found: re.Match[str]) -> str:
        path = PureWindowsPath(found[2])  # which knows both separators
        return found[1] + (path.name if path.suffix else "DIR")

    return _ABSOLUTE.sub(short, _LOCAL_STORE.sub("URI", word))


def published_environment(environment: Mapping[str, Any]) -> dict[str, Any]:
    """Return the environment as a report publishes it: commands and overrides :func:`without_folders`."""
    shown = dict(environment)
    if "command" in shown:
        shown["command"] = shown_command(environment)
    if "overrides" in shown:
        shown["overrides"] = [without_folders(str(override)) for override in shown["overrides"]]
    if "parts" in shown:
        shown["parts"] = [published_environment(part) for part in shown["parts"]]
    return shown


def environment_of_arm(environment: Mapping[str, Any], arm: str) -> dict[str, Any]:
    """Return the environment in which ``arm`` was trained.

    Of a report that joins parts, that of the part that has the arm; facts in which several such parts differ are
    missing, because each has some of the arm's seeds or folds. Otherwise ``environment`` as it is.
    """
    own = [part for part in environment.get("parts", ()) if arm in part["arms"]]
    found = dict(environment)
    for name in {name for part in own for name in part} & set(environment):
        values = [part.get(name) for part in own]
        if all(value == values[0] for value in values):
            found[name] = values[0]
        else:
            del found[name]
    return found


def shown_git(environment: Mapping[str, Any]) -> dict[str, Any]:
    """Return the git facts of a record's environment as they are printed: ``unknown (reason)`` where git failed, and
    :data:`NO_CHECKOUT`. Older records do not distinguish the two and state no reason."""
    git: Mapping[str, Any] = environment.get("git") or {}
    reason = git.get("unknown")
    shown = {name: f"unknown ({reason})" if value is None and reason else value for name, value in git.items()}
    if shown.pop("unknown", None) == "" and not (git.get("commit") or git.get("dirty")):
        shown["commit"] = NO_CHECKOUT
    return shown
