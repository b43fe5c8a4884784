"""What a study would run, and an estimate of its duration; nothing is trained, computed or written."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.choices import FinalTrain
from harness.data.clips import ClipTable
from harness.data.data_root import resolve_data_root
from harness.data.load_clips import load_clips
from harness.data.splits import Part, Split, make_splits
from harness.devices import resolve_devices, worker_devices
from harness.features.sets import expected_segments, plane_rows, set_shape
from harness.features.vectors import read_vectors
from harness.registry import Layout
from harness.running.study_inputs import activate_code, check_precisions
from harness.study import Arm, ArmSettings, ProtocolSection, StudySpec, stage_of
from harness.terminal.progress import Silent
from harness.training.probe import Probe, probe_network


@dataclass(frozen=True)
class ArmPlan:
    """One arm of a plan. A fused arm has no trainings, nor has one that shares those of ``trained_with``.

    ``search_items`` and ``items`` are mean numbers of training items (segments, or images) per fold: in a search, and
    in a final training, which may also learn from the validation part. ``epochs`` are the fewest and the most that a
    search may choose, or twice the arm's own. ``seconds`` estimates the wall time of all trainings of the arm, each
    with the mean of these numbers of epochs, from the measured ``items_per_second`` on this machine; ``parameters``
    counts weights. ``work`` is the time of all trainings on one worker, and ``chain`` that of those that must follow
    each other: one of each batch of the search, and a final one.
    """

    name: str
    model: str
    features: str
    trials: int
    search_trainings: int
    final_trainings: int
    epochs: tuple[int, int]
    search_items: int
    items: int
    parameters: int
    items_per_second: float
    seconds: float
    trained_with: str = ""
    work: float = 0.0
    chain: float = 0.0


@dataclass(frozen=True)
class Plan:
    """A study's plan; ``splits`` holds the splits of all tested folds by their cut
    (:attr:`harness.study.ProtocolSection.cut`)."""

    spec: StudySpec
    clips: ClipTable
    splits: dict[ProtocolSection, tuple[Split, ...]]
    arms: tuple[ArmPlan, ...]
    device: str
    workers: int

    @property
    def seconds(self) -> float:
        """Wall time of all trainings, s: all arms proceed at the same time, so it is the work over the workers, or the
        longest sequence of trainings of an arm where that takes longer."""
        return max([sum(arm.work for arm in self.arms) / self.workers, *(arm.chain for arm in self.arms)])

    @property
    def weights_bytes(self) -> int:
        """Bytes of the weights that the study keeps: float32, of every final result, including those of shared
        trainings."""
        if not self.spec.tracking.weights:
            return 0
        seeds = {arm.name: self.spec.seeds(arm) for arm in self.spec.arms}
        tested = {arm.name: len(self.spec.tested(arm)) for arm in self.spec.arms}
        return sum(4 * arm.parameters * seeds[arm.name] * tested[arm.name] for arm in self.arms)


def make_plan(
    spec: StudySpec,
    data_root: Path | None,
    device: str,
    workers: int | None,
    folder: Path = Path(),
    stage: Sequence[str] = (),
) -> Plan:
    """Return the plan of ``spec``: it reads the clips' headers and times a few training steps of each network.

    Parameters
    ----------
    spec
        The resolved study.
    data_root
        The folder that holds the data sets; None as in :func:`harness.data.data_root.resolve_data_root`.
    device
        ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or several GPUs, as in :func:`harness.devices.resolve_devices`.
    workers
        How many trainings run at once; None for as many as the devices allow.
    folder
        The folder of the study file, to which the files and modules that it names are relative.
    stage
        Names or patterns of the arms to plan, as in :func:`harness.study.stage_of`; none for all.

    Raises
    ------
    StudyError
        When code that the study names is missing, or does not fit, or no arm has a name of the stage.
    DataError
        When the data set is missing or incomplete.
    TrainingError
        When the device is not available, or lacks the precision of an arm.
    """
    wanted = stage_of(spec, stage)
    devices = resolve_devices(device)
    chosen = devices[0]
    for each in devices:
        check_precisions(spec, each)
    activate_code(spec, folder, Silent())
    clips = load_clips(spec.data, resolve_data_root(data_root), folder=folder)
    segments = expected_segments(clips.frame["duration"].to_numpy(dtype=np.float64), spec.features)
    place = folder.resolve()
    splits = {
        cut: make_splits(clips, cut, spec.tested_under(cut), spec.study.seed, segments, place) for cut in spec.arm_cuts
    }
    n_workers = len(worker_devices(devices, workers, spec.train.threads))
    networks = _Networks(len(clips.classes), chosen)
    arms = [_plan_arm(spec, arm, clips, splits, segments, networks, n_workers, folder) for arm in wanted]
    return Plan(spec, clips, splits, tuple(_shared(spec, arms, splits)), ", ".join(devices), n_workers)


@dataclass
class _Networks:
    """Probes of networks; arms whose steps are the same, such as those on other planes of one shape, share one."""

    n_classes: int
    device: str
    _known: dict[object, Probe] = field(default_factory=dict)

    def probe(self, settings: ArmSettings, shape: tuple[int, int, int], rows: Mapping[str, slice] | None) -> Probe:
        step = settings.model_copy(update={"arm": "", "features_name": "", "protocol": ProtocolSection()})
        rows = rows if settings.network.takes_rows else None
        alike = (step.model_dump_json(), shape, str(rows))
        if alike not in self._known:
            self._known[alike] = probe_network(settings, shape, self.n_classes, self.device, plane_rows=rows)
        return self._known[alike]


def _shared(
    spec: StudySpec, arms: Sequence[ArmPlan], splits: Mapping[ProtocolSection, Sequence[Split]]
) -> list[ArmPlan]:
    """Return ``arms`` without trainings that are the same as those of an earlier arm, evaluated in another way."""
    first: dict[object, str] = {}
    planned = []
    for one in arms:
        arm = one
        spelt = spec.arm(arm.name)
        if not spelt.is_fused:
            # Arms share what a search will choose if they share the search.
            searched = spelt.tuned_as or (spelt.name if arm.trials else None)
            settings = spec.settings(spelt)
            alike = settings.trajectory.model_dump_json()
            learned = _learned(settings.protocol, splits)
            other = first.setdefault((spelt.seed_of or spelt.name, searched, alike, learned), arm.name)
            if other != arm.name and spec.surveys(spelt):
                # The survey is shared; the final trainings end earlier.
                half = {"final_trainings": arm.final_trainings // 2, "seconds": arm.seconds / 2, "work": arm.work / 2}
                arm = replace(arm, **half)  # type: ignore[arg-type]
            elif other != arm.name:
                arm = replace(arm, final_trainings=0, seconds=0.0, work=0.0, trained_with=other)
        planned.append(arm)
    return planned


def _learned(
    protocol: ProtocolSection, splits: Mapping[ProtocolSection, Sequence[Split]]
) -> tuple[tuple[bytes, bytes], ...]:
    """Return the items that the final trainings under ``protocol`` learn from, by fold, as something to compare."""
    both = protocol.final_train == FinalTrain.TRAIN_AND_VALIDATION
    parts = [[split.train, *([split.validation] if both else [])] for split in splits[protocol.cut]]
    return tuple(
        (
            b"".join(part.clips.tobytes() for part in each),
            b"".join(b"" if part.segments is None else part.segments.tobytes() for part in each),
        )
        for each in parts
    )


def _plan_arm(
    spec: StudySpec,
    arm: Arm,
    clips: ClipTable,
    splits: dict[ProtocolSection, tuple[Split, ...]],
    segments: NDArray[np.int64],
    networks: _Networks,
    workers: int,
    folder: Path,
) -> ArmPlan:
    if arm.is_fused:
        return ArmPlan(arm.name, arm.rule or "", " + ".join(arm.fuse or ()), 0, 0, 0, (0, 0), 0, 0, 0, 0.0, 0.0)
    settings = spec.settings(arm)
    inputs = spec.inputs(arm)
    rows = plane_rows(inputs, spec.features) if inputs.layout == Layout.SEGMENTS else None
    if inputs.layout is Layout.VECTOR:
        vectors = read_vectors(folder.resolve() / inputs.file, clips.frame["clip_id"].tolist())
        shape = (1, 1, vectors.shape[1])
    else:
        shape = set_shape(inputs, spec.features)
    probe = networks.probe(settings, shape, rows)
    speed = probe.items_per_second
    trials = spec.search.trials if arm.searches else 0
    searched = trials * len(spec.tested(arm))
    final = spec.final_trainings(arm)

    def count(part: Part) -> int:
        if inputs.layout != Layout.SEGMENTS or part.segments is not None:
            return len(part)
        return int(segments[part.clips].sum())

    cuts = splits[settings.protocol.cut]
    items = search_items = round(float(np.mean([count(split.train) for split in cuts])))
    if settings.protocol.final_train == FinalTrain.TRAIN_AND_VALIDATION:
        items += round(float(np.mean([count(split.validation) for split in cuts])))
    epochs = _epochs(spec, arm)
    passes = (searched * search_items + final * items) * sum(epochs) / 2
    batches = math.ceil(trials / spec.search.parallel_trials)
    chain = (batches * search_items + items) * sum(epochs) / 2 / speed
    seconds = passes / speed / min(workers, max(searched, final, 1))
    return ArmPlan(
        arm.name,
        settings.model_name,
        settings.features_name,
        trials,
        searched,
        final,
        epochs,
        search_items,
        items,
        probe.parameters,
        speed,
        seconds,
        work=passes / speed,
        chain=chain,
    )


def _epochs(spec: StudySpec, arm: Arm) -> tuple[int, int]:
    """Return the fewest and the most epochs that ``arm`` may be trained for, by its own search or the one it takes
    over."""
    whose = spec.arm(arm.tuned_as) if arm.tuned_as else arm
    space = spec.search.space.get("train.epochs") if spec.search.trials and whose.searches else None
    if space is None:
        own = spec.settings(arm).train.epochs
        return own, own
    values = [int(value) for value in space.choices or (space.low, space.high) if value is not None]
    return min(values), max(values)
