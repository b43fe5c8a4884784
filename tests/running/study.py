"""A tiny synthetic study, and a run of it in this process."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from harness.running.reports import Outcome, ReportKind
from harness.running.study import Options, run_study
from harness.study import StudySpec
from harness.study.study_file import parse_study
from harness.terminal.progress import Silent

STUDY = {
    "study": {"name": "tiny", "question": "Does the path hold?", "seed": 3},
    "data": {"dataset": "synthetic", "folds": [1, 2, 3], "synthetic": {"clips_per_class_and_fold": 1}},
    "features": {"image": {"seconds": 1.0, "rows": 32, "columns": 32}},
    "train": {"epochs": 1, "batch_size": 8, "optimizer": "adamw", "lr": 0.001},
    "arms": [
        {"name": "A_1", "model": "su8", "features": "LM", "set": {"train.batch_size": 16}},
        {"name": "B_1 & 100 % #2 é", "model": "su8", "features": "MFCC", "search": False},
        {"name": "DS", "fuse": ["A_1", "B_1 & 100 % #2 é"], "rule": "dempster-shafer"},
        {"name": "mean", "fuse": ["A_1", "B_1 & 100 % #2 é"], "rule": "mean", "level": "segment"},
    ],
    "search": {"trials": 2, "space": {"train.lr": {"low": 0.0003, "high": 0.003, "log": True}}},
    "evaluate": {"folds": [1, 3]},
    "tracking": {"system_metrics": False},
}  # fmt: skip


class Counted(Silent):
    """Remembers what was told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def line(self, text: str) -> None:
        self.lines.append(text)


def spec_of(**changes: object) -> StudySpec:
    return parse_study({**STUDY, **changes}, "tiny.toml")


def options_of(folder: Path, shared: Path, **changes: object) -> Options:
    """Return what a run is given: results below ``folder``, audio and features in ``shared``."""
    given: dict[str, object] = {
        "data_root": shared / "data",
        "cache": shared / "cache",
        "reports": folder / "reports",
        "tracking_uri": f"sqlite:///{folder / 'mlruns' / 'mlflow.db'}",
        "device": "cpu",
        "workers": 1,
        "command": "harness run-study tiny.toml",
        # Figures and PDF take longer than everything else; tests/running/test_path.py runs the study with them.
        "report": ReportKind.DATA,
    }
    return Options(**given | changes)  # type: ignore[arg-type]


def run(spec: StudySpec, folder: Path, shared: Path, **changes: object) -> tuple[Outcome, list[str]]:
    """Return the outcome of a run, and the lines that it told."""
    progress = Counted()
    return run_study(spec, options_of(folder, shared, **changes), progress), progress.lines


def same(first: pd.DataFrame, second: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(first, second, check_exact=True)
