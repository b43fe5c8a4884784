"""From a recorded study to its report: written, written again, or compared with its own predictions."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

from harness.claims import load_library
from harness.data.data_root import resolve_data_root
from harness.data.load_clips import read_inventory
from harness.errors import TrackingError
from harness.record import StudyRecord
from harness.registry import DATASETS, code
from harness.report.folder.check import ReportCheck, check_report
from harness.report.folder.place import check_place
from harness.report.page.clip_player import Audio
from harness.report.write import ReportFiles, rewrite_report, write_report
from harness.running.parts import record_of_parts
from harness.study import StudySpec, TrackingSection, load_study
from harness.system.redaction import mask_secrets
from harness.tracking.store import readable_uri
from harness.tracking.study_reader import read_study
from harness.tracking.study_recorder import log_notes, log_reports
from harness.tracking.sync.delivery import Delivery

_logger = logging.getLogger(__name__)


class ReportKind(StrEnum):
    """How much of its report a study run writes; ``harness report`` writes all of it from the record at any time."""

    FULL = "full"
    """Every file: numbers, tables, figures and the PDF."""
    DATA = "data"
    """results.json, predictions, tables and texts; no figure is drawn, neither for the report nor for a run."""
    NONE = "none"
    """Nothing below the folder of reports; the record alone."""


@dataclass(frozen=True)
class Outcome:
    """The outcome of a study run, for the summary at the end.

    ``report`` is None if none was requested; ``failures`` names the trainings that failed, each with its error;
    ``tracking_uri`` is the store that holds the study (empty if none was read); ``delivery`` is the state of its copy
    on a server, if a server was requested.
    """

    record: StudyRecord
    report: ReportFiles | None
    failures: tuple[str, ...]
    tracking_uri: str
    delivery: Delivery | None = None

    @property
    def place(self) -> str:
        """The URI, as it may be printed, of the store that has all runs: of the server once they are there."""
        return self.delivery.server if self._is_delivered and self.delivery else mask_secrets(self.tracking_uri)

    @property
    def run_id(self) -> str:
        """Id of the study run there."""
        copies = self.delivery.copies if self._is_delivered and self.delivery else {}
        return copies.get(self.record.run_id, self.record.run_id)

    @property
    def open_command(self) -> str:
        """The command, or the address, that opens the runs in a browser."""
        return self.place if self._is_delivered else shlex.join(["harness", "ui", "--tracking-uri", self.place])

    @property
    def _is_delivered(self) -> bool:
        return self.delivery is not None and not self.delivery.error


@dataclass(frozen=True)
class AudioRequest:
    """Sound to embed into report.html: the ``most`` clips that most arms miss, from ``data_root`` (None for the default
    one)."""

    most: int
    data_root: Path | None

    def of(self, spec: StudySpec, folder: Path) -> Audio:
        """Return where the clips of ``spec`` are; ``folder`` is that of the study file, for a user's own data.

        Raises
        ------
        DataError
            When the data set is not below the data root, or its metadata is faulty.
        """
        root, dataset = resolve_data_root(self.data_root), DATASETS.get(spec.data.dataset)
        if dataset.prepare:
            code(dataset.prepare)(root, spec.data.options)
        inventory = read_inventory(spec.data.dataset, root, spec.data.options, folder)
        return Audio({entry.clip_id: entry.path for entry in inventory.entries}, self.most)


def report_study(
    study: str, run_id: str | None, tracking_uri: str | None, reports: Path, audio: AudioRequest | None = None
) -> Outcome:
    """Write the report of a recorded study, and log it to the study run if the store can be written.

    Parameters
    ----------
    study
        Name of the study, or path of its TOML file.
    run_id
        Id of the study run; None for the newest finished one.
    tracking_uri
        Tracking URI of the store; None for that of the study file, or the default.
    reports
        The folder below which reports are written, one folder per study.
    audio
        Sound to embed; it is not logged to the store.

    Raises
    ------
    TrackingError
        When the store has no finished run of that study.
    """
    spec = load_study(Path(study)) if study.endswith(".toml") else None
    uri = readable_uri(tracking_uri or (spec.tracking.uri if spec else TrackingSection().uri))
    name, folder = (spec.study.name, Path(study).parent) if spec else (study, Path())
    sound = partial(audio.of, folder=folder) if audio else None
    outcome = report_run(name, run_id, uri, reports, audio=sound)
    try:
        if outcome.report is not None:
            log_report(uri, outcome.record.run_id, outcome.report)
    except TrackingError as error:
        # Users who may only read the store still get the report.
        _logger.warning("The report was written but could not be logged to its run: %s", error)
    return outcome


def rewrite_study(folder: Path, study: Path | None, audio: AudioRequest | None = None) -> Outcome:
    """Write the report in ``folder`` again from its own predictions, with the present declarations of the file
    ``study``.

    Raises
    ------
    ReportError
        When the folder holds no report that can be read, or the file is of another study.
    """
    sound = partial(audio.of, folder=study.parent if study else Path()) if audio else None
    record, files = rewrite_report(folder, *declared(study), audio=sound)
    return Outcome(record, files, (), "")


def join_parts(study: Path, parts: Sequence[Path], reports: Path, audio: AudioRequest | None = None) -> Outcome:
    """Write the report of a study from the reports of its parts.

    Parameters
    ----------
    study
        The study file.
    parts
        Report folders; see :func:`harness.running.parts.record_of_parts`.
    reports
        The folder below which reports are written, one folder per study.
    audio
        Sound to embed; None for none.

    Raises
    ------
    ReportError
        When a part holds no report that can be read, or the parts are not of this study or contradict each other.
    """
    spec = load_study(study)
    check_place(reports / spec.study.name)
    record = replace(record_of_parts(parts, spec), claims=claimed_papers(spec, study.parent / "claims"))
    sound = audio.of(spec, study.parent) if audio else None
    return Outcome(record, write_report(record, reports / spec.study.name, audio=sound), (), "")


def check_study(folder: Path, study: Path | None) -> ReportCheck:
    """Compare the report in ``folder`` with its own predictions; ``study`` as in :func:`rewrite_study`.

    Raises
    ------
    ReportError
        When the folder holds no report that can be read, or the file is of another study.
    """
    return check_report(folder, *declared(study))


def declared(study: Path | None) -> tuple[StudySpec | None, dict[str, Any] | None]:
    """Return the study in the file ``study`` and the papers that it is compared with.

    Raises as :func:`load_study` and :func:`claimed_papers`.
    """
    spec = load_study(study) if study else None
    return spec, claimed_papers(spec, study.parent / "claims") if spec and study else None


def report_run(
    name: str,
    run_id: str | None,
    tracking_uri: str,
    reports: Path,
    kind: ReportKind = ReportKind.FULL,
    *,
    audio: Callable[[StudySpec], Audio] | None = None,
) -> Outcome:
    """Read a study back from the store and write its report.

    Parameters
    ----------
    name
        Name of the study.
    run_id
        Id of the study run; None for the newest finished one.
    tracking_uri
        Tracking URI of the store.
    reports
        The folder below which reports are written, one folder per study.
    kind
        How much of the report is written.
    audio
        Returns the clips to embed, given the study; None for none.

    Raises
    ------
    TrackingError
        When the study cannot be found or read.
    ReportError
        When the report cannot be written.
    """
    files = None
    if kind is not ReportKind.NONE:
        check_place(reports / name)
    record = read_study(tracking_uri, name, run_id)
    if kind is not ReportKind.NONE:
        sound = audio(record.spec) if audio else None
        files = write_report(record, reports / name, figures=kind is ReportKind.FULL, audio=sound)
    # A search may try values that cannot be trained: the trial is a row with its error, not a failure of the study.
    failed = record.folds[(record.folds["status"] == "FAILED") & (record.folds["phase"] == "final")]
    failures = tuple(f"{row.arm} fold {row.fold} seed {row.seed}: {row.error}" for row in failed.itertuples())
    return Outcome(record, files, failures, tracking_uri)


def log_report(uri: str, run_id: str, report: ReportFiles) -> None:
    """Write a report's files and notes into the runs of its study; raises TrackingError."""
    log_reports(uri, run_id, report.contents)
    log_notes(uri, run_id, report.notes.study, report.notes.arms, report.notes.verdicts)


def claimed_papers(spec: StudySpec, folder: Path | None) -> dict[str, Any]:
    """Return the papers that ``spec`` is compared with, as JSON data by key, to be recorded with the run.

    Raises
    ------
    ClaimsError
        When a claim of the study cannot be found, or a claims file cannot be read.
    """
    library = load_library((folder,) if folder else ())
    keys = {library.claim(comparison.claim).source.key: None for comparison in spec.compare}
    return {key: library.paper(key).model_dump(mode="json", by_alias=True) for key in keys}
