"""Results of X-ARES: the log of a run, or the score file of one probe (``mlp_score.txt``, ``knn_score.txt``).

X-ARES writes no JSON and no predictions. Its log has a line ``Fold 1 accuracy: 0.8525`` for each fold, then ``The
averaged accuracy of 5 folds is: ...`` (``averaged KNN accuracy`` for the nearest-neighbour probe), and then ``MLP score
of esc50: ...`` (``src/xares/task.py``, ``run.py``); metrics other than accuracy are not compared. A score file has the
mean over folds and the number of clips, on two lines.

In its cross-validation the tested fold also chooses the MLP's epoch, so these accuracies err on the high side.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from harness.comparisons.systems.formats.content import Content, Format, percent, shown
from harness.comparisons.systems.system import FoldAccuracies

_NUMBER = r"([0-9.eE+-]+|nan)"
_FOLD = re.compile(rf"\bFold ([0-9]{{1,4}}) accuracy: {_NUMBER}\s*$")
_MEAN = re.compile(rf"\bThe averaged (KNN )?accuracy of [0-9]+ folds is: {_NUMBER}\s*$")
_TASK = re.compile(r"\b(?:MLP|KNN) score of (\S{1,200}): \(")
_SCORE_FILE = re.compile(r"\s*([0-9][0-9.eE+-]{0,40})\s*\n\s*([0-9]{1,12})\s*")
_CHOSEN = "X-ARES chooses the epoch of the MLP on the tested fold, so that the accuracy errs on the high side"


@dataclass
class _Probe:
    """The fold lines of one probe of one task."""

    kind: str = ""
    task: str = ""
    values: dict[int, float] = field(default_factory=dict)


def recognises(content: Content) -> bool:
    """Return whether it is a log of X-ARES, or a score file."""
    if content.is_json or content.path.suffix.lower() in (".csv", ".parquet"):
        return False
    return bool(_SCORE_FILE.fullmatch(content.text)) or any(map(_FOLD.search, content.text.splitlines()))


def read(content: Content, task: str) -> tuple[FoldAccuracies, ...]:
    """Return the systems of a log, MLP and KNN where it has both, or the one of a score file.

    Raises
    ------
    ComparisonError
        When a log has several tasks and none is chosen, has none that is chosen, or has a fault.
    """
    if stated := _SCORE_FILE.fullmatch(content.text):
        accuracy = percent(content, _number(stated[1]), "line 1")
        remark = (
            f"it is the mean accuracy of an X-ARES probe, with {stated[2]} as its number of clips: shown, not tested"
        )
        return (
            FoldAccuracies(
                name=content.path.stem, source="X-ARES score", by_fold={0: accuracy}, task=task, remarks=(remark,)
            ),
        )
    probes = _probes(content)
    tasks = [*dict.fromkeys(probe.task for probe in probes)]
    if task and task not in tasks:
        raise content.refuse(f"has no accuracies by fold of the task {shown(task)}; there are: {shown(tasks)}")
    if not task and len(tasks) > 1:
        raise content.refuse(f"has several tasks ({', '.join(tasks[:10])}); choose one with --task")
    chosen = [probe for probe in probes if probe.task == (task or tasks[0])]
    kinds = [probe.kind for probe in chosen]
    if len(set(kinds)) < len(kinds):
        raise content.refuse(f"has the task {shown(chosen[0].task)} more than once; keep the lines of one run")
    return tuple(
        FoldAccuracies(
            name=f"{content.path.stem} {probe.kind}",
            source="X-ARES log",
            by_fold=probe.values,
            task=probe.task,
            remarks=(_CHOSEN,) if probe.kind == "MLP" else (),
        )
        for probe in chosen
    )


def _probes(content: Content) -> list[_Probe]:
    found: list[_Probe] = []
    current, ended = _Probe(), 0
    for number, line in enumerate(content.text.splitlines(), 1):
        if match := _FOLD.search(line):
            fold = int(match[1])
            if fold in current.values:
                raise content.refuse(
                    f"line {number}: fold {fold} is given twice, without the mean of the folds between"
                )
            current.values[fold] = percent(content, _number(match[2]), f"line {number}")
        elif (match := _MEAN.search(line)) and current.values:
            stated, mean = percent(content, _number(match[2]), f"line {number}"), np.mean([*current.values.values()])
            if abs(stated - mean) > 0.01:
                raise content.refuse(f"line {number}: states the mean {stated / 100:g}, but that is {mean / 100:g}")
            current.kind = "KNN" if match[1] else "MLP"
            found.append(current)
            current = _Probe()
        elif (match := _TASK.search(line)) and len(found) > ended:
            for probe in found[ended:]:
                probe.task = match[1]
            ended = len(found)
    if not found:
        raise content.refuse("has accuracies of folds, but not the line with their mean: the run did not finish")
    return found


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


FORMAT = Format("logs and score files of X-ARES", recognises, read)
