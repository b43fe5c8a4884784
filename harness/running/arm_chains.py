"""The arms of a study as chains of trainings: search, final trainings and fusion, each after what it depends on.

All arms proceed at the same time. Each has its own search and seeds, so none depends on how far the others are.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.choices import Sampler
from harness.errors import TrainingError
from harness.running.study_inputs import StudyInputs
from harness.running.trainings import Chain, Trainings
from harness.search.arm_search import ArmSearch, Proposal, SearchPart
from harness.search.trials import FoldScore, TrialRecord
from harness.study import Arm, Dotted
from harness.terminal.progress import Progress
from harness.tracking.digests import search_digest
from harness.tracking.study_recorder import StudyRecorder
from harness.tracking.uri import local_folder
from harness.training.fuse import fuse_predictions
from harness.training.metrics import clip_predictions, table_scores
from harness.training.task import FINAL, SURVEY, FoldTask, stopped_after

Chosen = Mapping[int, TrialRecord | None]
"""The chosen trial of each test fold; None if nothing is searched."""


class StudyArms:
    """The arms of a study.

    Parameters
    ----------
    prepared
        The inputs of the trainings.
    recorder
        The open study run.
    trainings
        Where to ask for trainings.
    store
        Tracking URI of the store that the study is recorded in.
    progress
        Shows the progress of searches.
    stage
        The arms to train, with all that they need (:func:`harness.study.stage_of`).
    """

    def __init__(
        self,
        prepared: StudyInputs,
        recorder: StudyRecorder,
        trainings: Trainings,
        store: str,
        progress: Progress,
        stage: Sequence[Arm],
    ) -> None:
        self._prepared = prepared
        self._stage = stage
        self._spec = prepared.spec
        self._recorder = recorder
        self._trainings = trainings
        self._storage = prepared.spec.search.storage or default_storage(store)
        self._progress = progress
        self._chosen: dict[str, Chosen | None] = {}
        self._finals: dict[str, dict[tuple[int, int], FoldTask]] = {}
        self._failures: dict[str, str] = {}

    @property
    def failures(self) -> list[str]:
        """Errors of arms that could not be searched, in the study's order."""
        return [self._failures[arm.name] for arm in self._spec.arms if arm.name in self._failures]

    def chains(self) -> list[Chain[None]]:
        """Return the chain of each arm of the stage."""
        return [self._fuse(arm) if arm.is_fused else self._train(arm) for arm in self._stage]

    def _train(self, arm: Arm) -> Chain[None]:
        """Search ``arm``, then train and test it on every test fold and seed with its chosen hyperparameters."""
        spec = self._spec
        try:
            self._chosen[arm.name] = chosen = yield from self._choose(arm)
        except TrainingError as error:
            # No trial of this arm could be trained; the other arms still can.
            self._recorder.finish_trial(self._recorder.trial(arm, "final", None, {}), {}, "test", str(error))
            self._trainings.give_up(spec.final_trainings(arm))
            self._failures[arm.name] = str(error)
            self._chosen[arm.name] = None
            self._finals[arm.name] = {}
            return
        tasks = self._tasks(arm, FINAL, chosen)
        if spec.surveys(arm):
            until = yield from self._survey(arm, chosen)
            for seed in {seed for _, seed in tasks} - until.keys():
                self._trainings.give_up(len(chosen))
                tasks = {key: task for key, task in tasks.items() if key[1] != seed}
            tasks = {key: replace(task, until=until[key[1]]) for key, task in tasks.items()}
        run_id = self._recorder.trial(arm, FINAL, None, {})
        yield self._trainings.train(list(tasks.values()), run_id)
        self._finish(run_id, tasks)
        self._finals[arm.name] = tasks

    def _tasks(self, arm: Arm, phase: str, chosen: Chosen) -> dict[tuple[int, int], FoldTask]:
        """Return the tasks of a phase with the chosen trials, by fold and seed."""
        return {
            (fold, seed): self._prepared.task(
                arm, phase, trial.index if trial else None, trial.values if trial else {}, fold, seed
            )
            for fold, trial in chosen.items()
            for seed in range(self._spec.seeds(arm))
        }

    def _survey(self, arm: Arm, chosen: Chosen) -> Chain[dict[int, int]]:
        """Test every epoch of ``arm`` on every fold, and return for each seed the one epoch with the best mean over the
        folds, the first of equal ones; a seed of which a fold failed has none.

        Only accuracies are kept, not the weights of every epoch: the final trainings end after the chosen epoch and so
        have its weights. The survey is one training with arms that learn from the same items.
        """
        tasks = self._tasks(arm, SURVEY, chosen)
        run_id = self._recorder.trial(arm, SURVEY, None, {})
        yield self._trainings.train(list(tasks.values()), run_id, 2)
        until: dict[int, int] = {}
        errors = []
        for seed in range(self._spec.seeds(arm)):
            own = {fold: task for (fold, each), task in tasks.items() if each == seed}
            ended = {fold: self._trainings.ended(task) for fold, task in own.items()}
            failed = {
                fold: each.error if each else "not trained" for fold, each in ended.items() if not each or each.error
            }
            errors += [f"fold {fold} seed {seed}: {error}" for fold, error in failed.items()]
            if failed:
                continue
            until[seed], mean = best_mean([self._trainings.curve(task) for task in own.values()])
            self._progress.line(
                f"{arm.name} seed {seed}: epoch {until[seed]} has the best mean over the test folds, {mean:.1%}"
            )
        self._recorder.finish_trial(run_id, {}, "test", "; ".join(errors))
        return until

    def _choose(self, arm: Arm) -> Chain[Chosen]:
        """Return the chosen trial of each test fold, of this arm's own search or the one that it takes over."""
        if arm.tuned_as is not None:
            other = arm.tuned_as
            yield lambda: other in self._chosen
            chosen = self._chosen[other]
            if chosen is None:
                raise TrainingError(f"{arm.name}: tuned_as = {other!r}, but the search of that arm found no values")
            return chosen
        if not self._spec.searched_trainings(arm):
            return dict.fromkeys(self._spec.tested(arm))
        return (yield from self._search(arm))

    def _search(self, arm: Arm) -> Chain[Chosen]:
        spec = self._spec
        bar = f"search {arm.name}"
        apart = spec.search.sampler == Sampler.PER_FOLD_TPE
        self._progress.begin(bar, f"{arm.name}: trials", spec.search.trials * (len(spec.tested(arm)) if apart else 1))
        # A trial's result is valid only for the same arm, audio and features, whatever other arms the study has.
        key = f"{spec.study.name}/{arm.name}/{search_digest(spec, arm, self._prepared.digests)[:16]}"
        search = ArmSearch(spec, arm, key, self._storage)
        done = [0] * len(search.parts)
        parts = [self._run(arm, part, bar, done, place) for place, part in enumerate(search.parts)]
        yield self._trainings.together(parts)
        self._progress.end(bar)
        outcome = search.outcome()
        self._recorder.log_search(arm.name, outcome.document)
        best = sum(trial.scores[fold] for fold, trial in outcome.chosen.items()) / len(outcome.chosen)
        self._progress.line(
            f"{arm.name}: {len(outcome.trials)} trials, mean validation macro accuracy of the chosen ones {best:.1%}"
        )
        return outcome.chosen

    def _run(self, arm: Arm, part: SearchPart, bar: str, done: list[int], place: int) -> Chain[None]:
        """Train the batches of one part of a search, which has its number of ended trials at ``place`` of ``done``."""
        search = self._spec.search
        found: dict[int, dict[int, FoldScore]] = {}
        while batch := part.next_batch(found):
            left = search.trials - batch[0].index % search.trials
            # The final trainings come after the last batch.
            rounds = math.ceil(left / search.parallel_trials) + 1
            done[place] = search.trials - left
            self._progress.advance(bar, sum(done), _shown(batch[0].values))
            begun = [self._begin(arm, each, rounds) for each in batch]
            yield lambda begun=begun: all(ended() for _, _, ended in begun)  # type: ignore[misc]
            found = {each.index: self._end(run, tasks) for each, (run, tasks, _) in zip(batch, begun, strict=True)}

    def _begin(self, arm: Arm, trial: Proposal, rounds: int) -> tuple[str, list[FoldTask], Any]:
        """Ask for the trainings of a trial; return its run, its tasks and the condition that they have ended."""
        tasks = [
            self._prepared.task(arm, "search", trial.index, trial.values, fold, 0, floor)
            for fold, floor in trial.floors.items()
        ]
        run = self._recorder.trial(arm, "search", trial.index, trial.values)
        return run, tasks, self._trainings.train(tasks, run, rounds)

    def _end(self, run: str, tasks: list[FoldTask]) -> dict[int, FoldScore]:
        """Record a trial whose trainings have ended, and return how each did."""
        found = {task.fold: self._score(task) for task in tasks}
        self._recorder.finish_trial(
            run,
            {fold: each.score for fold, each in found.items() if not (each.error or each.stopped)},
            "validation",
            "; ".join(dict.fromkeys(each.error for each in found.values() if each.error)),
            pruned=any(each.stopped for each in found.values()),
        )
        return found

    def _score(self, task: FoldTask) -> FoldScore:
        ended = self._trainings.ended(task)
        if ended is None or ended.error:
            return FoldScore(error=ended.error if ended else "not trained")
        curve = self._trainings.curve(task)
        stopped = stopped_after(curve, task.floor, task.settings.train.epochs)
        return FoldScore(ended.accuracies["validation"], curve, stopped)

    def _finish(self, run_id: str, tasks: Mapping[tuple[int, int], FoldTask]) -> None:
        """Record the test accuracies of the folds, averaged over seeds, on the arm's run."""
        by_fold: dict[int, list[float]] = {}
        errors = []
        for (fold, seed), task in tasks.items():
            ended = self._trainings.ended(task)
            if ended is None or ended.error:
                errors.append(f"fold {fold} seed {seed}: {ended.error if ended else 'not trained'}")
            else:
                by_fold.setdefault(fold, []).append(ended.accuracies["test"])
        self._recorder.finish_trial(run_id, _means(by_fold), "test", "; ".join(errors))

    def _fuse(self, arm: Arm) -> Chain[None]:
        """Fuse the recorded predictions of streams by fold and seed; nothing is trained."""
        spec, streams = self._spec, arm.fuse or ()
        yield lambda: all(stream in self._finals for stream in streams)
        run_id = self._recorder.trial(arm, "final", None, {})
        by_fold: dict[int, list[float]] = {}
        for fold, seed in itertools.product(spec.tested(arm), range(spec.seeds(arm))):
            tasks = [self._finals[stream].get((fold, seed)) for stream in streams]
            all_ended = [self._trainings.ended(task) if task else None for task in tasks]
            runs = [ended.run_id for ended in all_ended if ended is not None and not ended.error]
            if len(runs) < len(streams):
                # The stream's own row has the error; a fusion of the remaining streams would be another arm.
                continue
            if known := self._recorder.fused_fold(arm, fold, seed, runs):
                by_fold.setdefault(fold, []).append(known.accuracies["test"])
                continue
            predictions = [self._recorder.load_predictions(run) for run in runs]
            fused = fuse_predictions(predictions, str(arm.rule), arm.level)
            table = clip_predictions(fused[fused["part"] == "test"], self._prepared.clips)
            measured = table_scores(table, len(self._prepared.clips.classes))
            self._recorder.log_fused_fold(run_id, arm, fold, seed, fused, table, measured, runs)
            by_fold.setdefault(fold, []).append(measured.macro_accuracy)
        missing = [str(fold) for fold in spec.tested(arm) if len(by_fold.get(fold, ())) < spec.seeds(arm)]
        self._recorder.finish_trial(
            run_id,
            _means(by_fold),
            "test",
            f"streams are missing for folds {', '.join(missing)}" if missing else "",
        )


def best_mean(curves: Sequence[Sequence[float]]) -> tuple[int, float]:
    """Return the epoch, from 1, with the best mean over ``curves`` by epoch, and that mean; the first of equal ones.

    Epochs that some curve lacks, because its hyperparameters have fewer, are left out.
    """
    means = [sum(values) / len(values) for values in zip(*curves, strict=False)]
    best = max(means)
    return means.index(best) + 1, best


def default_storage(tracking_uri: str) -> str:
    """Return the URL of Optuna's storage: a SQLite file next to a local tracking store, else below mlruns/."""
    return f"sqlite:///{(local_folder(tracking_uri) or Path('mlruns')) / 'optuna.db'}"


def _shown(values: dict[str, Any]) -> str:
    return ", ".join(
        f"{Dotted.parse(name).field} {f'{value:.2g}' if isinstance(value, float) else value}"
        for name, value in values.items()
    )


def _means(by_fold: dict[int, list[float]]) -> dict[int, float]:
    return {fold: sum(values) / len(values) for fold, values in by_fold.items()}
