"""Do all programs compute the same? From equal weights, on equal items in the stored order, without dropout.

What remains are sums in another order: threads, memory layouts, and the harness's fused optimiser. The mean losses of
short epochs are compared; a difference of the mathematics (another optimiser, weight decay on other parameters, clipped
gradients, another order) shows in the first epoch's last steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.peers.contestants import HARNESS, Contestant
from benchmarks.peers.race import started
from harness.errors import HarnessError

STEPS = 5
"""Of 32 items each: as many of every class, so that the class weights of the earlier replications' loop are 1."""
EPOCHS = 2
TOLERANCE = 1e-4
"""Largest relative difference of an epoch's mean loss from the harness's."""


def equality(network: str, contestants: Mapping[str, tuple[Contestant, Path]]) -> dict[str, Any]:
    """Return each program's mean loss of every epoch, and the largest relative difference from the harness's.

    Raises
    ------
    HarnessError
        When a program's losses differ by more than TOLERANCE: its speed would not be comparable.
    """
    losses: dict[str, list[list[float]]] = {name: [] for name in contestants}
    with started(network, contestants, STEPS, EPOCHS, dropout=0.0, shuffled=False) as running:
        for name, one in running.items():
            for _ in range(EPOCHS):
                losses[name].append(one.epoch()[1])
                one.ready()
    found = {name: differences(values, losses[HARNESS]) for name, values in losses.items()}
    if wrong := [name for name, value in found.items() if value > TOLERANCE]:
        raise HarnessError(
            f"{network}: the losses of {', '.join(wrong)} differ from the harness's by more than {TOLERANCE:g}: "
            f"{ {name: losses[name] for name in (HARNESS, *wrong)} }"
        )
    return {"steps": STEPS * EPOCHS, "tolerance": TOLERANCE, "largest_relative_difference": found, "losses": losses}


def differences(values: list[list[float]], reference: list[list[float]]) -> float:
    """Return the largest relative difference of any process in any epoch from the first process of ``reference``."""
    return max(abs(loss / of[0] - 1) for epoch, of in zip(values, reference, strict=True) for loss in epoch)
