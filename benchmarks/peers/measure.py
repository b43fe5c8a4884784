"""The harness against programs that researchers would otherwise use: equal numbers first, then speed and memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.peers.contestants import CONTESTANTS, Contestant
from benchmarks.peers.environments import environment
from benchmarks.peers.equality import equality
from benchmarks.peers.race import DECAY, MOMENTUM, RATE, race
from benchmarks.peers.running import interpreter_of_the_harness
from benchmarks.record import write

NETWORKS = ("su4", "resnet18")


def peers(repeats: int = 3, networks: Sequence[str] = NETWORKS, steps: int | None = None) -> None:
    """Compare losses and race, for each network (targets: 2 times every peer for su4, 1.5 times for ResNet-18)."""
    made = {one.package: environment(one.package) for one in CONTESTANTS if one.package}
    taking_part: Mapping[str, tuple[Contestant, Path]] = {
        one.name: (one, made[one.package].python if one.package else interpreter_of_the_harness())
        for one in CONTESTANTS
    }
    measured: dict[str, Any] = {}
    for network in networks:
        equal = equality(network, taking_part)
        measured[network] = {"equal_numbers": equal, **race(network, taking_part, repeats, steps)}
    write(
        "peers",
        {
            "contestants": {
                one.name: {
                    "versions": made[one.package].versions if one.package else {},
                    "processes": one.processes,
                    "threads_of_each": one.threads,
                    "loader_workers": one.loader_workers,
                    "data": one.data,
                }
                for one in CONTESTANTS
            },
            "precision": "float32",
            "optimizer": {"name": "sgd", "lr": RATE, "momentum": MOMENTUM, "weight_decay": DECAY},
            **measured,
        },
    )
