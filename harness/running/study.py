"""run-study, from spec to report: the sequence of all steps.

    spec -> clips -> features -> splits -> search -> final trainings -> fusion -> record -> report

Every step reads the results of the previous one; results that are already recorded are not computed again.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from harness.choices import Sampler
from harness.claims import FOLDER
from harness.data.data_root import resolve_data_root
from harness.devices import default_workers, resolve_device
from harness.errors import TrainingError
from harness.executors.events import OpenExecutor
from harness.executors.local import local_executor
from harness.report.folder.place import check_place
from harness.running.reports import Outcome, ReportKind, claimed_papers, report_run
from harness.running.study_inputs import StudyInputs, check_precisions, study_inputs, user_cache
from harness.running.trainings import Trainings
from harness.search.arm_search import search_arm
from harness.search.trials import FoldScore, TrialRecord
from harness.study import Arm, Dotted, StudySpec
from harness.system.redaction import mask_secrets
from harness.terminal.interrupt import Saved
from harness.terminal.progress import Progress
from harness.tracking.digests import search_digest
from harness.tracking.lease import study_lease
from harness.tracking.study_recorder import StudyRecorder, log_reports
from harness.tracking.sync.delivery import Delivery, send_waiting
from harness.tracking.sync.spool import recording_uri
from harness.tracking.uri import local_folder
from harness.training.fuse import fuse_predictions
from harness.training.metrics import clip_predictions, table_scores
from harness.training.task import FoldTask, stopped_after

_logger = logging.getLogger(__name__)

_SENDING = "sending"

Finals = dict[str, dict[tuple[int, int], FoldTask]]
"""Final trainings by arm, then by fold and seed index."""


@dataclass(frozen=True)
class Options:
    """Where a study runs and writes: everything that is not part of the study itself.

    Attributes
    ----------
    data_root
        The folder that holds the data sets.
    cache
        The folder of computed features.
    reports
        The folder below which reports are written, one folder per study.
    tracking_uri
        Tracking URI of the store or server.
    device
        ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
    workers
        How many trainings run at once; None for as many as the device allows.
    overrides
        The values of ``--set``.
    command
        The exact command line.
    claims
        The folder of the user's own claims files, in addition to those that ship with the project; None for none.
    folder
        The folder of the study file, to which the files and modules that it names are relative.
    report
        How much of the report is written.
    executor
        Makes the executor of the trainings.
    wait
        Whether to wait for another process that runs the same study; otherwise that is an InUseError.
    """

    data_root: Path
    cache: Path
    reports: Path
    tracking_uri: str
    device: str
    workers: int | None
    overrides: tuple[str, ...] = ()
    command: str = ""
    claims: Path | None = None
    folder: Path = Path()
    report: ReportKind = ReportKind.FULL
    executor: OpenExecutor = local_executor
    wait: bool = True

    @classmethod
    def of(
        cls,
        spec: StudySpec,
        file: Path,
        overrides: Sequence[str],
        command: str,
        *,
        data_root: Path | None,
        cache: Path | None,
        reports: Path,
        tracking_uri: str | None,
        device: str,
        workers: int | None,
        report: str,
        wait: bool = True,
    ) -> Self:
        """Return the options of a run of the study in ``file``, with defaults for what is None.

        Parameters
        ----------
        spec
            The study.
        file
            Its file; claims and code are next to it.
        overrides, command, reports, device, workers, wait
            As in the class.
        data_root
            None for HARNESS_DATA, else a folder in the user's cache.
        cache
            None for a folder in the user's cache.
        tracking_uri
            None for that of the study.
        report
            ``full``, ``data`` or ``none``.
        """
        return cls(
            data_root=resolve_data_root(data_root),
            cache=cache or user_cache(),
            reports=reports,
            tracking_uri=tracking_uri or spec.tracking.uri,
            device=device,
            workers=workers,
            overrides=tuple(overrides),
            command=command,
            claims=file.parent / FOLDER,
            folder=file.parent,
            report=ReportKind(report),
            wait=wait,
        )


def run_study(spec: StudySpec, options: Options, progress: Progress) -> Outcome:
    """Run all steps of ``spec``: search, final trainings, fusion, record and report. An interrupted run is resumed.

    Raises
    ------
    HarnessError
        When the study cannot continue; finished trainings remain recorded. A single training that fails is a row with
        its error and does not stop the others.
    """
    if options.report is not ReportKind.NONE:
        check_place(options.reports / spec.study.name)
    papers = claimed_papers(spec, options.claims)
    device = resolve_device(options.device)
    check_precisions(spec, device)
    workers = options.workers or default_workers(device, spec.train.threads)
    # Studies of a server are recorded on this machine first.
    store = recording_uri(options.tracking_uri)
    shown = mask_secrets(store)
    with (
        Saved(mask_secrets(options.command), lambda: f"computed features are kept in {options.cache}") as saved,
        ExitStack() as until_sent,
    ):
        prepared = study_inputs(spec, options.data_root, options.cache, workers, device, progress, options.folder)
        lease = until_sent.enter_context(
            study_lease(options.tracking_uri, spec, prepared.digests["data"], progress.line, wait=options.wait)
        )
        with (
            StudyRecorder.open(
                options.tracking_uri,
                spec,
                clips=prepared.clips,
                leakage=prepared.leakage,
                digests=prepared.digests,
                command=options.command,
                overrides=options.overrides,
                claims=papers,
                own=prepared.code,
                networks=prepared.networks,
                lease=lease,
                tell=progress.line,
            ) as recorder,
            options.executor(workers, device) as executor,
        ):
            saved.what = lambda: f"{len(recorder.finished_folds())} finished trainings are recorded in {shown}"
            trainings = Trainings(
                recorder, executor, prepared.clips, progress, pictures=options.report is ReportKind.FULL
            )
            failures = _train(prepared, recorder, trainings, store, progress)
            run_id = recorder.run_id
        saved.what = lambda: f"all trainings are recorded in {shown}, but the report or its copies are not finished"
        outcome = report_run(spec.study.name, run_id, store, options.reports, options.report)
        if outcome.report is not None:
            log_reports(store, run_id, outcome.report.contents)
        deliveries = send_waiting_runs(options.tracking_uri, progress)
    return replace(outcome, failures=(*failures, *outcome.failures), delivery=deliveries[0] if deliveries else None)


def _train(
    prepared: StudyInputs, recorder: StudyRecorder, trainings: Trainings, store: str, progress: Progress
) -> list[str]:
    """Search, train and fuse every arm; return the errors of arms that could not be searched."""
    chosen: dict[str, dict[int, TrialRecord | None]] = {}
    failures = []
    # An arm that takes over the search of another comes after it, whatever their order in the study file.
    for arm in sorted(prepared.spec.trained_arms, key=lambda arm: arm.tuned_as is not None):
        try:
            if arm.tuned_as is None:
                chosen[arm.name] = _search(prepared, arm, trainings, recorder, store, progress)
            elif arm.tuned_as in chosen:
                chosen[arm.name] = chosen[arm.tuned_as]
            else:
                raise TrainingError(
                    f"{arm.name}: tuned_as = {arm.tuned_as!r}, but the search of that arm found no values"
                )
        except TrainingError as error:
            # No trial of this arm could be trained; the other arms still can.
            recorder.finish_trial(recorder.trial(arm, "final", None, {}), {}, "test", str(error))
            failures.append(str(error))
    finals = _train_finals(prepared, chosen, trainings, recorder)
    _fuse(prepared, finals, trainings, recorder)
    return failures


def send_waiting_runs(uri: str | None, progress: Progress) -> list[Delivery]:
    """Send the waiting runs for the server at ``uri``, or for every server if it is None, with a progress bar.

    Raises
    ------
    TrackingError
        When the runs recorded on this machine cannot be read.
    """
    begun = False

    def on_sent(done: int, total: int) -> None:
        nonlocal begun
        if not begun:
            progress.begin(_SENDING, "sending runs", total)
            begun = True
        progress.advance(_SENDING, done)

    deliveries = send_waiting(uri, on_sent)
    if begun:
        progress.end(_SENDING)
    return deliveries


def _search(
    prepared: StudyInputs, arm: Arm, trainings: Trainings, recorder: StudyRecorder, store: str, progress: Progress
) -> dict[int, TrialRecord | None]:
    """Return the chosen trial of each test fold; None if nothing is searched."""
    spec = prepared.spec
    if not (spec.search.trials and arm.searches):
        return dict.fromkeys(spec.test_folds)
    bar = f"search {arm.name}"
    alone = spec.search.sampler == Sampler.PER_FOLD_TPE
    progress.begin(bar, f"{arm.name}: trials", spec.search.trials * (len(spec.test_folds) if alone else 1))

    def evaluate(index: int, values: dict[str, Any], floors: Mapping[int, tuple[float, ...]]) -> dict[int, FoldScore]:
        progress.advance(bar, index, _told(values))
        return _evaluate_trial(prepared, arm, index, values, floors, trainings, recorder)

    # A trial's result is valid only for the same arm, audio and features, whatever other arms the study has.
    key = f"{spec.study.name}/{arm.name}/{search_digest(spec, arm, prepared.digests)[:16]}"
    outcome = search_arm(spec, arm, key, spec.search.storage or default_storage(store), evaluate)
    recorder.log_search(arm.name, outcome.document)
    progress.end(bar)
    best = sum(trial.scores[fold] for fold, trial in outcome.chosen.items()) / len(outcome.chosen)
    progress.line(
        f"{arm.name}: {len(outcome.trials)} trials, mean validation macro accuracy of the chosen ones {best:.1%}"
    )
    return dict(outcome.chosen)


def _told(values: dict[str, Any]) -> str:
    return ", ".join(
        f"{Dotted.parse(name).field} {f'{value:.2g}' if isinstance(value, float) else value}"
        for name, value in values.items()
    )


def default_storage(tracking_uri: str) -> str:
    """Return the URL of Optuna's storage: a SQLite file next to a local tracking store, else below mlruns/."""
    return f"sqlite:///{(local_folder(tracking_uri) or Path('mlruns')) / 'optuna.db'}"


def _evaluate_trial(
    prepared: StudyInputs,
    arm: Arm,
    index: int,
    values: dict[str, Any],
    floors: Mapping[int, tuple[float, ...]],
    trainings: Trainings,
    recorder: StudyRecorder,
) -> dict[int, FoldScore]:
    """Train a trial on the folds of ``floors``, and return how each ended, in whatever order they end."""
    tasks = [prepared.task(arm, "search", index, values, fold, 0, floor) for fold, floor in floors.items()]
    trial_run = recorder.trial(arm, "search", index, values)
    trainings.run(tasks, {task.key: trial_run for task in tasks})
    found = {task.fold: _fold_score(task, trainings) for task in tasks}
    recorder.finish_trial(
        trial_run,
        {fold: each.score for fold, each in found.items() if not (each.error or each.stopped)},
        "validation",
        "; ".join(dict.fromkeys(each.error for each in found.values() if each.error)),
        pruned=any(each.stopped for each in found.values()),
    )
    return found


def _fold_score(task: FoldTask, trainings: Trainings) -> FoldScore:
    ended = trainings.ended(task)
    if ended is None or ended.error:
        return FoldScore(error=ended.error if ended else "not trained")
    curve = trainings.curve(task)
    stopped = stopped_after(curve, task.floor, task.settings.train.epochs)
    return FoldScore(ended.accuracies["validation"], curve, stopped)


def _train_finals(
    prepared: StudyInputs,
    chosen: dict[str, dict[int, TrialRecord | None]],
    trainings: Trainings,
    recorder: StudyRecorder,
) -> Finals:
    """Train and test every chosen arm on every test fold and seed with its chosen hyperparameters."""
    spec = prepared.spec
    finals: Finals = {}
    parents: dict[str, str] = {}
    for name, trials in chosen.items():
        arm = spec.arm(name)
        run_id = recorder.trial(arm, "final", None, {})
        finals[name] = {
            (fold, seed): prepared.task(
                arm, "final", trial.index if trial else None, trial.values if trial else {}, fold, seed
            )
            for fold, trial in trials.items()
            for seed in range(spec.seeds(arm))
        }
        parents |= {task.key: run_id for task in finals[name].values()}
    trainings.run([task for tasks in finals.values() for task in tasks.values()], parents)
    for name, tasks in finals.items():
        _finish_arm(spec.arm(name), tasks, trainings, recorder)
    return finals


def _finish_arm(
    arm: Arm, tasks: dict[tuple[int, int], FoldTask], trainings: Trainings, recorder: StudyRecorder
) -> None:
    """Record the test accuracies of the folds, averaged over seeds, on the arm's run."""
    by_fold: dict[int, list[float]] = {}
    errors = []
    for (fold, seed), task in tasks.items():
        ended = trainings.ended(task)
        if ended is None or ended.error:
            errors.append(f"fold {fold} seed {seed}: {ended.error if ended else 'not trained'}")
        else:
            by_fold.setdefault(fold, []).append(ended.accuracies["test"])
    recorder.finish_trial(recorder.trial(arm, "final", None, {}), _means(by_fold), "test", "; ".join(errors))


def _fuse(prepared: StudyInputs, finals: Finals, trainings: Trainings, recorder: StudyRecorder) -> None:
    """Fuse the recorded predictions of streams by fold and seed; nothing is trained."""
    spec = prepared.spec
    for arm in spec.arms:
        if arm.fuse is None or arm.rule is None:
            continue
        run_id = recorder.trial(arm, "final", None, {})
        by_fold: dict[int, list[float]] = {}
        for fold, seed in itertools.product(spec.test_folds, range(spec.seeds(arm))):
            tasks = [finals.get(stream, {}).get((fold, seed)) for stream in arm.fuse]
            all_ended = [trainings.ended(task) if task else None for task in tasks]
            runs = [ended.run_id for ended in all_ended if ended is not None and not ended.error]
            if len(runs) < len(arm.fuse):
                # The stream's own row has the error; a fusion of the remaining streams would be another arm.
                continue
            fused = fuse_predictions([recorder.load_predictions(run) for run in runs], arm.rule, arm.level)
            table = clip_predictions(fused[fused["part"] == "test"], prepared.clips)
            measured = table_scores(table, len(prepared.clips.classes))
            recorder.log_fused_fold(run_id, arm, fold, seed, fused, table, measured)
            by_fold.setdefault(fold, []).append(measured.macro_accuracy)
        missing = [str(fold) for fold in spec.test_folds if len(by_fold.get(fold, ())) < spec.seeds(arm)]
        recorder.finish_trial(
            run_id,
            _means(by_fold),
            "test",
            f"streams are missing for folds {', '.join(missing)}" if missing else "",
        )


def _means(by_fold: dict[int, list[float]]) -> dict[int, float]:
    return {fold: sum(values) / len(values) for fold, values in by_fold.items()}
