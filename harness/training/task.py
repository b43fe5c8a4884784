"""FoldTask and FoldResult: the input and output of one training, as plain data.

A task can be sent to another process or machine with access to the same feature cache. Its result does not depend on
what else runs, where, or in which order.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.choices import FinalTrain
from harness.data.splits import Part, Split
from harness.features.cache.feature_store import FeatureRef
from harness.own_code import OwnCode
from harness.study import TUNED, ArmSettings

SEARCH, FINAL, SURVEY = "search", "final", "survey"
"""Phases of a study."""


@dataclass(frozen=True)
class FoldTask:
    """One training: an arm's settings on one fold from one seed.

    Attributes
    ----------
    phase
        ``"search"`` evaluates only on the validation part; ``"final"`` is tested once, at the end; ``"survey"`` tests
        every epoch, for a rule by which all test folds together choose one.
    trial
        Trial number within the arm's search; None in the final phase when nothing was searched.
    seed
        Entropy for this training, from :func:`harness.training.seeding.fold_seed`.
    labels
        Label of every clip of the table, int64, shape (n_clips,).
    features
        Where the feature arrays are and how they are cut.
    device
        ``"cpu"``, ``"cuda"`` or ``"cuda:N"``; set by the worker that trains the task, and no part of its identity.
    keep_weights
        Whether the result carries the weights; a search needs none.
    code
        The user's own code that the study names; None if it names none.
    weights
        SHA-256, hex, of the file of weights to start from; empty for fresh ones.
    floor
        Validation macro accuracy by epoch: a training whose best so far is below it is stopped after that epoch. Empty
        for never.
    until
        Epoch after which the training ends and its weights count, chosen for all folds together; 0 where the epoch rule
        decides by itself.
    """

    study: str
    arm: str
    phase: str
    trial: int | None
    fold: int
    seed_index: int
    seed: int
    settings: ArmSettings
    epoch_rule: str
    final_train: str
    split: Split
    labels: NDArray[np.int64]
    n_classes: int
    features: FeatureRef
    normalise: str
    device: str = "cpu"
    keep_weights: bool = True
    floor: tuple[float, ...] = ()
    code: OwnCode | None = None
    weights: str = ""
    until: int = 0

    @cached_property
    def digest(self) -> str:
        """SHA-256, hex, of everything that determines the result except the machine: tasks with equal digests are the
        same training."""
        parts = hashlib.sha256()
        facts = {
            # What values were tuned on does not affect the training itself.
            "settings": self.settings.model_dump(mode="json", exclude={"train": TUNED, "weights": True}),
            "phase": self.phase,
            "seed": self.seed,
            "epoch_rule": self.epoch_rule,
            "final_train": self.final_train,
            "n_classes": self.n_classes,
            "features": self.features.digest,
            "normalise": self.normalise,
        }
        if self.floor:
            facts["floor"] = self.floor
        if self.until:
            facts["until"] = self.until
        if self.code is not None and (code := self.code.digest_of(self.settings.references)):
            facts["code"] = code
        if self.weights:
            facts["weights"] = self.weights
        parts.update(json.dumps(facts, sort_keys=True).encode())
        parts.update(self.labels.tobytes())
        for part in (self.split.train, self.split.validation, self.split.test):
            _add(parts, part)
        return parts.hexdigest()

    @property
    def trajectory(self) -> str:
        """Digest of what determines the weights after every epoch: tasks that share it are one training, evaluated
        on several parts, under several epoch rules or statistics (:attr:`harness.study.ArmSettings.trajectory`)."""
        settings = self.settings.trajectory
        if settings is self.settings:
            return self.digest
        if self.phase == SEARCH:
            # What it sees of its validation part may stop it.
            return replace(self, epoch_rule=settings.protocol.epoch_rule, settings=settings).digest
        nothing = Part(np.empty(0, dtype=np.int64))
        bare = replace(
            self,
            phase=FINAL,
            epoch_rule=settings.protocol.epoch_rule,
            final_train=settings.protocol.final_train,
            settings=settings,
            split=Split("", 0, nothing, nothing, nothing),
        )
        parts = hashlib.sha256(bare.digest.encode())
        for part in self.learned:
            _add(parts, part)
        return parts.hexdigest()

    @property
    def learned(self) -> tuple[Part, ...]:
        """The parts that the training learns from, in order."""
        both = self.phase != SEARCH and self.final_train == FinalTrain.TRAIN_AND_VALIDATION
        return (self.split.train, self.split.validation) if both else (self.split.train,)

    @property
    def key(self) -> str:
        """Name of the training, unique within a study run: ``LMCNet/search-3/fold1/seed0``."""
        stage = self.phase if self.trial is None else f"{self.phase}-{self.trial}"
        return f"{self.arm}/{stage}/fold{self.fold}/seed{self.seed_index}"


def _add(digest: Any, part: Part) -> None:
    digest.update(part.clips.tobytes() + b"|")
    digest.update((b"clips" if part.segments is None else part.segments.tobytes()) + b"|")


@dataclass(frozen=True)
class FoldResult:
    """The result of one training.

    Attributes
    ----------
    predictions
        One row per evaluated segment: ``part`` ("validation" or "test"), ``clip`` (row of the ClipTable), ``segment``,
        ``y_true``, ``p_0`` .. ``p_{C-1}`` (float32 probabilities that sum to 1). The search phase has validation rows
        only; a final task has test rows, and validation rows unless it trained on them.
    history
        One row per epoch: ``epoch`` (from 1), ``lr``, ``train_loss``, ``train_segment_accuracy``, and where validated
        ``validation_loss``, ``validation_macro_accuracy``, ``validation_clip_accuracy``; ``test_macro_accuracy`` only
        under best-on-test.
    best_epoch
        Epoch whose weights made the predictions.
    weights
        State dict of that epoch as numpy arrays (float32, int64), by torch's parameter names; empty
        when the task does not keep them.
    normaliser
        ``mean`` and ``std`` of the training part, by which its items were normalised, float32: shape (bins,) for
        segments, (rows, 1, channels) for images; empty where nothing is normalised.
    timing
        Seconds: ``total``, ``load`` (features to device), ``train``, ``evaluate``; and ``segments_per_second`` of
        training.
    conditions
        Conditions of the training: device name, threads, torch version, precision.
    stopped
        Whether the training was stopped by the task's floor, after the last epoch of the history.
    trained_with
        Keys of the tasks that the same training served under other epoch rules; its time is the time of all of them.
    """

    task_key: str
    predictions: pd.DataFrame
    history: pd.DataFrame
    best_epoch: int
    weights: dict[str, NDArray[Any]]
    timing: dict[str, float]
    conditions: dict[str, str]
    warnings: tuple[str, ...] = field(default=())
    trained_with: tuple[str, ...] = field(default=())
    stopped: bool = False
    normaliser: dict[str, NDArray[np.float32]] = field(default_factory=dict)


def stopped_after(curve: Sequence[float], floor: Sequence[float], epochs: int) -> bool:
    """Return whether a training with the validation ``curve`` so far is stopped by ``floor``; never after the last of
    its ``epochs``, when stopping saves nothing."""
    done = len(curve)
    return done < min(epochs, len(floor) + 1) and max(curve) < floor[done - 1]


def placed(tasks: Sequence[FoldTask], device: str) -> tuple[FoldTask, ...]:
    """Return ``tasks`` for a worker on ``device``."""
    return tuple(task if task.device == device else replace(task, device=device) for task in tasks)


def trajectories(tasks: Sequence[FoldTask]) -> list[tuple[FoldTask, ...]]:
    """Return ``tasks`` grouped by trajectory, in first-occurrence order."""
    groups: dict[str, list[FoldTask]] = {}
    for task in tasks:
        groups.setdefault(task.trajectory, []).append(task)
    return [tuple(group) for group in groups.values()]
