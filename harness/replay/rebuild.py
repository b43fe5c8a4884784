"""From the record of a run back to the tasks it trained, and to the conditions of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.choices import Precision
from harness.devices import default_workers, resolve_device
from harness.errors import StudyError, TrackingError, TrainingError
from harness.replay.outcome import FINAL
from harness.replay.training_conditions import SETTING, Difference, differences, run_conditions
from harness.running.study_inputs import StudyInputs, study_inputs
from harness.study import StudySpec
from harness.study.bounds import require_bounded
from harness.terminal.progress import Progress
from harness.tracking.digests import part_digest
from harness.tracking.recorded_run import RecordedFold, RecordedRun
from harness.tracking.runs import flat_settings
from harness.training.task import FoldTask

AS_RECORDED = "recorded"
REST = "seed, labels or rules"
"""The digest of the complete task, which covers what has no digest of its own."""
_OWN_DIGEST = (SETTING, "data", "features", "split")


def recorded_spec(run: RecordedRun) -> StudySpec:
    """Return the study that ``run`` belongs to, as it was recorded.

    Raises
    ------
    TrackingError
        When a value exceeds its bound, or the study lacks an arm that was trained.
    """
    try:
        # It will be trained again, and a forged record must not exhaust the memory.
        require_bounded(run.spec, f"study.json of run {run.study_run}")
    except StudyError as error:
        raise TrackingError(*error.args) from None
    arms = [arm.name for arm in run.spec.arms]
    for fold in run.folds:
        if fold.arm not in arms:
            raise TrackingError(
                f"study.json of run {run.study_run} has no arm {fold.arm!r}, which run {fold.run_id} trained; it has: "
                f"{', '.join(arms)}. Was the file changed after recording?"
            )
    return run.spec


def rebuild_inputs(
    spec: StudySpec,
    folds: Sequence[RecordedFold],
    data_root: Path,
    cache: Path,
    workers: int,
    device: str,
    progress: Progress,
    folder: Path | None = None,
) -> StudyInputs:
    """Load clips, features and splits for the arms of ``folds``.

    Parameters
    ----------
    spec
        The recorded study.
    folds
        The recorded trainings to repeat; features of other arms are not loaded.
    data_root
        The folder that holds the data sets.
    cache
        The folder of computed features.
    workers
        How many trainings run at once.
    device
        The device that trains (``"cpu"``, ``"cuda"`` or ``"cuda:N"``); features are computed on it as well, since those
        of a GPU differ from a CPU's in their last digits.
    progress
        Shows the progress of computing features.
    folder
        The folder of the study file, for a study that names files or code; None allows no code to run.

    Raises
    ------
    HarnessError
        As :func:`harness.running.study_inputs.study_inputs`.
    """
    arms = {fold.arm for fold in folds}
    # A fold of one arm needs no features of the others.
    needed = spec.model_copy(update={"arms": tuple(arm for arm in spec.arms if arm.name in arms)})
    return study_inputs(needed, data_root, cache, workers, device, progress, folder)


def rebuild_task(prepared: StudyInputs, fold: RecordedFold) -> FoldTask:
    """Return the task of a recorded training, on the device that ``prepared`` is for.

    Raises
    ------
    TrainingError
        When the recorded study does not test this fold, or the hyperparameters do not fit this version's networks.
    """
    tested = prepared.spec.tested(prepared.spec.arm(fold.arm))
    if fold.fold not in tested:
        raise TrainingError(
            f"{fold.task_key}: the recorded study tests folds {', '.join(map(str, tested))}, not {fold.fold}; was "
            "study.json changed after recording?"
        )
    try:
        arm = prepared.spec.arm(fold.arm)
        task = prepared.task(arm, fold.phase, fold.trial, dict(fold.values), fold.fold, fold.seed, fold.floor)
    except ValueError as error:
        raise TrainingError(f"{fold.task_key}: the recorded hyperparameters do not fit this version: {error}") from None
    # Weights that the run kept are compared, whatever the study now says about keeping them.
    return replace(task, keep_weights=fold.phase == FINAL, until=fold.until)


def device_of(fold: RecordedFold, asked: str) -> str:
    """Return the device to repeat ``fold`` on; ``recorded`` is the kind of device that it had.

    Raises
    ------
    TrainingError
        When this machine lacks that device.
    """
    if asked != AS_RECORDED:
        return resolve_device(asked)
    name = fold.conditions.get("device", "")
    gpus = [gpu["name"] for gpu in fold.environment.get("hardware", {}).get("gpus", ())]
    kind = "mps" if name.endswith("(mps)") else "cuda" if name in gpus else "cpu"
    try:
        return resolve_device(kind)
    except TrainingError:
        raise TrainingError(
            f"{fold.task_key}: it was trained on {name}, and this machine has no {kind.upper()} device; --device cpu "
            "trains it on the CPU, where an equal result cannot be expected"
        ) from None


def require_precision(spec: StudySpec, devices: Mapping[str, Sequence[RecordedFold]]) -> None:
    """Refuse trainings, given by device, if none of them can be repeated there, before anything is loaded.

    If some can, the others are reported one by one in their turn.

    Raises
    ------
    TrainingError
        When all compute in bfloat16 and no device supports it.
    """
    from harness.devices import open_device
    from harness.training.isolation import device_name
    from harness.training.precision import has_bfloat16

    refused = ""
    for device, folds in devices.items():
        for fold in folds:
            try:
                precision = spec.settings(spec.arm(fold.arm), dict(fold.values)).train.precision
            except ValueError:
                # Reported when its task is rebuilt.
                return
            if precision != Precision.BFLOAT16 or has_bfloat16(place := open_device(device)):
                return
            refused = refused or (
                f"{fold.task_key}: it was trained in bfloat16, which {device_name(place)} does not support; replay it "
                "on an x86 processor with AVX-512 or on a GPU that supports it"
            )
    if refused:
        raise TrainingError(refused)


def workers_for(folds: Sequence[RecordedFold], device: str, asked: int | None) -> int:
    """Return how many trainings run at once: ``asked`` if given, else the default of ``run-study``."""
    threads = max((int(fold.conditions.get("threads", "1")) for fold in folds), default=1)
    return asked or default_workers(device, threads)


def recorded_conditions(fold: RecordedFold) -> dict[str, str]:
    """Return the conditions of a recorded training, by name: of its session, of the training, and of its inputs."""
    return (
        run_conditions(fold.environment)
        | _of_training(fold.conditions)
        | _of_inputs(fold.digests, fold.parts)
        | {f"{SETTING} {name}": value for name, value in fold.settings.items()}
    )


def conditions_apart(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Difference, ...]:
    """Return the conditions that differ; that of the complete task only if no other explains it."""
    found = differences(before, after)
    explained = any(each.name.startswith(_OWN_DIGEST) for each in found)
    return tuple(each for each in found if not (explained and each.name == REST))


def replay_conditions(
    task: FoldTask, fold: RecordedFold, data_digest: str, environment: Mapping[str, Any], trained: Mapping[str, str]
) -> dict[str, str]:
    """Return the conditions of the training that repeats ``fold``, named as by :func:`recorded_conditions`.

    The digest of a split's part is computed with the recorded data digest, so that changed audio is not reported as a
    changed split as well.

    Parameters
    ----------
    task
        The task that was trained again.
    fold
        The recorded training.
    data_digest
        Digest of the audio that the repetition used.
    environment
        The environment of the repetition, as in ``environment.json``.
    trained
        ``FoldResult.conditions`` of the repetition.
    """
    split = {"train": task.split.train, "validation": task.split.validation, "test": task.split.test}
    kept = {name: len(digest) for name, digest in fold.parts.items()}
    parts = {
        name: part_digest(part, fold.digests["data"])[: kept[name]] for name, part in split.items() if name in kept
    }
    digests = {"task": task.digest, "data": data_digest, "features": task.features.digest}
    settings = {f"{SETTING} {name}": str(value) for name, value in flat_settings(task.settings).items()}
    return run_conditions(environment) | _of_training(trained) | _of_inputs(digests, parts) | settings


def _of_training(conditions: Mapping[str, str]) -> dict[str, str]:
    names = {"device": "device", "threads": "threads", "precision": "precision", "torch": "torch build"}
    return {shown: conditions[name] for name, shown in names.items() if name in conditions}


def _of_inputs(digests: Mapping[str, str], parts: Mapping[str, str]) -> dict[str, str]:
    shown = {"data": "data digest", "features": "features digest", "task": REST}
    named = {title: digests[name] for name, title in shown.items() if digests.get(name, "-") != "-"}
    return named | {f"split, {part} part": digest for part, digest in parts.items()}
