"""A store with one study of one training, made in a moment, from which a report can be written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.training.task import FoldResult, FoldTask
from tests.tracking.conftest import Study, small_study


class _Learning(Study):
    """One whose trainings say what they learned, which a report asks for."""

    def result(self, task: FoldTask, *given: Any, **named: Any) -> FoldResult:
        result = super().result(task, *given, **named)
        return replace(result, history=result.history.assign(train_segment_accuracy=0.9))


def record_tiny(folder: Path) -> Study:
    """Record a study called tiny, with one final training of arm A, in the store ``mlruns/mlflow.db`` of ``folder``."""
    small = small_study(f"sqlite:///{folder}/mlruns/mlflow.db")
    study = _Learning(small.uri, small.spec, small.clips, small.splits, small.digests)
    with study.recording() as recorder:
        trial = recorder.trial(study.spec.arm("A"), "final", None)
        study.run_fold(recorder, trial, study.task("A"))
    return study
