"""Time of a training epoch outside forward, backward and optimiser.

The same network takes the same number of steps twice: once in a bare loop over batches that lie ready in memory, and
once in an epoch of the harness, which draws the order, gathers segments, augments and counts. The two alternate, order
swapped each time, so that drifts of the machine hit both alike; the median of the paired ratios is the overhead.

Wall time, and on the CPU also processor time, which other programs on the machine disturb less.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from benchmarks.record import spread, write
from harness.devices import open_device
from harness.features.cache.feature_store import FeatureRef
from harness.models.build import build_model
from harness.study import ModelSection, TrainSection
from harness.training.augment import Draws
from harness.training.isolation import isolated
from harness.training.learner import Learner, PartOnDevice, batch_bounds
from harness.training.resident import Items, Resident

N_CLASSES, ROWS, FRAMES, HOP = 10, 85, 41, 20
SEGMENTS_PER_CLIP = 7


def overhead(steps: int = 10, repeats: int = 7) -> None:
    """Measure the 4-layer network on 85 x 41 at batch 32, in both precisions (target: under 5 %)."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    measured = {
        precision: _measure(TrainSection(batch_size=32, precision=precision), device, steps, repeats)
        for precision in ("float32", "bfloat16")
    }
    write("training", {"model": "su4", "input": [1, ROWS, FRAMES], "batch": 32, "device": device, **measured})


def _measure(train: TrainSection, device_name: str, steps: int, repeats: int) -> dict[str, object]:
    device = open_device(device_name)
    with tempfile.TemporaryDirectory() as folder, isolated(device, 0, train.threads):
        harness_epoch, bare_epoch = epochs(Path(folder), "su4", train, steps, device)
        harness_epoch()
        bare_epoch()
        pairs = [_pair(harness_epoch, bare_epoch, device, swapped=repeat % 2 == 1) for repeat in range(repeats)]
    return _summary(steps * train.batch_size, device, pairs)


def epochs(
    folder: Path, model_name: str, train: TrainSection, steps: int, device: torch.device
) -> tuple[Callable[[], None], Callable[[], None]]:
    """Return one epoch of the harness and one of the bare loop, over equal numbers of equal batches."""
    n_items = steps * train.batch_size
    features = made_features(folder, -(-n_items // SEGMENTS_PER_CLIP))
    resident = Resident(features, device)
    item = np.arange(n_items)
    items = Items(item // SEGMENTS_PER_CLIP, item % SEGMENTS_PER_CLIP, item % N_CLASSES)
    shape = resident.input_shape

    def learner() -> Learner:
        torch.manual_seed(0)
        return Learner(build_model(model_name, ModelSection(), shape, N_CLASSES), train, device)

    ours = learner()
    part = PartOnDevice(
        torch.from_numpy(resident.positions(items)).to(device), torch.from_numpy(items.labels).to(device)
    )
    draws, bounds = Draws(train, n_items, shape, 0, device), batch_bounds(n_items, train.batch_size)

    def harness_epoch() -> None:
        ours.epoch(resident, part, draws.epoch(), bounds)
        ours.tally()

    # A second network with an optimiser of its own, so that both loops touch equally much memory.
    theirs = learner()
    optimizer = torch.optim.SGD(
        theirs.model.parameters(), lr=train.lr, momentum=train.momentum, weight_decay=train.weight_decay, fused=True
    )
    ready = [(resident.gather(part.positions[start:stop]), part.labels[start:stop]) for start, stop in bounds]
    bfloat16 = train.precision == "bfloat16"

    def bare_epoch() -> None:
        theirs.model.train()
        for x, labels in ready:
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
                logits = theirs.model(x)
            F.cross_entropy(logits.float(), labels).backward()
            optimizer.step()
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return harness_epoch, bare_epoch


def made_features(folder: Path, n_clips: int) -> FeatureRef:
    """Write random features of ``n_clips`` clips of 4 s into ``folder`` and return where they lie."""
    reference = features_at(folder, n_clips)
    x = np.random.default_rng(0).normal(size=(int(reference.offsets[-1]), ROWS)).astype(np.float32)
    np.save(folder / "x.npy", x)
    return reference


def features_at(folder: Path, n_clips: int) -> FeatureRef:
    """Return the reference to what :func:`made_features` has written."""
    offsets = np.arange(n_clips + 1, dtype=np.int64) * (FRAMES + (SEGMENTS_PER_CLIP - 1) * HOP)
    return FeatureRef("LMC", "segments", ("LM",), (str(folder / "x.npy"),), offsets, FRAMES, HOP, "")


def _pair(
    harness_epoch: Callable[[], None], bare_epoch: Callable[[], None], device: torch.device, *, swapped: bool
) -> dict[str, float]:
    measured: dict[str, float] = {}
    order = [("harness", harness_epoch), ("bare", bare_epoch)]
    for name, epoch in reversed(order) if swapped else order:
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        wall, processor = time.perf_counter(), time.process_time()
        epoch()
        measured[f"{name}_seconds"] = time.perf_counter() - wall
        measured[f"{name}_processor_seconds"] = time.process_time() - processor
    return measured


def _summary(items: int, device: torch.device, pairs: list[dict[str, float]]) -> dict[str, object]:
    def outside(unit: str) -> dict[str, float | int]:
        return spread([1 - pair[f"bare_{unit}"] / pair[f"harness_{unit}"] for pair in pairs])

    measured: dict[str, object] = {
        "segments_per_second": {
            name: spread([items / pair[f"{name}_seconds"] for pair in pairs]) for name in ("harness", "bare")
        },
        "share_outside_forward_backward_optimiser": outside("seconds"),
    }
    if device.type == "cpu":
        measured["share_by_processor_time"] = outside("processor_seconds")
    return measured
