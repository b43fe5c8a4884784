"""The least time a training step could take: operations and bytes counted, over ceilings measured in the same run.

Counted are the multiplications and additions of convolutions and linear layers, forward and backward, and the bytes
that must move whatever the program does (benchmarks/counting.py). The optimiser follows the backward pass and cannot
overlap it; so

    floor = max(operations / arithmetic, network bytes / bandwidth) + optimiser bytes / bandwidth.

The two ceilings are the best that any of several contestants reaches (benchmarks/peak.py), in every round anew: rounds
alternate contestants and steps, so that a busy moment slows both. A step below its floor proves a ceiling wrong; the
output says so.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable

import torch

from benchmarks.counting import Counted, counted
from benchmarks.peak import Contest, arithmetic, memory, seconds_of
from benchmarks.record import spread, write
from benchmarks.training import FRAMES, N_CLASSES, ROWS
from harness.devices import open_device
from harness.models.build import build_model
from harness.study import ModelSection, TrainSection
from harness.training.augment import Batch
from harness.training.isolation import isolated
from harness.training.learner import Learner

__all__ = ["Counted", "counted", "floor", "verdict"]

BATCH = 32
SHAPE = (1, ROWS, FRAMES)
NETWORKS = {"su4": SHAPE, "resnet18": (3, 128, 128)}
"""Inputs of the networks whose steps are compared with the best convolution."""
PRECISIONS = ("float32", "bfloat16")


def floor(repeats: int = 9) -> None:
    """Measure the 4-layer network on 85 x 41 at batch 32 on one thread (or the GPU), in both precisions."""
    device = open_device("cuda" if torch.cuda.is_available() else "cpu")
    measured = {precision: _measure(device, precision, repeats) for precision in PRECISIONS}
    shares = {network: share_of_best_convolution(network, device, repeats) for network in NETWORKS}
    head = {"model": "su4", "input": SHAPE, "batch": BATCH, "device": device.type, "threads": 1}
    write("floor", {**head, **measured, "share_of_best_convolution": shares})


def share_of_best_convolution(network: str, device: torch.device, repeats: int) -> dict[str, float | int]:
    """Return the counted operations of a float32 step a second, over those of the fastest convolution measured."""
    with isolated(device, 0, threads=1):
        step = one_step("float32", device, network)
        convolutions = {
            name: contest
            for name, contest in arithmetic(torch.float32, device).items()
            if name.startswith("convolution")
        }
        rounds = [_round(step, {"convolution": convolutions}, device) for _ in range(repeats + 2)][2:]
    operations = counted_step("float32", network).operations
    return spread([operations / seconds / max(rates["convolution"].values()) for seconds, rates in rounds])


def one_step(precision: str, device: torch.device, network: str = "su4") -> Callable[[], None]:
    """Return one training step of the harness on a batch in memory."""
    shape = NETWORKS[network]
    learner = Learner(
        build_model(network, ModelSection(), shape, N_CLASSES),
        TrainSection(batch_size=BATCH, precision=precision),
        device,
    )
    learner.model.train()
    x = torch.randn(BATCH, *shape, device=device).to(memory_format=torch.channels_last)
    batch = Batch(x, torch.arange(BATCH, device=device) % N_CLASSES)
    return lambda: learner.step(batch)


def counted_step(precision: str, network: str = "su4") -> Counted:
    """Return what one step of ``network`` costs at least."""
    shape = NETWORKS[network]
    model = build_model(network, ModelSection(), shape, N_CLASSES)
    return counted(model, shape, BATCH, 2 if precision == "bfloat16" else 4)


def _measure(device: torch.device, precision: str, repeats: int) -> dict[str, object]:
    dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
    with isolated(device, 0, threads=1):
        step = one_step(precision, device)
        contests = {"arithmetic": arithmetic(dtype, device), "memory": memory(device)}
        rounds = [_round(step, contests, device) for _ in range(repeats + 2)][2:]  # two warm up
    count = counted_step(precision)
    steps = [seconds for seconds, _ in rounds]
    best = {kind: [max(rates[kind].values()) for _, rates in rounds] for kind in contests}
    floors = [count.floor_seconds(o, b) for o, b in zip(best["arithmetic"], best["memory"], strict=True)]
    shares = spread([least / step for least, step in zip(floors, steps, strict=True)])
    return {
        "counted": {
            "gigaoperations": count.operations / 1e9,
            "of_which_convolution": count.convolution / 1e9,
            "network_megabytes": count.network_bytes / 1e6,
            "optimizer_megabytes": count.optimizer_bytes / 1e6,
        },
        "ceilings": {kind: spread([value / 1e9 for value in values]) for kind, values in best.items()},
        "giga_per_second": {
            kind: {name: spread([rates[kind][name] / 1e9 for _, rates in rounds]) for name in contests[kind]}
            for kind in contests
        },
        "floor_milliseconds": 1e3 * statistics.median(floors),
        "step_milliseconds": spread([1e3 * seconds for seconds in steps]),
        "floor_over_step": shares,
        "verdict": verdict(shares["median"]),
    }


def _round(
    step: Callable[[], object], contests: dict[str, dict[str, Contest]], device: torch.device
) -> tuple[float, dict[str, dict[str, float]]]:
    """Return the seconds of one step, and the operations or bytes per second of every contestant."""
    taken = seconds_of(step, device)
    rates = {
        kind: {name: contest.amount / seconds_of(contest.action, device) for name, contest in group.items()}
        for kind, group in contests.items()
    }
    return taken, rates


def verdict(share: float) -> str:
    """Return what a median of floor over step says: a step cannot be faster than its floor."""
    if share > 1:
        return "WRONG: the step is faster than its floor, so a ceiling is too low or an operation is counted twice"
    return f"the step takes {1 / share:.2f} times its floor"
