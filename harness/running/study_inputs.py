"""From a study to the inputs of its trainings: clips, features, splits, and the tasks themselves."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import platformdirs

from harness import own_code
from harness.choices import Precision
from harness.data.clips import ClipTable
from harness.data.leakage import LeakageReport, leakage_report
from harness.data.load_clips import load_clips
from harness.data.splits import Split, make_splits
from harness.devices import default_workers, features_device
from harness.errors import StudyError
from harness.features.cache.feature_store import FeatureRef, FeatureStore
from harness.features.sets import expected_segments
from harness.own_code import OwnCode
from harness.registry import Layout, Unit, is_library
from harness.study import Arm, ProtocolSection, StudySpec
from harness.terminal.progress import Progress
from harness.text.decimals import decimals
from harness.training.seeding import fold_seed
from harness.training.task import FINAL, SURVEY, FoldTask
from harness.training.weights import weights_digest

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class StudyInputs:
    """A study's inputs, ready to train on.

    Attributes
    ----------
    spec
        The resolved study.
    clips
        The clips of the data set.
    features
        Computed features by name of the feature set.
    splits
        Splits by cut (:attr:`harness.study.ProtocolSection.cut`) and test fold.
    leakage
        What the parts of each split share: one report per split, fold and choice of final training data.
    device
        ``"cpu"``, ``"cuda"`` or ``"cuda:N"``.
    code
        The user's own code that the study names; None if it names none.
    weights
        Files of weights that arms start from, as the study names them, each with its path and SHA-256, hex.
    networks
        Layer tables, as rows, of arms with a network that only the record can describe.
    """

    spec: StudySpec
    clips: ClipTable
    features: dict[str, FeatureRef]
    splits: dict[tuple[ProtocolSection, int], Split]
    leakage: tuple[LeakageReport, ...]
    device: str
    code: OwnCode | None = None
    weights: Mapping[str, tuple[Path, str]] = field(default_factory=dict)
    networks: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    @property
    def digests(self) -> dict[str, str]:
        """Digests of the audio and of each feature set."""
        return {"data": self.clips.digest} | {
            f"features.{name}": ref.digest for name, ref in sorted(self.features.items())
        }

    def task(
        self,
        arm: Arm,
        phase: str,
        trial: int | None,
        values: dict[str, Any],
        fold: int,
        seed: int,
        floor: tuple[float, ...] = (),
    ) -> FoldTask:
        """Return the task of one training.

        Parameters
        ----------
        arm
            The arm to train; not a fused one.
        phase
            ``"search"``, ``"survey"`` or ``"final"``.
        trial
            Number of the trial within the arm's search; None in the final phase if nothing was searched.
        values
            Hyperparameters that override the arm's, by dotted name.
        fold
            The test fold.
        seed
            Index of the seed, from 0.
        floor
            Validation macro accuracy per epoch below which a training of a search is stopped; empty for never.

        Raises
        ------
        ValueError
            When ``values`` do not fit the arm's settings.
        """
        settings = self.spec.settings(arm, values)
        start, weights = self.weights.get(settings.weights or "", (None, ""))
        if start is not None:
            settings = settings.model_copy(update={"weights": str(start)})
        # The seed of a fold's final training does not depend on the chosen trial, and a survey is the same training.
        stage = (FINAL,) if phase in (FINAL, SURVEY) else (phase, trial if trial is not None else 0)
        return FoldTask(
            study=self.spec.study.name,
            arm=arm.name,
            phase=phase,
            trial=trial,
            fold=fold,
            seed_index=seed,
            seed=fold_seed(self.spec.study.seed, arm.seed_of or arm.name, *stage, fold, seed),
            settings=settings,
            epoch_rule=settings.protocol.epoch_rule,
            final_train=settings.protocol.final_train,
            split=self.splits[settings.protocol.cut, fold],
            labels=self.clips.frame["label"].to_numpy(dtype="int64"),
            n_classes=len(self.clips.classes),
            features=self.features[settings.features_name],
            normalise=self.spec.features.normalise,
            device=self.device,
            keep_weights=phase == FINAL and self.spec.tracking.weights,
            floor=floor,
            code=self.code,
            weights=weights,
        )


def study_inputs(
    spec: StudySpec,
    data_root: Path,
    cache: Path,
    workers: int,
    device: str,
    progress: Progress,
    folder: Path | None = None,
) -> StudyInputs:
    """Load the clips of ``spec``, split them, and compute the features that are missing in the cache.

    Splitting comes first, so that a study that will be refused is refused before its features are computed.

    Parameters
    ----------
    spec
        The resolved study.
    data_root
        The folder that holds the data sets.
    cache
        The folder of computed features, created if missing.
    workers
        How many trainings run at once; features are computed by as many workers, on a GPU by at least one per CPU core.
    device
        ``"cpu"``, ``"cuda"`` or ``"cuda:N"``; computes the features too.
    progress
        Shows the progress of computing features.
    folder
        The folder of the study file, to which the files and modules that it names are relative; None for a record,
        which may not run code.

    Raises
    ------
    StudyError
        When code or a file that the study names is missing, or does not fit.
    DataError
        When audio or metadata are missing or damaged.
    LeakageError
        When an official split shares a recording that the authors' folds do not share.
    FeatureError
        When features cannot be computed or cached.
    """
    own = activate_code(spec, folder, progress)
    place = (folder or Path()).resolve()
    weights = {arm.weights: place / arm.weights for arm in spec.trained_arms if arm.weights}
    starts = {name: (path, weights_digest(path)) for name, path in weights.items()}
    clips = load_clips(spec.data, data_root, folder=place)
    progress.line(
        f"{clips.dataset}: {len(clips)} clips, {len(clips.classes)} classes, folds {', '.join(map(str, clips.folds))}"
    )
    expected = expected_segments(clips.frame["duration"].to_numpy(dtype="float64"), spec.features)
    cuts = {
        cut: make_splits(clips, cut, spec.tested_under(cut), spec.study.seed, expected, place) for cut in spec.arm_cuts
    }
    sets = list({arm.features: spec.inputs(arm) for arm in spec.trained_arms}.values())
    features = _features(spec, clips, sets, cache, workers, device, progress, place)
    networks = check_networks(spec, features, len(clips.classes))
    for cut in cuts:
        if cut.rule.unit is Unit.SEGMENT:
            # The expected number of segments is exact only up to the rounding of the duration to samples.
            segments = next(ref.segments_per_clip() for ref in features.values() if ref.layout == Layout.SEGMENTS)
            cuts[cut] = make_splits(clips, cut, spec.tested_under(cut), spec.study.seed, segments, place)
    leakage = [
        [leakage_report(clips, split, final_train) for split in splits]
        for cut, splits in cuts.items()
        for final_train in spec.final_trains(cut)
    ]
    for reports in leakage:
        progress.line(leakage_line(reports, spec.data.description.recordings))
    by_fold = {(cut, split.fold): split for cut, splits in cuts.items() for split in splits}
    return StudyInputs(spec, clips, features, by_fold, tuple(itertools.chain(*leakage)), device, own, starts, networks)


def activate_code(spec: StudySpec, folder: Path | None, progress: Progress) -> OwnCode | None:
    """Allow the code that ``spec`` names to run, after showing which files that is; None if it names none.

    Raises
    ------
    StudyError
        When a module is missing, or ``folder`` is None and the study names code other than a library's networks.
    """
    if folder is None and (foreign := [name for name in spec.code_names if not is_library(name)]):
        raise StudyError(
            f"the recorded study runs code of its own ({', '.join(foreign)}); if you trust it, name the folder that "
            "holds it: --study-folder DIR"
        )
    own = own_code.find_code(spec.code_names, folder or Path())
    for line in own.lines() if own is not None else ():
        progress.line(line)
    own_code.activate(own)
    return own


def check_networks(spec: StudySpec, features: Mapping[str, FeatureRef], n_classes: int) -> dict[str, list[list[Any]]]:
    """Build each network that only the record can describe once, so that one that does not fit is refused before
    anything is trained; return the rows of their layer tables by arm.

    Raises
    ------
    StudyError
        When it cannot be built for its features.
    """
    from harness.models.build import build_model
    from harness.models.describe import describe_model
    from harness.training.resident import input_shape, plane_rows

    tables = {}
    for arm in spec.trained_arms:
        settings = spec.settings(arm)
        if spec.is_described_by_record(arm):
            ref = features[settings.features_name]
            shape = input_shape(ref)
            model = build_model(settings.model_name, settings.model, shape, n_classes, plane_rows(ref))
            tables[arm.name] = describe_model(model, shape).to_numpy(object).tolist()
    return tables


def check_precisions(spec: StudySpec, device: str) -> None:
    """Refuse a study whose precision ``device`` would have to emulate, and warn of one that is slow there; loads
    nothing.

    Raises
    ------
    TrainingError
        When an arm computes in bfloat16 and the device does not support it.
    """
    from harness.devices import open_device
    from harness.training.isolation import device_name
    from harness.training.precision import check_precision, lacks_bfloat16_instructions

    place = open_device(device)
    precisions = {arm.name: spec.settings(arm).train.precision for arm in spec.trained_arms}
    for name, precision in precisions.items():
        check_precision(precision, place, f"arm {name!r}")
    if Precision.BFLOAT16 in precisions.values() and lacks_bfloat16_instructions(place):
        _logger.warning(
            "%s has no bfloat16 instructions: float32 is probably faster on it (--set train.precision=float32)",
            device_name(place),
        )


def _features(
    spec: StudySpec,
    clips: ClipTable,
    sets: Sequence[Any],
    cache: Path,
    workers: int,
    device: str,
    progress: Progress,
    folder: Path,
) -> dict[str, FeatureRef]:
    device = features_device(device)
    # On a GPU, workers are the trainings that share it, while the CPU's cores supply it with clips.
    hands = workers if device == "cpu" else max(workers, default_workers("cpu", 1))
    first: list[int] = []

    def advance(done: int, _total: int) -> None:
        # Until the first clips are done, workers load their libraries, which may take longer than the clips.
        first.append(done)
        progress.advance("features", done, "starting workers" if done == first[0] else "")

    progress.begin("features", "features", len(clips))
    try:
        return FeatureStore(cache).build(clips, sets, spec.features, hands, advance, device, folder)
    finally:
        progress.end("features")


def leakage_line(folds: Sequence[LeakageReport], recordings_known: bool) -> str:
    """Return a sentence on what the test parts of one split, all ``folds`` together, share with training."""
    if not recordings_known:
        return (
            f"split {folds[0].protocol}: recordings are not known, so clips of one in test and training are not counted"
        )
    test = sum(fold.n_test for fold in folds)
    shared = sum(fold.n_test_sharing_recording for fold in folds)
    first = folds[0]
    return (
        f"split {first.protocol}: {shared} of {test} test {first.unit}s "
        f"({decimals(100 * shared / max(test, 1), 1)} %) share a recording with training ({first.final_train})"
    )


def user_cache() -> Path:
    """Return the default folder of computed features, in the user's cache folder."""
    return Path(platformdirs.user_cache_dir("harness")) / "features"
