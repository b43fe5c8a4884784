"""One training, from task to result.

The features of all clips are kept on the device, normalised by the training part's statistics. Each epoch draws its
order and augmentations, steps through the batches without synchronising, and evaluates the validation part. The test
part is evaluated once, after the epoch has been chosen (or in every epoch under best-on-test, as its name says).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness import own_code
from harness.choices import EpochRule, FinalTrain, NormStatistics, Precision
from harness.devices import open_device
from harness.errors import TrainingError
from harness.models.build import build_model
from harness.training.augment import Draws, keeps_rounding
from harness.training.graphs import GraphLearner
from harness.training.isolation import device_name, isolated
from harness.training.learner import Learner, PartOnDevice, batch_bounds, class_weights
from harness.training.memory import explained_memory
from harness.training.metrics import clip_means, scores
from harness.training.norm_statistics import re_estimated
from harness.training.normalise import normalise
from harness.training.precision import check_precision
from harness.training.resident import Items, Resident, part_items, plane_rows
from harness.training.reuse import KEPT_HERE, keeps, records_steps, step_key
from harness.training.schedules import learning_rate
from harness.training.seeding import fold_seed
from harness.training.task import FINAL, SEARCH, SURVEY, FoldResult, FoldTask, stopped_after
from harness.training.weights import start_from

Row = dict[str, float]
OnEpoch = Callable[[Row], None]
OnEpochs = Callable[[list[Row]], None]
_Content = tuple[bytes, bytes]
"""What identifies a part: clips and segments of its items."""
Predicted = dict[_Content, NDArray[np.float32]]
_Evaluated = tuple[NDArray[np.float32], float]
"""Probabilities and loss."""


def train_fold(task: FoldTask, on_epoch: OnEpoch | None = None) -> FoldResult:
    """Train ``task`` and return its predictions, history and weights.

    The result depends on the task alone: on the same hardware and versions a repetition is bit-identical, whatever ran
    before in the process. ``on_epoch`` receives each row of the history as it is made; an exception from it ends the
    training and propagates. torch's generators, threads and switches are restored in any case.

    Raises
    ------
    TrainingError
        When the device is missing or does not support the precision, memory does not suffice, a required part of the
        split is empty, or the loss is not finite.
    """
    (result,) = train_together([task], None if on_epoch is None else lambda rows: on_epoch(rows[0]))
    return result


def train_together(tasks: Sequence[FoldTask], on_epoch: OnEpochs | None = None) -> list[FoldResult]:
    """Train ``tasks`` of one trajectory (:attr:`FoldTask.trajectory`) once, and return a result for each.

    Each result is bit-identical to that of :func:`train_fold`, except for its times. ``on_epoch`` receives the rows of
    an epoch, one per task. An error applies to all of them.

    Raises
    ------
    TrainingError
        As :func:`train_fold`.
    ValueError
        When the tasks are of several trajectories.
    """
    if len({one.trajectory for one in tasks}) != 1:
        raise ValueError(
            f"only tasks of one trajectory can be trained together, received {', '.join(one.key for one in tasks)}"
        )
    began = time.perf_counter()
    task = tasks[0]
    own_code.activate(task.code)
    device = open_device(task.device)
    check_precision(task.settings.train.precision, device, task.key)
    choices = [_Choice(one, _parts(one)) for one in tasks]
    learned = choices[0].train
    train = task.settings.train
    with isolated(device, task.seed, train.threads) as complaints, KEPT_HERE.given_up_on_failure():
        with explained_memory(task.key, task.device, None):
            kept = KEPT_HERE.planes(task.features, device) if keeps(device) else None
            resident = Resident(task.features, device, kept)
            normaliser = normalise(resident, learned, task.normalise)
            if keeps_rounding(train):
                resident.round_to_bfloat16()
        loaded = time.perf_counter()
        with explained_memory(task.key, task.device, train.batch_size):
            run = _Run(choices, resident, learned)
            run.train(on_epoch)
            # The last epoch's weights are loaded; those of a chosen epoch replace them.
            results = {
                choice.task.key: (choice, *run.result(choice))
                for choice in sorted(run.choices, key=lambda choice: choice.best.state is not None)
            }
            run.give_back()
    timing = {
        "total": time.perf_counter() - began,
        "load": loaded - began,
        "train": run.train_seconds,
        "evaluate": run.evaluate_seconds,
        "segments_per_second": len(learned) * run.epochs / run.train_seconds,
    }
    conditions = {
        "device": device_name(device),
        "threads": str(train.threads),
        "torch": torch.__version__,
        "precision": train.precision,
    }
    return [
        FoldResult(
            task_key=one.key,
            predictions=predictions,
            history=pd.DataFrame(choice.history),
            best_epoch=choice.best.epoch,
            weights=weights,
            timing=dict(timing),
            conditions=dict(conditions),
            warnings=tuple(complaints),
            trained_with=tuple(other.key for other in tasks if other is not one),
            stopped=run.stopped,
            normaliser=normaliser,
        )
        for one in tasks
        for choice, predictions, weights in [results[one.key]]
    ]


@dataclass
class _Best:
    """The epoch chosen so far: its score, its predictions, and its weights unless it is the last."""

    epoch: int = 0
    score: float = -math.inf
    predicted: Predicted = field(default_factory=dict)
    state: dict[str, Tensor] | None = None


class _Choice:
    """One task's view of a training: its parts, its history, and the epoch that its rule has chosen so far."""

    def __init__(self, task: FoldTask, parts: dict[str, Items]) -> None:
        self.task = task
        self.train = parts["train"]
        self.parts = {name: parts[name] for name in ("validation", "test") if name in parts}
        self.judge = _judge(task)
        self.statistics = task.settings.train.norm_statistics
        self.history: list[Row] = []
        self.best = _Best()

    def see(self, epoch: int, row: Row, predicted: Predicted, state: Callable[[], dict[str, Tensor]]) -> Row:
        """Choose this epoch if there is no part to judge by, or if it scores above every earlier one; return a copy of
        ``row``."""
        self.history.append(row)
        if self.judge is None:
            self.best = _Best(epoch, predicted=predicted)
        elif (score := row[f"{self.judge}_macro_accuracy"]) > self.best.score:
            self.best = _Best(epoch, score, predicted, state())
        return dict(row)


class _Run:
    """The state of one training."""

    def __init__(self, choices: list[_Choice], resident: Resident, learned: Items) -> None:
        self.task = choices[0].task
        self.settings = self.task.settings.train
        self.resident = resident
        self.learned = learned
        self.choices = choices
        self.epochs = 0
        self.stopped = False
        self.train_seconds = 0.0
        self.evaluate_seconds = 0.0
        self.learner = self._make_learner()
        self._learned_on_device = _on_device(resident, learned)
        # Tasks of one trajectory may be evaluated on different parts, and one part may have two names.
        self._on_device: dict[_Content, PartOnDevice] = {}

    def train(self, on_epoch: OnEpochs | None) -> None:
        """Run all epochs, or as many as patience and the task's floor allow."""
        n_items = len(self.learned)
        bounds = batch_bounds(n_items, self.settings.batch_size)
        draws = Draws(
            self.settings,
            n_items,
            self.resident.input_shape,
            fold_seed(self.task.seed, "draws"),
            self.resident.device,
        )
        for epoch in range(1, (self.task.until or self.settings.epochs) + 1):
            row = self._learn(epoch, draws, bounds)
            self.epochs = epoch
            seen = {key: mine for choices in self._alike() for key, mine in self._see(epoch, row, choices).items()}
            rows = [seen[choice.task.key] for choice in self.choices]
            if on_epoch is not None:
                on_epoch(rows)
            if self._ends(epoch):
                break

    def _ends(self, epoch: int) -> bool:
        """Return whether to stop after ``epoch``: the floor of a search, which tasks of one trajectory share, is not
        reached, or no choice has improved for as long as patience allows."""
        floor, patience = self.task.floor, self.settings.patience
        curves = [[row["validation_macro_accuracy"] for row in choice.history] for choice in self.choices if floor]
        self.stopped = any(stopped_after(curve, floor, self.settings.epochs) for curve in curves)
        patient = [choice.judge == "validation" and epoch - choice.best.epoch >= patience for choice in self.choices]
        return self.stopped or (patience > 0 and all(patient))

    def result(self, choice: _Choice) -> tuple[pd.DataFrame, dict[str, NDArray[np.generic]]]:
        """Return the chosen epoch's predictions of every part but the training part, and its weights where they are
        kept; the weights of a chosen epoch are loaded."""
        keep = choice.task.keep_weights
        if choice.best.state is not None:
            # It was kept with the statistics that it was evaluated with.
            self.learner.restore(choice.best.state)
            return self._predictions(choice), self._weights() if keep else {}
        with self._normalised_by(choice.statistics):
            return self._predictions(choice), self._weights() if keep else {}

    def give_back(self) -> None:
        """Pass a CUDA graph on to the next training; this one must not be used afterwards."""
        if isinstance(self.learner, GraphLearner):
            KEPT_HERE.give_back(self._step_key, self.learner)

    def _alike(self) -> list[list[_Choice]]:
        """Return the choices in groups that evaluate an epoch with the same statistics."""
        groups: dict[str, list[_Choice]] = {}
        for choice in self.choices:
            groups.setdefault(choice.statistics, []).append(choice)
        return list(groups.values())

    def _see(self, epoch: int, row: Row, choices: Sequence[_Choice]) -> dict[str, Row]:
        """Evaluate the parts that ``choices`` may watch, and return each one's row of the history, by its task."""
        # The test part is evaluated only where it is declared to choose the epoch.
        watched = {
            choice.task.key: {name: part for name, part in choice.parts.items() if name in ("validation", choice.judge)}
            for choice in choices
        }
        seen: dict[_Content, _Evaluated] = {}
        rows = {}
        with self._normalised_by(choices[0].statistics) if any(watched.values()) else nullcontext():
            for choice in choices:
                own, predicted = dict(row), {}
                for name, items in watched[choice.task.key].items():
                    content = _content(items)
                    if content not in seen:
                        seen[content] = self._predict(name, items)
                    predicted[content] = self._scored(name, items, seen[content], own)
                rows[choice.task.key] = choice.see(epoch, own, predicted, self.learner.state)
        return rows

    def _normalised_by(self, statistics: str) -> AbstractContextManager[None]:
        if statistics == NormStatistics.RUNNING:
            return nullcontext()
        part, size = self._learned_on_device, self.settings.batch_size
        return re_estimated(self.learner, self.resident, part, size, self.task.seed)

    def _predictions(self, choice: _Choice) -> pd.DataFrame:
        tables = []
        known = choice.best.predicted
        for name, items in choice.parts.items():
            content = _content(items)
            probabilities = known[content] if content in known else self._predict(name, items)[0]
            tables.append(_table(name, items, probabilities))
        return pd.concat(tables, ignore_index=True)

    def _weights(self) -> dict[str, NDArray[np.generic]]:
        """Return the current weights as numpy arrays in C order."""
        state = self.learner.model.state_dict()
        return {name: np.array(value.detach().cpu().numpy(), order="C") for name, value in state.items()}

    def _make_learner(self) -> Learner:
        task, resident = self.task, self.resident
        rows = plane_rows(task.features)
        settings, shape = task.settings, resident.input_shape
        model = build_model(settings.model_name, settings.model, shape, task.n_classes, rows)
        if task.weights:
            start_from(model, Path(settings.weights or ""), task.weights)
        labels = self.learned.labels
        weights = class_weights(labels, task.n_classes) if self.settings.class_weights else None
        if not records_steps(self.settings, resident.device):
            return Learner(model, self.settings, resident.device, weights)
        self._step_key = step_key(settings, shape, task.n_classes, rows, resident.device)
        return KEPT_HERE.take_learner(
            self._step_key, model, weights, lambda: GraphLearner(model, self.settings, resident.device, weights)
        )

    def _learn(self, epoch: int, draws: Draws, bounds: list[tuple[int, int]]) -> Row:
        lr = learning_rate(self.settings, epoch)
        clock = time.perf_counter()
        self.learner.set_rate(lr)
        self.learner.epoch(self.resident, self._learned_on_device, draws.epoch(), bounds)
        loss, accuracy = self.learner.tally()
        self.train_seconds += time.perf_counter() - clock
        if not math.isfinite(loss):
            raise self._diverged("the training loss", loss, epoch, lr)
        return {"epoch": epoch, "lr": lr, "train_loss": loss, "train_segment_accuracy": accuracy}

    def _scored(self, name: str, items: Items, evaluated: _Evaluated, row: Row) -> NDArray[np.float32]:
        """Add the scores of the part ``name`` to ``row``, and return the probabilities."""
        probabilities, loss = evaluated
        _, means, labels = clip_means(items.clips, probabilities, items.labels)
        measured = scores(labels, means, self.task.n_classes)
        row[f"{name}_macro_accuracy"] = measured.macro_accuracy
        if name == "validation":
            row["validation_loss"] = loss
            row["validation_clip_accuracy"] = measured.clip_accuracy
        return probabilities

    def _predict(self, name: str, items: Items) -> _Evaluated:
        """Return the probabilities of the part ``name``, and the loss."""
        clock = time.perf_counter()
        part = self._on_device.setdefault(_content(items), _on_device(self.resident, items))
        probabilities, loss = self.learner.predict(self.resident, part)
        self.evaluate_seconds += time.perf_counter() - clock
        if not np.isfinite(probabilities).all():
            epoch = self.epochs or 1
            raise self._diverged(f"the {name} loss", loss, epoch, learning_rate(self.settings, epoch))
        return probabilities, loss

    def _diverged(self, what: str, value: float, epoch: int, lr: float) -> TrainingError:
        return TrainingError(
            f"{self.task.key}: {what} is {value} in epoch {epoch} at learning rate {lr:g}; lower train.lr"
            + (", or set train.precision = 'float32'" if self.settings.precision == Precision.BFLOAT16 else "")
        )


def _parts(task: FoldTask) -> dict[str, Items]:
    """Return the items of the parts that this task may see: search has no test part."""
    parts = {
        "train": part_items(task.split.train, task.features, task.labels),
        "validation": part_items(task.split.validation, task.features, task.labels),
    }
    if task.phase in (FINAL, SURVEY):
        parts["test"] = part_items(task.split.test, task.features, task.labels)
        if task.final_train == FinalTrain.TRAIN_AND_VALIDATION:
            parts["train"] = parts["train"].joined(parts.pop("validation"))
    elif task.phase != SEARCH:
        raise ValueError(f"phase must be 'search', 'final' or 'survey', received {task.phase!r}")
    if len(parts["train"]) < 2:
        raise TrainingError(
            f"{task.key}: the training part has {len(parts['train'])} items; batch normalisation needs at least 2"
        )
    needed = {_judge(task), "validation" if task.phase == SEARCH else "test"} - {None}
    for name in sorted(str(name) for name in needed):
        if not len(parts.get(name, ())):
            raise TrainingError(
                f"{task.key}: the {name} part is empty, but the {task.phase} phase under epoch_rule = "
                f"{task.epoch_rule!r} needs it; check data.folds and protocol.final_train"
            )
    return {name: items for name, items in parts.items() if len(items)}


def _judge(task: FoldTask) -> str | None:
    """Return the part whose macro accuracy chooses the epoch; None when the last epoch counts.

    A search never sees the test part, so under best-on-test it uses the last epoch. By best-mean-on-test a survey
    measures all epochs, and the final training ends with the one that all folds together chose.
    """
    if task.phase == SURVEY:
        return "test"
    if task.phase == FINAL and task.epoch_rule == EpochRule.BEST_MEAN_ON_TEST and not task.until:
        raise ValueError(f"{task.key}: best-mean-on-test needs the epoch that all folds chose; survey them first")
    if task.epoch_rule == EpochRule.BEST_ON_VALIDATION:
        return "validation"
    return "test" if task.epoch_rule == EpochRule.BEST_ON_TEST and task.phase == FINAL else None


def _content(items: Items) -> _Content:
    return items.clips.tobytes(), items.segments.tobytes()


def _on_device(resident: Resident, items: Items) -> PartOnDevice:
    positions = torch.from_numpy(resident.positions(items)).to(resident.device)
    return PartOnDevice(positions, torch.from_numpy(items.labels).to(resident.device))


def _table(part: str, items: Items, probabilities: NDArray[np.float32]) -> pd.DataFrame:
    table = {"part": part, "clip": items.clips, "segment": items.segments, "y_true": items.labels}
    columns = {f"p_{label}": probabilities[:, label] for label in range(probabilities.shape[1])}
    return pd.DataFrame({**table, **columns})
