"""Time of a training epoch outside forward, backward and optimiser.

The same network takes the same number of steps twice: once in a bare loop over batches that lie ready in memory, and
once in an epoch of the harness, which draws the order, gathers segments, augments and counts. The two alternate, order
swapped each time, so that drifts of the machine hit both alike; the median of the paired ratios is the overhead.

    python benchmarks/training_overhead.py --model su4 --precision bfloat16 --steps 20 --repeats 7 > overhead.json

Prints JSON. Wall time for any device; on the CPU also processor time, which other programs on the machine disturb less.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from harness.features.store import FeatureRef
from harness.models import build_model
from harness.study import ModelSection, TrainSection
from harness.training.augment import Draws
from harness.training.inputs import Items, Resident
from harness.training.isolation import device_name, isolated, open_device
from harness.training.learner import Learner, PartOnDevice, batch_bounds

N_CLASSES, ROWS, FRAMES, HOP = 10, 85, 41, 20
SEGMENTS_PER_CLIP = 7


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    device = open_device(arguments.device)
    augmentations = {"gain": 4, "mixup": 0.2, "mask_frames": 8, "mask_bins": 8} if arguments.augment else {}
    train = TrainSection(
        batch_size=arguments.batch_size,
        precision=arguments.precision,
        threads=arguments.threads,
        **augmentations,
    )
    with tempfile.TemporaryDirectory() as folder, isolated(device, 0, train.threads):
        harness_epoch, bare_epoch = _epochs(Path(folder), arguments.model, train, arguments.steps, device)
        harness_epoch()
        bare_epoch()
        pairs = [
            _pair(harness_epoch, bare_epoch, device, swapped=repeat % 2 == 1) for repeat in range(arguments.repeats)
        ]
    items = arguments.steps * arguments.batch_size
    print(json.dumps(_summary(arguments, device, items, pairs), indent=2))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="su4", choices=["su4", "su6", "su8"])
    parser.add_argument("--precision", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--steps", type=int, default=20, help="steps of an epoch")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--augment", action="store_true", help="switch every augmentation on")
    return parser.parse_args()


def _epochs(
    folder: Path, model_name: str, train: TrainSection, steps: int, device: torch.device
) -> tuple[Callable[[], None], Callable[[], None]]:
    """Return one epoch of the harness and one of the bare loop, over equal numbers of equal batches."""
    n_items = steps * train.batch_size
    features = _features(folder, -(-n_items // SEGMENTS_PER_CLIP))
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


def _features(folder: Path, n_clips: int) -> FeatureRef:
    frames = FRAMES + (SEGMENTS_PER_CLIP - 1) * HOP
    x = np.random.default_rng(0).normal(size=(n_clips * frames, ROWS)).astype(np.float32)
    np.save(folder / "x.npy", x)
    offsets = np.arange(n_clips + 1, dtype=np.int64) * frames
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


def _summary(
    arguments: argparse.Namespace, device: torch.device, items: int, pairs: list[dict[str, float]]
) -> dict[str, object]:
    def outside(unit: str) -> dict[str, float]:
        shares = sorted(1 - pair[f"bare_{unit}"] / pair[f"harness_{unit}"] for pair in pairs)
        return {"median": statistics.median(shares), "min": shares[0], "max": shares[-1]}

    def speed(name: str) -> float:
        return items / statistics.median(pair[f"{name}_seconds"] for pair in pairs)

    return {
        "arguments": vars(arguments),
        "device": device_name(device),
        "torch": torch.__version__,
        "input": [1, ROWS, FRAMES],
        "segments_per_second": {"harness": speed("harness"), "bare": speed("bare")},
        "share_outside_forward_backward_optimiser": outside("seconds"),
        "share_by_processor_time": outside("processor_seconds") if device.type == "cpu" else None,
        "pairs": pairs,
    }


if __name__ == "__main__":
    main()
