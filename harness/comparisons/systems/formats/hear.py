"""Results of HEAR's evaluation (hear-eval-kit): ``test.predicted-scores.json`` of a task.

The file has an object for each tested part (a fold, or ``test``) with ``test_score``, the first metric of the task,
``test_METRIC`` for each metric, and values of its training; with folds also ``aggregated_scores``; and settings
(``heareval/predictions/task_predictions.py``). A fold is tested with the next one as validation part.
Predictions of clips are only in pickles (``fold00.predictions.pkl``), which are never loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from harness.comparisons.systems.formats.content import Content, Format, percent, shown
from harness.comparisons.systems.system import FoldAccuracies

_ACCURACY = "test_top1_acc"
_OTHERS = {"aggregated_scores", "hparams", "postprocessing", "score_mode", "embedding_path"}


def recognises(content: Content) -> bool:
    """Return whether it is a result of HEAR."""
    found = content.document
    return isinstance(found, Mapping) and "score_mode" in found and "embedding_path" in found


def read(content: Content, task: str) -> tuple[FoldAccuracies, ...]:
    """Return the accuracies of a result.

    Raises
    ------
    ComparisonError
        When it is of another task, has no accuracies, or has a fault.
    """
    found: Mapping[str, Any] = content.document
    place = PurePosixPath(str(found["embedding_path"]).replace("\\", "/"))
    if task and task not in (place.name, place.name.split("-")[0]):
        raise content.refuse(f"has the task {shown(place.name)}, not {shown(task)}")
    parts = {name: part for name, part in found.items() if name not in _OTHERS}
    if not parts:
        raise content.refuse("has no tested part")
    values = {}
    for name, part in sorted(parts.items()):
        if not isinstance(part, Mapping):
            raise content.refuse(f"{name}: expected an object of scores, received {shown(part)}")
        if _ACCURACY not in part:
            metrics = ", ".join(metric for metric in part if str(metric).startswith("test_"))
            raise content.refuse(
                f"{name}: has no {_ACCURACY}; only accuracies are compared; there are: {shown(metrics)}"
            )
        values[name] = percent(content, part[_ACCURACY], f"{name}.{_ACCURACY}")
    folds = len(values) > 1
    return (
        FoldAccuracies(
            name=place.parent.name or content.path.stem,
            source="HEAR result",
            by_fold=dict(enumerate(values.values(), 1)) if folds else {0: next(iter(values.values()))},
            task=place.name,
            validation_apart=folds,
            remarks=() if folds else ("it was tested on one part: its accuracy is shown and not tested",),
        ),
    )


FORMAT = Format("results of HEAR (test.predicted-scores.json)", recognises, read)
