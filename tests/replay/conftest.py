"""One small study on synthetic sounds, searched, trained and fused once for all tests of this room."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.executors.events import OpenExecutor
from harness.executors.local import local_executor
from harness.replay.outcome import FoldReplay, Replay
from harness.replay.sources import Source, StoreSource
from harness.replay.train_again import replay
from harness.running.reports import ReportKind
from harness.running.study import Options, run_study
from harness.study import StudySpec
from harness.study.study_file import parse_study
from harness.terminal.progress import Silent
from harness.tracking.git import GitFacts
from harness.tracking.recorded_run import RecordedFold, read_run
from harness.tracking.session_environment import installed_packages

STUDY: dict[str, Any] = {
    "study": {"name": "tiny", "seed": 3},
    "data": {"dataset": "synthetic", "folds": [1, 2, 3], "synthetic": {"clips_per_class_and_fold": 1}},
    "train": {"epochs": 2, "batch_size": 8, "optimizer": "adamw", "lr": 0.001},
    "arms": [
        {"name": "A", "model": "su4", "features": "LM", "set": {"train.batch_size": 16}},
        {"name": "B", "model": "su4", "features": "MFCC", "search": False},
        {"name": "A+B", "fuse": ["A", "B"], "rule": "dempster-shafer"},
    ],
    "search": {"trials": 2, "space": {"train.lr": {"low": 0.0003, "high": 0.003, "log": True}}},
    "evaluate": {"folds": [1, 3]},
    "tracking": {"system_metrics": False},
}


PACKAGES = installed_packages()


@contextmanager
def steady() -> Iterator[None]:
    """Let code and packages look the same all the time, whoever edits the tree meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("harness.tracking.session_environment.git_facts", lambda _: GitFacts("c" * 40, "main"))
        patch.setattr("harness.tracking.session_environment.installed_packages", lambda: dict(PACKAGES))
        yield


@dataclass(frozen=True)
class Recorded:
    """A recorded study: its store, the folder of audio and features, and its study run."""

    uri: str
    shared: Path
    run_id: str

    def replay(self, run_id: str | None = None, source: Source | None = None, **changes: Any) -> Replay:
        """Replay a run of the store, the study run when none is named, or another source."""
        given: dict[str, Any] = {
            "data_root": self.shared / "data",
            "cache": self.shared / "cache",
            "device": "recorded",
            "workers": 1,
            "progress": Silent(),
            **changes,
        }
        with steady():
            return replay(source or StoreSource(self.uri, run_id or self.run_id), **given)

    def fold(self, arm: str, fold: int, phase: str = "final", trial: int | None = None) -> RecordedFold:
        """Return a recorded fold."""
        (found,) = (
            each
            for each in read_run(self.uri, self.run_id).folds
            if (each.arm, each.fold, each.phase) == (arm, fold, phase) and trial in (None, each.trial)
        )
        return found

    def replay_fold(self, arm: str, fold: int = 1, **changes: Any) -> FoldReplay:
        """Replay one final training."""
        (found,) = self.replay(self.fold(arm, fold).run_id, **changes).folds
        return found

    def artifact(self, run_id: str, name: str) -> Path:
        """Return the path of an artifact."""
        (folder,) = Path(self.uri.removeprefix("sqlite:///")).parent.rglob(f"{run_id}/artifacts")
        return folder / name


def run(
    spec: StudySpec, folder: Path, shared: Path, workers: int = 1, executor: OpenExecutor = local_executor
) -> Recorded:
    """Run ``spec`` into a store below ``folder``."""
    options = Options(
        data_root=shared / "data",
        cache=shared / "cache",
        reports=folder / "reports",
        tracking_uri=f"sqlite:///{folder / 'mlruns' / 'mlflow.db'}",
        device="cpu",
        workers=workers,
        command="harness run-study tiny.toml --workers 1",
        report=ReportKind.NONE,
        executor=executor,
    )
    with steady():
        return Recorded(options.tracking_uri, shared, run_study(spec, options, Silent()).record.run_id)


def spec_of(**changes: Any) -> StudySpec:
    """Return the small study with ``changes`` for sections."""
    return parse_study({**STUDY, **changes}, "tiny.toml")


@pytest.fixture(scope="session")
def shared(synthetic_shared: Path) -> Path:
    """Return a folder for audio and features."""
    return synthetic_shared


@pytest.fixture(scope="session")
def recorded(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Return the recorded study; whoever changes its files puts them back."""
    return run(spec_of(), tmp_path_factory.mktemp("recorded"), shared)


@contextmanager
def altered(file: Path, change: Callable[[Path], object]) -> Iterator[None]:
    """Change a file for the length of a block."""
    before = file.read_bytes()
    try:
        change(file)
        yield
    finally:
        file.write_bytes(before)


def set_json(**values: Any) -> Callable[[Path], None]:
    """Return a change of a JSON file: ``a__b=1`` sets its value b of a."""

    def change(file: Path) -> None:
        data = json.loads(file.read_text(encoding="utf-8"))
        for path, value in values.items():
            node = data
            *parents, last = path.split("__")
            for name in parents:
                node = node[name]
            node[last] = value
        file.write_text(json.dumps(data), encoding="utf-8")

    return change
