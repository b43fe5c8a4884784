"""What else a training step on the CPU could be: each alternative against the step of the harness, in turns.

Alternatives of equal mathematics are another memory format, torch's own linear layers (by MKL) instead of those by
oneDNN, and torch's compiler, which fuses batch norm, ReLU and the rest between convolutions (a C++ compiler must be
installed; the time of its first steps is given). The convolutions of the network alone, forward and backward without
anything between them, bound what any arrangement of the other operations could save; they are measured channels last,
contiguous, and in oneDNN's own blocked layout. All but the compiler are repeated with the instructions of processors
that have AVX2 only.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from benchmarks.floor import BATCH, NETWORKS
from benchmarks.peak import seconds_of
from benchmarks.record import spread, write
from benchmarks.training import N_CLASSES
from harness.choices import Precision
from harness.devices import open_device
from harness.errors import HarnessError
from harness.models.build import build_model
from harness.models.linear import Linear
from harness.study import ModelSection, TrainSection
from harness.training.augment import Batch
from harness.training.isolation import isolated
from harness.training.learner import Learner

# Variables by which torch and oneDNN use fewer instructions than the processor has.
INSTRUCTIONS = {"all": {}, "AVX2": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}}
LAYOUTS = ("channels last", "contiguous", "blocked")

Step = Callable[[], object]
# A single step varies by a tenth, more than what some alternatives differ by.
_IN_A_ROW = 3


def alternatives(repeats: int = 9, networks: Sequence[str] = tuple(NETWORKS), compiled: bool = True) -> None:
    """Measure float32 steps of ``networks`` at batch 32 on one thread."""
    measured = {}
    for instructions, variables in INSTRUCTIONS.items():
        # They are read when the libraries are loaded.
        arguments = json.dumps([repeats, list(networks), compiled and not variables])
        child = subprocess.run(
            [sys.executable, "-m", "benchmarks.alternatives", arguments],
            env={**os.environ, **variables},
            check=False,
            capture_output=True,
            text=True,
        )
        if child.returncode:
            raise HarnessError(f"alternatives with {instructions} instructions: {child.stderr.strip()[-2000:]}")
        measured[instructions] = json.loads(child.stdout.splitlines()[-1])
    write("alternatives", {"batch": BATCH, "threads": 1, "precision": "float32", "instructions": measured})


def _measure(repeats: int, networks: Sequence[str], compiled: bool) -> dict[str, object]:
    device = open_device("cpu")
    with isolated(device, 0, threads=1):
        return {network: _network(network, device, repeats, compiled) for network in networks}


def _network(network: str, device: torch.device, repeats: int, compiled: bool) -> dict[str, object]:
    first: dict[str, float] = {}
    steps = {
        "harness": _step(network, device),
        "contiguous": _step(network, device, contiguous=True),
        "linear by MKL": _step(network, device, mkl=True),
    }
    if compiled:
        steps["compiled"] = _step(network, device, compiled=True)
    layers = _convolutions(network)
    alone = {f"convolutions, {layout}": _all_layers(layers, layout) for layout in LAYOUTS}
    for name, step in {**steps, **alone}.items():
        began = time.perf_counter()
        for _ in range(2):
            step()
        first[name] = time.perf_counter() - began
    rounds = [
        {name: seconds_of(partial(_in_a_row, step), device) / _IN_A_ROW for name, step in {**steps, **alone}.items()}
        for _ in range(repeats)
    ]
    return {
        "step_milliseconds": spread([1e3 * each["harness"] for each in rounds]),
        "step_over_harness": {
            name: spread([each[name] / each["harness"] for each in rounds]) for name in steps if name != "harness"
        },
        "first_two_steps_seconds": {name: first[name] for name in steps},
        "convolutions_alone_over_step": {
            layout: spread([each[f"convolutions, {layout}"] / each["harness"] for each in rounds]) for layout in LAYOUTS
        },
    }


def _in_a_row(step: Step) -> None:
    for _ in range(_IN_A_ROW):
        step()


def _step(
    network: str, device: torch.device, *, contiguous: bool = False, mkl: bool = False, compiled: bool = False
) -> Step:
    shape = NETWORKS[network]
    model = build_model(network, ModelSection(), shape, N_CLASSES)
    learner = Learner(model, TrainSection(batch_size=BATCH, precision=Precision.FLOAT32), device)
    learner.model.train()
    x = torch.randn(BATCH, *shape)
    if contiguous:
        learner.model.to(memory_format=torch.contiguous_format)
    else:
        x = x.to(memory_format=torch.channels_last)
    linear = [module for module in model.modules() if isinstance(module, Linear)]
    for module in linear if mkl else ():
        module.forward = partial(nn.Linear.forward, module)  # type: ignore[method-assign]
    if compiled:
        for module in linear:
            # The compiler takes oneDNN's product for frozen weights only, so these layers are left as they are.
            module.forward = torch.compiler.disable(module.forward)  # type: ignore[method-assign]
        learner.model.compile()
    batch = Batch(x, torch.arange(BATCH) % N_CLASSES)
    return lambda: learner.step(batch)


@dataclass(frozen=True)
class _Layer:
    """A convolution of a network and the shape of its input; the first one needs no gradient of it."""

    module: nn.Conv2d
    shape: tuple[int, ...]
    first: bool


def _convolutions(network: str) -> list[_Layer]:
    model = build_model(network, ModelSection(), NETWORKS[network], N_CLASSES).eval()
    layers: list[_Layer] = []

    def see(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(module, nn.Conv2d)
        layers.append(_Layer(module, tuple(inputs[0].shape), not layers))

    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_pre_hook(see)
    with torch.no_grad():
        model(torch.zeros(BATCH, *NETWORKS[network]))
    for layer in layers:
        layer.module._forward_pre_hooks.clear()
    return layers


def _all_layers(layers: Sequence[_Layer], layout: str) -> Step:
    """Return what runs each convolution forward and backward, on tensors that already have ``layout``."""
    runs = []
    for layer in layers:
        module = layer.module
        own = nn.Conv2d(
            module.in_channels,
            module.out_channels,
            module.kernel_size,  # type: ignore[arg-type]
            module.stride,  # type: ignore[arg-type]
            module.padding,  # type: ignore[arg-type]
            bias=False,
        )
        x = torch.randn(layer.shape)
        if layout == "channels last":
            own, x = own.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
        elif layout == "blocked":
            x = x.to_mkldnn()
        with torch.no_grad():
            slope = own(x)
        runs.append((own, x.requires_grad_(not layer.first), slope))

    def run() -> None:
        for own, x, slope in runs:
            own.weight.grad = x.grad = None
            own(x).backward(slope)

    return run


if __name__ == "__main__":
    print(json.dumps(_measure(*json.loads(sys.argv[1]))))
