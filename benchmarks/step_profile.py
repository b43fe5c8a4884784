"""Where the time of a training step goes, by kind of operation, beside the least that kind could take.

torch's profiler watches steps of the 4-layer network on one thread. An operation's own time counts for the kind of the
nearest operation around it that has one, so that a copy within a convolution counts as a copy. The floors of the kinds
follow from the counts and ceilings of benchmarks/floor.py, measured in the same rounds.
"""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.counting import Counted
from benchmarks.floor import BATCH, PRECISIONS, SHAPE, counted_step, one_step
from benchmarks.peak import Contest, arithmetic, memory, seconds_of
from benchmarks.record import spread, write
from harness.devices import open_device
from harness.training.isolation import isolated

# The first pattern that an operation's name matches decides; names are torch's own.
KINDS = (
    ("optimiser", r"Optimizer\.|_fused_"),
    ("convolution", r"convolution|conv2d"),
    ("linear", r"aten::(addmm|mm|linear|t)$|AddmmBackward|mkldnn::_linear_pointwise|_Product"),
    ("batch norm", r"batch_norm|BatchNormBackward"),
    ("dropout", r"dropout|MulBackward|aten::(random_|mul)$"),
    ("pool", r"max_pool|MaxPool"),
    ("ReLU and sigmoid", r"relu|Relu|sigmoid|Sigmoid|clamp_min|threshold_backward"),
    ("loss and counts", r"cross_entropy|log_softmax|LogSoftmax|nll_loss|NllLoss|argmax|aten::(eq|sum)$"),
    ("casts and copies", r"aten::(copy_|_to_copy|to|clone|contiguous)$|ToCopyBackward|CloneBackward"),
)
REST = "rest"


def step_profile(steps: int = 8, rounds: int = 5) -> None:
    """Profile steps at batch 32 in both precisions, on one thread of the CPU."""
    measured = {precision: _measure(precision, steps, rounds) for precision in PRECISIONS}
    write("profile", {"model": "su4", "input": SHAPE, "batch": BATCH, "threads": 1, "steps": steps, **measured})


def _measure(precision: str, steps: int, rounds: int) -> dict[str, Any]:
    device = open_device("cpu")
    with isolated(device, 0, threads=1):
        step = one_step(precision, device)
        for _ in range(3):
            step()
        dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
        contests = (arithmetic(dtype, device), memory(device))
        ceilings: list[list[float]] = []
        plain, watched, seen = [], [], []
        for _ in range(rounds):
            ceilings.append([_best(group, device) for group in contests])
            plain.append(seconds_of(step, device))
            seconds, kinds = _profiled(step, steps)
            watched.append(seconds)
            seen.append(kinds)
    floors = kind_floors(
        counted_step(precision), *(statistics.median(values) for values in zip(*ceilings, strict=True))
    )
    totals = [sum(kinds.values()) for kinds in seen]
    names = sorted(seen[0], key=lambda name: -seen[0][name])
    return {
        "step_milliseconds": spread([1e3 * seconds for seconds in plain]),
        "profiled_step_milliseconds": spread([1e3 * seconds for seconds in watched]),
        "kinds": {
            name: {
                "share": spread([kinds[name] / total for kinds, total in zip(seen, totals, strict=True)]),
                "milliseconds_a_step": spread([1e3 * kinds[name] for kinds in seen]),
                "floor_milliseconds": None if name not in floors else 1e3 * floors[name],
            }
            for name in names
        },
    }


def _best(contests: dict[str, Contest], device: torch.device) -> float:
    return max(contest.amount / seconds_of(contest.action, device) for contest in contests.values() for _ in range(2))


def kind_floors(count: Counted, operations_per_second: float, bytes_per_second: float) -> dict[str, float]:
    """Return the least seconds of the kinds that are counted: arithmetic of layers, bytes of the optimiser."""
    return {
        "convolution": count.convolution / operations_per_second,
        "linear": (count.operations - count.convolution) / operations_per_second,
        "optimiser": count.optimizer_bytes / bytes_per_second,
    }


def _profiled(step: Callable[[], object], steps: int) -> tuple[float, dict[str, float]]:
    """Return the seconds of one watched step, and the seconds of each kind in it."""
    with profile(activities=[ProfilerActivity.CPU], acc_events=True) as profiler:
        began = time.perf_counter()
        for _ in range(steps):
            step()
        seconds = (time.perf_counter() - began) / steps
    inside = {name: microseconds / 1e6 / steps for name, microseconds in by_kind(profiler.events() or []).items()}
    # What no operation accounts for is Python between them and the profiler itself.
    inside[REST] = inside.get(REST, 0.0) + max(0.0, seconds - sum(inside.values()))
    return seconds, inside


def by_kind(events: Iterable[Any]) -> dict[str, float]:
    """Return the microseconds of each kind of operation in a profile's ``events``, every event's own time once."""
    totals = {name: 0.0 for name, _ in KINDS}
    for event in events:
        name = _kind(event)
        totals[name] = totals.get(name, 0.0) + event.self_cpu_time_total
    return totals


def _kind(event: Any) -> str:
    """Return the kind of the nearest operation, from ``event`` outwards, that has one."""
    around = event
    while around is not None:
        for name, pattern in KINDS:
            if re.search(pattern, around.name):
                return name
        around = around.cpu_parent
    return REST
