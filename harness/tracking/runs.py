"""What is recorded of a run of each level: name, flat tags, parameters and data set inputs, as plain data."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from harness.data.clips import ClipTable
from harness.data.leakage import LeakageReport
from harness.data.splits import Split
from harness.study import TUNED, Arm, ArmSettings, StudySpec
from harness.tracking import names
from harness.tracking.digests import part_digest, text_digest
from harness.training.metrics import Scores
from harness.training.task import FoldTask

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput, Metric

_LONGEST_TAG = 5000
_DIGEST_LENGTH = 36  # MLflow's limit for the digest of a data set.


class RunTags:
    """Makes the tags of every run of one study run, of the study ``spec``.

    ``digests`` are those of the study's inputs by name: ``spec``, ``data``, ``features.<set>``, ``lock``.
    """

    def __init__(self, spec: StudySpec, digests: Mapping[str, str]) -> None:
        self.spec = spec
        self._digests = digests
        self._common = {
            "study": spec.study.name,
            "dataset": spec.data.name,
            "split": ", ".join(spec.arm_splits),
            "epoch_rule": ", ".join(dict.fromkeys(spec.arm_protocol(arm).epoch_rule for arm in spec.arms)),
        }

    def study(self) -> dict[str, str]:
        """Return the tags of the study run."""
        return self._flat(level=names.STUDY, digest=self._digests["spec"])

    def trial(self, study_run: str, arm: Arm, phase: str, trial: int | None) -> dict[str, str]:
        """Return the tags of a trial run: an arm with one set of hyperparameters, or its final trainings.

        Parameters
        ----------
        study_run
            Id of the study run.
        arm
            The arm.
        phase
            ``"search"``, ``"survey"`` or ``"final"``.
        trial
            Number of the trial within the arm's search; None for the final trainings.
        """
        return self._flat(
            level=names.TRIAL, study_run=study_run, phase=phase, trial=_or_dash(trial), **self._of_arm(arm)
        )

    def fold(self, study_run: str, task: FoldTask) -> dict[str, str]:
        """Return the tags of the training of ``task``."""
        arm = self.spec.arm(task.arm)
        flat = self._flat(
            level=names.FOLD,
            study_run=study_run,
            phase=task.phase,
            trial=_or_dash(task.trial),
            fold=str(task.fold),
            seed=str(task.seed_index),
            digest=task.digest,
            **self._of_arm(arm),
        )
        values = json.dumps(values_over_study(self.spec, arm, task.settings), sort_keys=True)
        floor = {names.FLOOR_TAG: json.dumps(task.floor)} if task.floor else {}
        until = {names.UNTIL_TAG: str(task.until)} if task.until else {}
        return {**flat, names.TASK_KEY_TAG: task.key, names.SET_TAG: values, **floor, **until}

    def fused_fold(self, study_run: str, arm: Arm, fold: int, seed: int, digest: str) -> dict[str, str]:
        """Return the tags of a fused arm's fold run.

        Parameters
        ----------
        study_run
            Id of the study run.
        arm
            The fused arm.
        fold
            The test fold.
        seed
            Index of the seed, from 0.
        digest
            Digest of the fused predictions, because a fusion has no task.
        """
        flat = self._flat(
            level=names.FOLD,
            study_run=study_run,
            phase=names.FINAL,
            fold=str(fold),
            seed=str(seed),
            digest=digest,
            **self._of_arm(arm),
        )
        return {**flat, names.TASK_KEY_TAG: f"{arm.name}/{names.FINAL}/fold{fold}/seed{seed}", names.SET_TAG: "{}"}

    def _of_arm(self, arm: Arm) -> dict[str, str]:
        protocol = self.spec.arm_protocol(arm)
        return {"split": protocol.label, "epoch_rule": protocol.epoch_rule, **self._inputs(arm)}

    def _inputs(self, arm: Arm) -> dict[str, str]:
        model = f"{arm.rule} ({arm.level}) of {', '.join(arm.fuse or ())}" if arm.is_fused else str(arm.model)
        return {"arm": arm.name, "model": model, "features": " & ".join(feature_sets(self.spec, arm))}

    def _flat(self, **given: str) -> dict[str, str]:
        return {name: {**self._common, **given}.get(name, names.NOT_APPLICABLE) for name in names.FLAT_TAGS}


def feature_sets(spec: StudySpec, arm: Arm) -> list[str]:
    """Return the names of the feature sets of an arm, or of a fused arm's streams, each once."""
    return list(dict.fromkeys(str(spec.arm(name).features) for name in arm.fuse or (arm.name,)))


def features_digest(spec: StudySpec, name: str, digests: Mapping[str, str]) -> str:
    """Return the digest of the features of the arm ``name``, one for all streams if it is fused, from those of the
    study's inputs (``features.<set>``); ``-`` if unknown, or if the study has no such arm."""
    arm = next((arm for arm in spec.arms if arm.name == name), None)
    if arm is None:
        return names.NOT_APPLICABLE
    found = {each: digests.get(f"features.{each}", "") for each in feature_sets(spec, arm)}
    return text_digest(found) if arm.is_fused else next(iter(found.values())) or names.NOT_APPLICABLE


def values_over_study(spec: StudySpec, arm: Arm, settings: ArmSettings) -> dict[str, Any]:
    """Return the hyperparameters that an arm or its trial overrides, by dotted name.

    A searched value is included even if it equals the study's own.
    """
    searched = spec.search.space if spec.search.trials and arm.search else {}
    # With the defaults of the arm's network, which a study need not state.
    study = flat_settings(spec.settings(arm.model_copy(update={"set": {}})))
    return {
        name: value
        for name, value in flat_settings(settings).items()
        if name in arm.set or name in searched or value != study[name]
    }


def flat_settings(settings: ArmSettings | StudySpec) -> dict[str, Any]:
    """Return hyperparameters as JSON values by dotted name: ``train.lr``, ``model.dropout``."""
    return {
        f"{section}.{field}": value
        for section in ("train", "model")
        for field, value in getattr(settings, section).model_dump(mode="json", exclude=TUNED).items()
    }


def fold_note(files: Collection[str]) -> str:
    """Return what the page of a final training says of its contents, as Markdown.

    Examples
    --------
    >>> fold_note(["predictions.parquet", "history.csv"])
    'Tab *Model metrics*: learning curves by epoch. Tab *Artifacts*: predictions.'
    """
    inside = ["predictions"]
    if any(name.startswith(f"{names.PICTURES_FOLDER}/confusion") for name in files):
        inside.append(f"the confusion matrix of the test clips (`{names.PICTURES_FOLDER}`)")
    if names.WEIGHTS_FILE in files:
        inside.append("the network, which `harness predict` and `harness export` use")
    curves = "Tab *Model metrics*: learning curves by epoch. " if names.HISTORY_FILE in files else ""
    return f"{curves}Tab *Artifacts*: {', '.join(inside)}."


def short_tag(text: str) -> str:
    """Return ``text`` cut to the length that every store keeps."""
    return text if len(text) <= _LONGEST_TAG else f"{text[:_LONGEST_TAG]} [cut]"


def metrics_of(values: Mapping[str, Any], step: int, timestamp: int, prefix: str = "") -> list[Metric]:
    """Return MLflow metrics for the numbers in ``values``.

    None and NaN are left out, so that a value that was not measured is a gap in the chart. Infinity is left out as
    well, because stores replace it by the largest float; the run's history.csv keeps it.

    Parameters
    ----------
    values
        Numbers by name.
    step
        Step of every metric: the epoch of a curve, 0 for single values.
    timestamp
        Time of every metric, in ms since 1970.
    prefix
        Put before every name.
    """
    from mlflow.entities import Metric

    return [
        Metric(f"{prefix}{name}", float(value), timestamp, step)
        for name, value in values.items()
        if value is not None and math.isfinite(float(value))
    ]


def curve_metrics(row: Mapping[Any, Any]) -> list[Metric]:
    """Return the metrics of one epoch, a row of ``FoldResult.history``; the epoch is their step."""
    values = {str(name): value for name, value in row.items() if name != "epoch"}
    return metrics_of(values, int(row["epoch"]), now_ms(), names.EPOCH_PREFIX)


def timing_values(timing: Mapping[str, float]) -> dict[str, float]:
    """Return ``FoldResult.timing`` under the names of metrics: ``seconds``, ``seconds_train`` ..., and the rate."""
    rate = {names.SEGMENTS_PER_SECOND: timing[names.SEGMENTS_PER_SECOND]} if names.SEGMENTS_PER_SECOND in timing else {}
    seconds = {name: value for name, value in timing.items() if name != names.SEGMENTS_PER_SECOND}
    return rate | {
        names.SECONDS if name == "total" else f"{names.SECONDS}_{name}": value for name, value in seconds.items()
    }


def score_values(part: str, measured: Scores, clips: pd.DataFrame) -> dict[str, float]:
    """Return the scores of a part (``validation``, ``test``) under the names of metrics: ``test_macro_accuracy`` ...

    Segment accuracy is counted over the segments of all clips; a fusion at clip level has none.
    """
    fields = ("macro_accuracy", "clip_accuracy", "precision", "recall", "f1")
    values = {f"{part}_{field}": float(getattr(measured, field)) for field in fields}
    segments = int(clips["n_segments"].sum())
    if segments:
        values[f"{part}_segment_accuracy"] = int(clips["n_segments_correct"].sum()) / segments
    return values


def now_ms() -> int:
    """Return the time in milliseconds since 1970, as MLflow records it."""
    return time.time_ns() // 1_000_000


def study_input(clips: ClipTable) -> DatasetInput:
    """Return the complete data set as input of the study run."""
    profile = {
        "clips": len(clips),
        "classes": len(clips.classes),
        "recordings": int(clips.frame["recording"].nunique()),
        "folds": list(clips.folds),
        "hours": round(float(clips.frame["duration"].sum()) / 3600, 4),
    }
    return _input(clips.dataset, clips.digest, {"dataset": clips.dataset}, profile, "study")


def split_inputs(clips: ClipTable, split: Split) -> list[DatasetInput]:
    """Return the training, validation and test part of a fold as inputs of its run, with counts and a digest each."""
    recordings = clips.frame["recording"].to_numpy()
    inputs = []
    for name, part in (("train", split.train), ("validation", split.validation), ("test", split.test)):
        profile = {
            "unit": part.unit,
            "items": len(part),
            "clips": len(set(part.clips.tolist())),
            "recordings": len(set(recordings[part.clips].tolist())),
        }
        source = {"dataset": clips.dataset, "split": split.protocol, "fold": split.fold, "part": name}
        title = f"{clips.dataset} {split.protocol} fold {split.fold} {name}"
        inputs.append(_input(title, part_digest(part, clips.digest), source, profile, name))
    return inputs


def one_word(title: str) -> str:
    """Return the name of a data set without spaces, as metrics name it: MLflow's file stores write it between spaces,
    and could not read it back."""
    return "_".join(title.split())


def leakage_rows(reports: Iterable[LeakageReport]) -> list[dict[str, Any]]:
    """Return the reports as JSON data, ordered by fold, split and final training data."""
    ordered = sorted(reports, key=lambda each: (each.fold, each.protocol, each.final_train))
    return [{**vars(each), "recordings": list(each.recordings)} for each in ordered]


def _input(name: str, digest: str, source: Any, profile: Any, context: str) -> DatasetInput:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    dataset = Dataset(
        name=name,
        digest=digest[:_DIGEST_LENGTH],
        source_type="harness",
        source=json.dumps(source),
        profile=json.dumps(profile),
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", context)])


def _or_dash(number: int | None) -> str:
    return names.NOT_APPLICABLE if number is None else str(number)
