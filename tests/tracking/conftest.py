"""A small real store, and studies small enough to write by hand: 2 classes, 3 folds, 12 clips of 6 recordings."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

import harness
from harness.data.clips import ClipTable
from harness.data.leakage import LeakageReport
from harness.data.splits import Part, Split
from harness.features.cache.feature_store import FeatureRef
from harness.study import StudySpec
from harness.tracking.layout import lay_out
from harness.tracking.session_environment import installed_packages
from harness.tracking.study_recorder import StudyRecorder
from harness.training.fuse import fuse_predictions
from harness.training.metrics import clip_predictions, scores
from harness.training.task import FoldResult, FoldTask

N_CLASSES = 2
SEGMENTS = 3


@pytest.fixture(scope="session")
def first_opening(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """Lay out a new store in a process of its own; return its database and what the process printed."""
    script = (
        "import sys\n"
        "from harness.tracking.store import open_store\n"
        "store = open_store(sys.argv[1], create=True)\n"
        "from mlflow.telemetry.utils import is_telemetry_disabled\n"
        "print(is_telemetry_disabled(), store.experiment('nothing'))\n"
    )
    file = tmp_path_factory.mktemp("template") / "new folder" / "mlflow.db"
    done = subprocess.run(
        [sys.executable, "-c", script, f"sqlite:///{file}"],
        capture_output=True,
        text=True,
        check=False,
        # Without the variables by which MLflow recognises tests, which would switch telemetry off as well.
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(harness.__file__).parent.parent)},
        cwd=file.parent.parent,
    )
    return file, done


@pytest.fixture(scope="session")
def installed() -> dict[str, str]:
    """Return the installed packages, looked up once."""
    return installed_packages()


@pytest.fixture(autouse=True)
def _quick_environment(monkeypatch: pytest.MonkeyPatch, installed: dict[str, str]) -> None:
    """Spare every recorder the third of a second in which packages are listed."""
    monkeypatch.setattr("harness.tracking.session_environment.installed_packages", lambda: dict(installed))


@pytest.fixture(scope="session")
def new_store() -> Callable[[Path], str]:
    """Return a maker of empty stores below a folder, without opening them."""

    def make(below: Path) -> str:
        folder = below / "mlruns"
        folder.mkdir()
        lay_out(folder / "mlflow.db")
        return f"sqlite:///{folder / 'mlflow.db'}"

    return make


@pytest.fixture
def uri(new_store: Callable[[Path], str], tmp_path: Path) -> str:
    """Return the URI of an empty store of its own."""
    return new_store(tmp_path)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a folder on a disk of its own of 4 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        pytest.skip("needs permission to mount a small disk")
    if subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk], check=False, capture_output=True
    ).returncode:
        pytest.skip("cannot mount a small disk on this system")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


@dataclass(frozen=True)
class Study:
    """A study with everything a recorder asks for, and makers of tasks and results."""

    uri: str
    spec: StudySpec
    clips: ClipTable
    splits: dict[int, Split]
    digests: dict[str, str]
    command: str = "harness run-study tiny.toml"
    overrides: tuple[str, ...] = ()

    @contextmanager
    def recording(self, **changes: Any) -> Iterator[StudyRecorder]:
        """Open a recorder of this study as a context."""
        with self.open(**changes) as recorder:
            yield recorder

    def open(self, **changes: Any) -> StudyRecorder:
        given: dict[str, Any] = {
            "clips": self.clips,
            "leakage": [
                LeakageReport("official", fold, "train", "clip", 4, fold, 0, 4, 0, 0, ("rec0", "rec1")[: fold - 1])
                for fold in self.splits
            ],
            "digests": self.digests,
            "command": self.command,
            "overrides": self.overrides,
            **changes,
        }
        return StudyRecorder.open(self.uri, self.spec, **given)

    def task(
        self,
        arm: str = "A",
        fold: int = 1,
        seed: int = 0,
        phase: str = "final",
        trial: int | None = None,
        values: dict[str, Any] | None = None,
    ) -> FoldTask:
        settings = self.spec.settings(self.spec.arm(arm), values)
        features = FeatureRef(
            settings.features_name,
            "segments",
            ("LM",),
            ("nowhere.npy",),
            np.arange(len(self.clips) + 1) * 81,
            41,
            20,
            self.digests[f"features.{settings.features_name}"],
        )
        return FoldTask(
            study=self.spec.study.name,
            arm=arm,
            phase=phase,
            trial=trial,
            fold=fold,
            seed_index=seed,
            seed=hash((arm, phase, fold, seed)) % 2**32,
            settings=settings,
            epoch_rule="fixed",
            final_train="train",
            split=self.splits[fold],
            labels=self.clips.frame["label"].to_numpy(dtype="int64"),
            n_classes=N_CLASSES,
            features=features,
            normalise="per-bin",
            device="cpu",
        )

    def result(self, task: FoldTask, epochs: int = 4, draw: int = 0) -> FoldResult:
        """Return a result with random but fixed numbers."""
        random = np.random.default_rng([draw, task.fold, task.seed_index, len(task.arm)])
        parts = {"validation": task.split.validation}
        if task.phase == "final":
            parts["test"] = task.split.test
        history = pd.DataFrame(
            {
                "epoch": np.arange(1, epochs + 1),
                "lr": 0.1 / np.arange(1, epochs + 1),
                "train_loss": random.random(epochs),
                "validation_macro_accuracy": random.random(epochs),
            }
        )
        return FoldResult(
            task_key=task.key,
            predictions=pd.concat(
                [_segments(name, part.clips, task.labels, random) for name, part in parts.items()], ignore_index=True
            ),
            history=history,
            best_epoch=epochs - 1,
            weights={
                "conv.weight": random.random((3, 1, 3, 3)).astype(np.float32),
                "norm.num_batches_tracked": np.array(7, dtype=np.int64),
            }
            if task.phase == "final"
            else {},
            timing={"total": 1.5, "load": 0.25, "train": 1.0, "evaluate": 0.25, "segments_per_second": 1234.5},
            conditions={"device": "a processor", "threads": "1", "precision": "float32"},
            warnings=("something was odd",),
        )

    def tables(self, result: FoldResult) -> dict[str, pd.DataFrame]:
        """Return clip predictions by part."""
        return {
            str(part): clip_predictions(rows.reset_index(drop=True), self.clips)
            for part, rows in result.predictions.groupby("part")
        }

    def run_fold(self, recorder: StudyRecorder, trial_run: str, task: FoldTask, draw: int = 0) -> str:
        """Record a whole training and return its run id."""
        run_id = recorder.start_fold(trial_run, task)
        result = self.result(task, draw=draw)
        for row in result.history.to_dict("records"):
            recorder.log_epoch(run_id, {str(name): value for name, value in row.items()})
        tables = self.tables(result)
        recorder.finish_fold(run_id, result, tables, measured(tables))
        return run_id

    def with_changes(self, **changes: Any) -> Study:
        return replace(self, **changes)


def measured(tables: dict[str, pd.DataFrame]) -> dict[str, Any]:
    return {part: scores(table["y_true"], table[["p_0", "p_1"]], N_CLASSES) for part, table in tables.items()}


def _segments(
    part: str, clips: NDArray[np.int64], labels: NDArray[np.int64], random: np.random.Generator
) -> pd.DataFrame:
    first = random.random(len(clips) * SEGMENTS).astype(np.float32)
    return pd.DataFrame(
        {
            "part": part,
            "clip": np.repeat(clips, SEGMENTS),
            "segment": np.tile(np.arange(SEGMENTS), len(clips)),
            "y_true": np.repeat(labels[clips], SEGMENTS),
            "p_0": first,
            "p_1": np.float32(1) - first,
        }
    )


def small_study(uri: str, **sections: Any) -> Study:
    """Return the small study with ``sections`` in place of its own."""
    document: dict[str, Any] = {
        "study": {"name": "tiny", "question": "Does the recorder record?", "seed": 3},
        "data": {"dataset": "synthetic", "folds": (1, 2, 3)},
        "train": {"epochs": 4},
        "arms": (
            {"name": "A", "model": "su4", "features": "LMC", "set": {"train.momentum": 0.5}},
            {"name": "B", "model": "su4", "features": "MC"},
            {"name": "A+B", "fuse": ("A", "B"), "rule": "dempster-shafer"},
        ),
        "tracking": {"uri": uri, "system_metrics": False},
        **sections,
    }
    frame = pd.DataFrame(
        {
            "clip_id": [f"clip{index:02d}" for index in range(12)],
            "path": [f"/audio/clip{index:02d}.wav" for index in range(12)],
            "label": np.arange(12) % 2,
            "fold": np.repeat([1, 2, 3], 4),
            "recording": [f"rec{index // 2}" for index in range(12)],
            "duration": 2.0,
        }
    )
    clips = ClipTable("synthetic", frame, ("hum", "click"), "d" * 64)
    rows = {fold: np.flatnonzero(frame["fold"] == fold) for fold in (1, 2, 3)}
    splits = {
        fold: Split(
            "official",
            fold,
            train=Part(rows[(fold + 1) % 3 + 1]),
            validation=Part(rows[fold % 3 + 1]),
            test=Part(rows[fold]),
        )
        for fold in (1, 2, 3)
    }
    digests = {"data": "d" * 64, "features.LMC": "a" * 64, "features.MC": "b" * 64}
    return Study(uri, StudySpec.model_validate(document), clips, splits, digests)


@pytest.fixture
def make_study(uri: str) -> Callable[..., Study]:
    """Return a maker of studies in one store; sections given by name replace the small study's own."""
    return lambda **sections: small_study(uri, **sections)


@pytest.fixture(scope="session")
def recorded(
    new_store: Callable[[Path], str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Study, str, dict[str, Any]]:
    """Return a study with two arms, three folds and a fused arm in a store; its run id and its results by key."""
    study = small_study(new_store(tmp_path_factory.mktemp("recorded")))
    results: dict[str, Any] = {}
    with study.recording() as recorder:
        searched = recorder.trial(study.spec.arm("A"), "search", 0, {"train.lr": 0.5})
        study.run_fold(recorder, searched, study.task(phase="search", trial=0, values={"train.lr": 0.5}))
        recorder.finish_trial(searched, {1: 0.5}, "validation")
        # B first: the record is ordered by the study, not by time.
        for arm in ("B", "A"):
            trial = recorder.trial(study.spec.arm(arm), "final", None)
            for fold in (3, 1, 2):
                task = study.task(arm, fold=fold)
                study.run_fold(recorder, trial, task)
                results[f"{arm}{fold}"] = study.result(task)
        fused = study.spec.arm("A+B")
        trial = recorder.trial(fused, "final", None)
        segments = fuse_predictions([results["A1"].predictions, results["B1"].predictions], "dempster-shafer", "clip")
        table = clip_predictions(segments[segments["part"] == "test"], study.clips)
        recorder.log_fused_fold(trial, fused, 1, 0, segments, table, scores(table["y_true"], table[["p_0", "p_1"]], 2))
        results["fused"] = table
    return study, recorder.run_id, results


@pytest.fixture
def study(make_study: Callable[..., Study]) -> Study:
    """Return the small study."""
    return make_study()
