"""The least time a training step could take: operations and bytes counted, over ceilings measured in the same run.

Counted are the multiplications and additions of convolutions and linear layers, forward and backward, and the bytes
that must move whatever the program does. The optimiser follows the backward pass and cannot overlap it; so

    floor = max(operations / GEMM rate, bytes of forward and backward / bandwidth) + bytes of the optimiser / bandwidth.

Ceilings are what a large matrix product in the same precision and a triad a = b + s c reach on the same threads; they
alternate with the steps.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from benchmarks.record import spread, write
from benchmarks.training import FRAMES, N_CLASSES, ROWS
from harness.models import build_model
from harness.models.describe import describe_model
from harness.study import ModelSection, TrainSection
from harness.training.augment import Batch
from harness.training.isolation import isolated, open_device
from harness.training.learner import Learner

SIDE = 2048
TRIAD_NUMBERS = 2**24
BATCH = 32


@dataclass(frozen=True)
class Counted:
    """Operations (a multiplication and an addition are two) and bytes of one step."""

    operations: int
    network_bytes: int
    optimizer_bytes: int

    def floor_seconds(self, operations_per_second: float, bytes_per_second: float) -> float:
        """Return the floor of the header's formula."""
        network = max(self.operations / operations_per_second, self.network_bytes / bytes_per_second)
        return network + self.optimizer_bytes / bytes_per_second


def counted(model: nn.Module, input_shape: tuple[int, int, int], batch: int, element: int) -> Counted:
    """Count one step of SGD with momentum on ``batch`` items; activations have ``element`` bytes a number.

    A layer's output costs operations once forward and twice backward, for the gradients of its weights and of its
    input; the first layer's input needs none. Layer outputs and their gradients are each written and read once; what
    normalisation, ReLU, pool and dropout move is taken to be fused away. Weights are float32: forward and backward read
    them in ``element`` bytes, the gradient is written in float32, and the optimiser reads weight, gradient and momentum
    and writes weight and momentum.
    """
    layers = describe_model(model, input_shape)
    modules = dict(model.named_modules())
    operations = 0
    for index, (name, weights, outputs) in enumerate(
        zip(layers["layer"], layers["weights"], layers["activations"], strict=True)
    ):
        module = modules[name]
        positions = outputs // (module.out_channels if isinstance(module, nn.Conv2d) else module.out_features)
        operations += (2 if index == 0 else 3) * 2 * int(weights) * int(positions) * batch
    activations = int(layers["activations"].sum()) * batch
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return Counted(operations, 4 * activations * element + parameters * (2 * element + 4), parameters * 5 * 4)


def floor(repeats: int = 9) -> None:
    """Measure the 4-layer network on 85 x 41 at batch 32 on one thread (or the GPU), in both precisions."""
    device = open_device("cuda" if torch.cuda.is_available() else "cpu")
    measured = {name: _measure(device, name, repeats) for name in ("float32", "bfloat16")}
    write("floor", {"model": "su4", "input": [1, ROWS, FRAMES], "batch": BATCH, "device": device.type, **measured})


def _measure(device: torch.device, precision: str, repeats: int) -> dict[str, object]:
    train = TrainSection(batch_size=BATCH, precision=precision)
    dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
    with isolated(device, 0, train.threads):
        model = build_model("su4", ModelSection(), (1, ROWS, FRAMES), N_CLASSES)
        count = counted(model, (1, ROWS, FRAMES), BATCH, dtype.itemsize)
        learner = Learner(model, train, device)
        learner.model.train()
        x = torch.randn(BATCH, 1, ROWS, FRAMES, device=device).to(memory_format=torch.channels_last)
        batch = Batch(x, torch.arange(BATCH, device=device) % N_CLASSES)
        left, right = (torch.randn(SIDE, SIDE, device=device).to(dtype) for _ in range(2))
        product = torch.empty_like(left)
        b, c = (torch.randn(TRIAD_NUMBERS, device=device) for _ in range(2))
        a = torch.empty_like(b)
        actions: dict[str, Callable[[], object]] = {
            "step": lambda: learner.step(batch),
            "gemm": lambda: torch.mm(left, right, out=product),
            "triad": lambda: torch.add(b, c, alpha=2.0, out=a),
        }
        seconds: dict[str, list[float]] = {name: [] for name in actions}
        for repeat in range(repeats + 2):
            for name, action in actions.items():
                elapsed = _seconds(action, device)
                if repeat >= 2:
                    seconds[name].append(elapsed)
    gemm = [2 * SIDE**3 / s for s in seconds["gemm"]]
    triad = [3 * 4 * TRIAD_NUMBERS / s for s in seconds["triad"]]
    floors = [count.floor_seconds(o, m) for o, m in zip(gemm, triad, strict=True)]
    return {
        "threads": train.threads,
        "counted": {
            "gigaoperations": count.operations / 1e9,
            "network_megabytes": count.network_bytes / 1e6,
            "optimizer_megabytes": count.optimizer_bytes / 1e6,
        },
        "gemm_gigaoperations_per_second": spread([value / 1e9 for value in gemm]),
        "triad_gigabytes_per_second": spread([value / 1e9 for value in triad]),
        "floor_milliseconds": 1e3 * statistics.median(floors),
        "step_milliseconds": spread([1e3 * value for value in seconds["step"]]),
        "floor_over_step": spread([f / s for f, s in zip(floors, seconds["step"], strict=True)]),
    }


def _seconds(action: Callable[[], object], device: torch.device) -> float:
    """Return the wall time of ``action``, the device's work included."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    began = time.perf_counter()
    action()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - began
