"""run-study, from spec to report: the sequence of all steps.

    spec -> clips -> features -> splits -> search -> final trainings -> fusion -> record -> report

Every step reads the results of the previous one; results that are already recorded are not computed again.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from harness.claims import FOLDER
from harness.data.data_root import resolve_data_root
from harness.devices import resolve_devices, worker_devices
from harness.executors.events import OpenExecutor
from harness.executors.local import local_executor
from harness.report.folder.place import check_place
from harness.running.arm_chains import StudyArms
from harness.running.reports import Outcome, ReportKind, claimed_papers, log_report, report_run
from harness.running.study_inputs import check_precisions, study_inputs, user_cache
from harness.running.trainings import Trainings
from harness.study import StudySpec, stage_of
from harness.system.redaction import mask_secrets
from harness.terminal.interrupt import Saved
from harness.terminal.progress import Progress
from harness.tracking.study_lease import StudyLease, study_lease
from harness.tracking.study_recorder import StudyRecorder
from harness.tracking.sync.delivery import Delivery, send_waiting
from harness.tracking.sync.spool import recording_uri

_logger = logging.getLogger(__name__)

_SENDING = "sending"


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
        ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or several GPUs, as in :func:`harness.devices.resolve_devices`.
    workers
        How many trainings run at once; None for as many as the devices allow.
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
    arms
        Names or patterns of the arms to train now, as in :func:`harness.study.stage_of`; none for all.
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
    arms: tuple[str, ...] = ()

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
        executor: OpenExecutor = local_executor,
        arms: Sequence[str] = (),
    ) -> Self:
        """Return the options of a run of the study in ``file``, with defaults for what is None.

        Parameters
        ----------
        spec
            The study.
        file
            Its file; claims and code are next to it.
        overrides, command, reports, device, workers, wait, executor, arms
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
            executor=executor,
            arms=tuple(arms),
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
    stage = stage_of(spec, options.arms)
    papers = claimed_papers(spec, options.claims)
    devices = resolve_devices(options.device)
    for device in devices:
        check_precisions(spec, device)
    workers = worker_devices(devices, options.workers, spec.train.threads)
    if len(devices) > 1:
        progress.line(f"{len(workers)} workers on {', '.join(devices)}")
    # Studies of a server are recorded on this machine first.
    store = recording_uri(options.tracking_uri)
    shown = mask_secrets(store)
    with (
        Saved(mask_secrets(options.command), lambda: f"computed features are kept in {options.cache}") as saved,
        ExitStack() as until_sent,
    ):
        prepared = study_inputs(
            spec, options.data_root, options.cache, len(workers), devices[0], progress, options.folder
        )
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
            options.executor(workers) as executor,
        ):
            saved.what = lambda: f"{len(recorder.finished_folds())} finished trainings are recorded in {shown}"
            trainings = Trainings(
                recorder,
                executor,
                prepared.clips,
                progress,
                spec.expected_trainings(stage),
                pictures=options.report is ReportKind.FULL,
            )
            arms = StudyArms(prepared, recorder, trainings, store, progress, stage)
            trainings.run(arms.chains())
            if later := len(spec.arms) - len(stage):
                progress.line(f"{later} of {len(spec.arms)} arms are not part of this stage; run again without --arms")
            run_id = recorder.run_id
        saved.what = lambda: f"all trainings are recorded in {shown}, but the report or its copies are not finished"
        outcome = report_run(spec.study.name, run_id, store, options.reports, options.report)
        if outcome.report is not None:
            log_report(store, run_id, outcome.report)
        deliveries = send_waiting_runs(options.tracking_uri, progress, lease)
    failures = (*arms.failures, *outcome.failures)
    return replace(outcome, failures=failures, delivery=deliveries[0] if deliveries else None)


def send_waiting_runs(uri: str | None, progress: Progress, lease: StudyLease | None = None) -> list[Delivery]:
    """Send the waiting runs for the server at ``uri``, or for every server if it is None, with a progress bar.

    ``lease`` is the one on the study that this process has run.

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

    deliveries = send_waiting(uri, on_sent, lease)
    if begun:
        progress.end(_SENDING)
    return deliveries
