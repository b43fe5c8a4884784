"""Results of MTEB and MAEB: one JSON file per task, with the accuracy of every experiment (mteb 1.12 and later).

A classification task is evaluated in one of two ways (``mteb/abstasks/classification.py``). With cross-validation the
part on which it trains is also the one that is tested, and each experiment is a fold of scikit-learn's shuffled k-fold,
dealt over clips with one seed: the same folds for every model, but not those of the data set, and recordings cross
them. Otherwise each experiment trains on another small sample and is tested on the same part: these are repetitions,
not folds, so their mean is all that can be compared. Predictions are in another file, without clips and true classes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from harness.comparisons.systems.formats.content import Content, Format, percent, shown
from harness.comparisons.systems.system import FoldAccuracies

_CROSS_VALIDATED = "train"
_REVISION = re.compile(r"[0-9a-f]{40}|no_revision_available|external")
_ROUNDED = 1e-5


def recognises(content: Content) -> bool:
    """Return whether it is a result, or a file of predictions, of MTEB."""
    found = content.document
    return isinstance(found, Mapping) and bool({"mteb_version", "mteb_model_meta", "mteb_dataset_name"} & found.keys())


def read(content: Content, task: str) -> tuple[FoldAccuracies, ...]:
    """Return the accuracies of a result.

    Raises
    ------
    ComparisonError
        When it is of another task, of another kind of task than classification, or has a fault.
    """
    found: Mapping[str, Any] = content.document
    if "mteb_model_meta" in found:
        raise content.refuse(
            "has MTEB's predictions, which name neither clips nor true classes; join them with the data set and write "
            "a CSV with the columns clip, y_true and y_pred, or give the result of the task"
        )
    scores = found.get("scores")
    if not isinstance(scores, Mapping):
        raise content.refuse("has no scores by split; results of MTEB before 1.12 are not read, evaluate again")
    name = str(found.get("task_name", ""))
    if task and name != task:
        raise content.refuse(f"has the task {shown(name)}, not {shown(task)}")
    if len(scores) != 1:
        raise content.refuse(f"scores: has the splits {shown(list(scores))}; leave one of them")
    split, subsets = next(iter(scores.items()))
    if not isinstance(subsets, list) or len(subsets) != 1 or not isinstance(subsets[0], Mapping):
        raise content.refuse(f"scores.{split}: expected one subset, received {shown(subsets)}")
    experiments = subsets[0].get("scores_per_experiment")
    if not isinstance(experiments, list) or not experiments:
        raise content.refuse(f"scores.{split}[0]: has no scores_per_experiment; only classification tasks are read")
    values = []
    for number, each in enumerate(experiments):
        where = f"scores.{split}[0].scores_per_experiment[{number}]"
        if not isinstance(each, Mapping):
            raise content.refuse(f"{where}: expected an object, received {shown(each)}")
        values.append(percent(content, each.get("accuracy"), f"{where}.accuracy"))
    mean = percent(content, subsets[0].get("accuracy"), f"scores.{split}[0].accuracy")
    if abs(mean - np.mean(values)) > 100 * _ROUNDED:
        raise content.refuse(
            f"scores.{split}[0].accuracy: is {mean / 100:g}, but the mean of the experiments is "
            f"{float(np.mean(values)) / 100:g}"
        )
    version, revision = str(found.get("mteb_version", "")), str(found.get("dataset_revision", ""))[:8]
    if split == _CROSS_VALIDATED and len(values) > 1:
        by_fold = dict(enumerate(values, 1))
        remark = (
            f"MTEB {version} deals the {len(values)} folds over clips at random (shuffled k-fold), so that recordings "
            "cross them; not comparable with results on official folds"
        )
        dealing = f"MTEB's shuffled k-fold of {name} {revision}"
    else:
        by_fold = {0: float(np.mean(values))}
        remark = (
            f"its {len(values)} experiments are trainings that were tested on the same part ({split}), not folds: "
            "their mean is shown and not tested"
        )
        dealing = f"MTEB's part {split} of {name} {revision}"
    return (
        FoldAccuracies(
            name=_model(content), source="MTEB result", by_fold=by_fold, dealing=dealing, task=name, remarks=(remark,)
        ),
    )


def _model(content: Content) -> str:
    """Return the model, which only the folders name: MODEL/REVISION/TASK.json; else the file's stem."""
    parts = content.path.parts
    if len(parts) > 2 and _REVISION.fullmatch(parts[-2]):
        return parts[-3].replace("__", "/", 1)
    return content.path.stem


FORMAT = Format("results of MTEB (JSON)", recognises, read)
