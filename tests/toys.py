"""Small invented features on disk, and tasks on them, for every room that trains."""

from __future__ import annotations

import dataclasses
import os
import signal
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.data.splits import Part, Split
from harness.executors.gpu_memory import MemoryUse
from harness.executors.packing import Packing
from harness.features.cache.feature_store import FeatureRef
from harness.study import ArmSettings, ModelSection, TrainSection
from harness.training.task import FoldResult, FoldTask

N_CLASSES = 3
PLANES = {"LM": 6, "chroma": 3}
FRAMES, HOP = 8, 4


class DeadlyFeatures(FeatureRef):
    """Features that kill the process that loads them, as the system does when memory runs out."""

    def load(self) -> NDArray[np.float32]:
        os.kill(os.getpid(), signal.SIGKILL)
        return super().load()


def third_of_a_gpu(_: FoldTask) -> Callable[[], MemoryUse]:
    """Measure that each training uses 30 % of a GPU."""
    return lambda: MemoryUse(30, 100)


class Watched(Packing):
    """Remembers, whenever a training began, its GPU and how many ran there."""

    def __init__(self) -> None:
        super().__init__()
        self.gpus: list[Hashable] = []
        self.numbers: list[int] = []

    def begin(self, gpu: Hashable, training: Hashable, kind: Hashable) -> None:
        super().begin(gpu, training, kind)
        self.gpus.append(gpu)
        self.numbers.append(len(self._running[gpu]))


class ShortOfMemory(FeatureRef):
    """Features for which memory does not suffice when they are loaded for the first time."""

    @staticmethod
    def marker(features: FeatureRef) -> Path:
        """Return the file that remembers it."""
        return Path(features.files[0]).parent / "ran-out"

    def load(self) -> NDArray[np.float32]:
        try:
            self.marker(self).touch(exist_ok=False)
        except FileExistsError:
            return super().load()
        raise MemoryError


class NeverEnough(FeatureRef):
    """Features for which memory never suffices."""

    def load(self) -> NDArray[np.float32]:
        raise MemoryError


def write_segments(folder: Path, labels: NDArray[np.int64], seed: int = 0, signal: float = 2.0) -> FeatureRef:
    """Write two planes of noise in which each class lifts its own bins; clips have 1 to 4 segments."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(FRAMES, FRAMES + 4 * HOP, len(labels))
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    x = rng.normal(size=(offsets[-1], sum(PLANES.values()))).astype(np.float32)
    for clip, label in enumerate(labels):
        x[offsets[clip] : offsets[clip + 1], label::N_CLASSES] += signal
    files, start = [], 0
    for plane, bins in PLANES.items():
        np.save(folder / f"{plane}.npy", x[:, start : start + bins])
        files.append(str(folder / f"{plane}.npy"))
        start += bins
    return FeatureRef("toy", "segments", tuple(PLANES), tuple(files), offsets, FRAMES, HOP, f"toy-{seed}-{signal}")


def write_images(
    folder: Path, labels: NDArray[np.int64], planes: tuple[str, ...] = ("mel", "mfcc", "chroma")
) -> FeatureRef:
    """Write square images in which each class lifts its own rows."""
    rng = np.random.default_rng(0)
    files = []
    for plane in planes:
        x = rng.normal(size=(len(labels), 32, 32)).astype(np.float32)
        for clip, label in enumerate(labels):
            x[clip, label * 8 : label * 8 + 8] += 2.0
        np.save(folder / f"{plane}.npy", x)
        files.append(str(folder / f"{plane}.npy"))
    return FeatureRef("image", "image", planes, tuple(files), np.empty(0, np.int64), 0, 0, "images")


def split_of(n_clips: int, seed: int = 0) -> Split:
    """Return a split of the clips: half train, a quarter validates, a quarter tests."""
    order = np.random.default_rng(seed).permutation(n_clips).astype(np.int64)
    train, validation, test = np.split(order, [n_clips // 2, n_clips * 3 // 4])
    return Split("official", 1, Part(train), Part(validation), Part(test))


def settings_of(model_name: str = "su4", **values: Any) -> ArmSettings:
    """Return settings with quick defaults; ``values`` are fields of the train or model section."""
    model = {name: values.pop(name) for name in list(values) if name not in TrainSection.model_fields}
    train: dict[str, Any] = {"epochs": 2, "batch_size": 8, "lr": 0.01, **values}
    return ArmSettings(
        arm="toy",
        model_name=model_name,
        features_name="image:mel" if model_name == "resnet18" else "LMC",
        model=ModelSection(**model),
        train=TrainSection(**train),
    )


def task_of(features: FeatureRef, labels: NDArray[np.int64], **changes: Any) -> FoldTask:
    """Return a final task on ``features``; ``changes`` replace fields of the task."""
    task = FoldTask(
        study="study",
        arm="toy",
        phase="final",
        trial=None,
        fold=1,
        seed_index=0,
        seed=7,
        settings=settings_of(),
        epoch_rule="fixed",
        final_train="train",
        split=split_of(len(labels)),
        labels=labels,
        n_classes=N_CLASSES,
        features=features,
        normalise="per-bin",
        device="cpu",
    )
    return dataclasses.replace(task, **changes)


def same_result(first: FoldResult, second: FoldResult) -> bool:
    """Return whether two results are equal to the bit, timing aside."""
    return (
        first.predictions.equals(second.predictions)
        and first.history.equals(second.history)
        and first.best_epoch == second.best_epoch
        and first.weights.keys() == second.weights.keys()
        and all(np.array_equal(value, second.weights[name]) for name, value in first.weights.items())
    )
