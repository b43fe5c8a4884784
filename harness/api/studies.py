"""Studies, reports and trained networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.study import StudySpec
from harness.study import load_study as read_study_file
from harness.study.shipped import study_path

if TYPE_CHECKING:
    import pandas as pd

    from harness.record import StudyRecord
    from harness.running.prediction import Predictor


@dataclass(frozen=True)
class StudyResults:
    """The results of a study.

    Attributes
    ----------
    study
        The study as it was recorded.
    findings
        The findings of the report in sentences.
    marks
        Reasons why the numbers must not be read as a plain cross-validation, in sentences; usually empty.
    tables
        Every table of the report by name, at full precision: ``accuracy``, ``folds``, ``classes``, ``comparison``,
        ``contrasts``, ``leakage``, and others that the study has.
    predictions
        One row per tested clip, arm, fold and seed: ``arm``, ``fold``, ``seed``, ``clip_id``, ``recording``,
        ``y_true`` and the probabilities ``p_0``, ``p_1``, ...
    classes
        Class names; the position is the label.
    failures
        Errors of trainings that failed; empty if all finished.
    report
        Folder of the report; None if none was written.
    """

    study: StudySpec
    findings: tuple[str, ...]
    marks: tuple[str, ...]
    tables: Mapping[str, pd.DataFrame] = field(repr=False)
    predictions: pd.DataFrame = field(repr=False)
    classes: tuple[str, ...]
    failures: tuple[str, ...] = ()
    report: Path | None = None

    @property
    def accuracy(self) -> pd.DataFrame:
        """One row per arm: mean, SD and interval of its accuracies over folds."""
        return self.tables["accuracy"]

    @property
    def folds(self) -> pd.DataFrame:
        """One row per arm and fold, seeds averaged."""
        return self.tables["folds"]


def load_study(study: str | Path, overrides: Sequence[str] = ()) -> StudySpec:
    """Return a study, checked.

    Parameters
    ----------
    study
        A study file, or the name of a study that ships with the package.
    overrides
        Values to set over it, such as ``"train.epochs=3"``.

    Raises
    ------
    StudyError
        When there is no such study, or it has a fault.

    Examples
    --------
    >>> study = load_study("quickstart", ["train.epochs=2"])
    >>> [arm.name for arm in study.arms]
    ['log-mel', 'MFCC', 'fusion']
    """
    return read_study_file(study_path(str(study)), overrides)


def run_study(
    study: str | Path,
    overrides: Sequence[str] = (),
    *,
    data_root: str | Path | None = None,
    device: str = "auto",
    devices: str | Sequence[str] | None = None,
    workers: int | None = None,
    executor: str = "local",
    address: str | None = None,
    tracking_uri: str | None = None,
    reports: str | Path = "reports",
    cache: str | Path | None = None,
    report: str = "full",
    arms: Sequence[str] = (),
) -> StudyResults:
    """Run a study from audio to report, as ``harness run-study`` does; an interrupted study resumes.

    Code that the study names is run; see :mod:`harness.own_code`.

    Parameters
    ----------
    study
        A study file, or the name of a study that ships with the package.
    overrides
        Values to set over it, such as ``"train.epochs=3"``.
    data_root
        The folder that holds the data sets; by default HARNESS_DATA, else a folder in the user's cache.
    device
        ``auto`` (every GPU, else the CPU), ``cpu``, ``cuda``, ``cuda:N``, ``mps`` (untested), or several GPUs:
        ``cuda:0,cuda:1``.
    devices
        Another name of ``device``, which also takes several as a sequence: ``["cuda:0", "cuda:1"]``.
    workers
        How many trainings run at once; by default as many as the devices allow. With more than one on the CPU, call
        this below ``if __name__ == "__main__":``, since workers are new processes.
    executor
        Where trainings run: ``local``, processes of this machine; or ``ray``, a Ray cluster
        (``pip install 'harness[ray]'``). Results do not depend on it.
    address
        ``HOST:PORT`` of the Ray cluster; by default one on this machine alone, which ends with the study.
    tracking_uri
        MLflow store; by default that of the study.
    reports
        The folder below which the report is written.
    cache
        The folder of computed features; by default in the user's cache.
    report
        ``full``, ``data`` (no figures, no PDF) or ``none``.
    arms
        Names of the arms to train now, with those that they need; ``*`` stands for any text. By default all.

    Raises
    ------
    HarnessError
        When the study cannot be run. A single training that fails is a row of ``failures`` instead.
    """
    from harness.errors import TrainingError
    from harness.executors.choose import choose_executor
    from harness.running.study import Options
    from harness.running.study import run_study as run
    from harness.terminal.progress import Silent

    if devices is not None and device != "auto":
        raise TrainingError(f"device = {device!r} and devices = {devices!r} are two names of one argument; give one")
    features = Path(cache) if cache is not None else None
    path = study_path(str(study))
    spec = read_study_file(path, overrides)
    options = Options.of(
        spec,
        path,
        overrides,
        f"harness.run_study({str(study)!r})",
        data_root=Path(data_root) if data_root is not None else None,
        cache=features,
        reports=Path(reports),
        tracking_uri=tracking_uri,
        device=device if devices is None else devices if isinstance(devices, str) else ",".join(devices),
        workers=workers,
        report=report,
        executor=choose_executor(executor, address, workers, spec, features),
        arms=arms,
    )
    outcome = run(spec, options, Silent())
    folder = outcome.report.folder if outcome.report is not None else None
    return _results(outcome.record, outcome.failures, folder)


def load_report(folder: str | Path, study: str | Path | None = None) -> StudyResults:
    """Return the results in a report folder, computed from its predictions.

    Parameters
    ----------
    folder
        Folder of the report.
    study
        The study file, or the name of a study that ships with the package, whose declarations are used and next to
        which its own claims are; without it, comparisons with claims that do not ship with the package are left out.

    Raises
    ------
    ReportError
        When the folder has no report that can be read, or ``study`` is another study.
    """
    from harness.report.folder.read import open_report, record_of_report
    from harness.running.reports import declared

    place = Path(folder)
    spec, claims = declared(study_path(str(study)) if study is not None else None)
    return _results(replace(record_of_report(open_report(place), spec), claims=claims or {}), (), place)


def load_model(
    where: str | Path,
    tracking_uri: str | None = None,
    *,
    arm: str | None = None,
    fold: int | None = None,
    seed: int | None = None,
    ensemble: bool = False,
    study_folder: str | Path | None = None,
) -> Predictor:
    """Return trained networks, ready to classify recordings.

    ``load_model(...).predict(["door.wav"])`` returns a table of probabilities; ``.module`` is the torch module of a
    single network.

    Parameters
    ----------
    where
        Id of a study, arm or fold run, whose first letters suffice; ``models:/m-...``, a logged model of MLflow; the
        folder of a report, whose runs are in the store; or a folder to which ``harness export`` wrote.
    tracking_uri
        MLflow store; by default the one in this folder.
    arm
        The arm, if there are several. A fused arm predicts by its streams.
    fold
        The test fold, on which the network was not trained; by default the first.
    seed
        Index of the seed; by default the first.
    ensemble
        Whether to average the probabilities of all folds and seeds, or of those that match ``fold`` and ``seed``.
    study_folder
        Folder of the study file, for networks and planes of the user's own code; it allows that code to run.

    Raises
    ------
    HarnessError
        When there is no such training, it kept no network, or its code is not allowed to run.
    """
    from harness.running.prediction import Choice, open_predictor
    from harness.study import TrackingSection

    return open_predictor(
        where,
        Choice(arm, fold, seed, ensemble),
        tracking_uri or TrackingSection().uri,
        None if study_folder is None else Path(study_folder),
    )


def _results(record: StudyRecord, failures: tuple[str, ...], folder: Path | None) -> StudyResults:
    from harness.report.evidence import gather
    from harness.report.topics import sections_of
    from harness.report.topics.network_layers import layer_tables
    from harness.report.topics.opening import findings

    evidence = gather(record, layer_tables(record))
    tables = {table.name: table.data for section in sections_of(evidence) for table in section.tables}
    return StudyResults(
        study=record.spec,
        findings=tuple(each.text for each in findings(evidence)),
        marks=evidence.marks,
        tables=tables,
        predictions=record.predictions,
        classes=record.classes,
        failures=failures,
        report=folder,
    )
