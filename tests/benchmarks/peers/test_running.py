"""Drivers take turns as they are told, and compute the same."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.peers import race
from benchmarks.peers.contestants import Contestant
from benchmarks.peers.equality import differences
from harness.errors import HarnessError

PYTHON = Path(sys.executable)


@pytest.mark.slow
def test_the_loops_of_our_own_have_the_losses_of_the_harness(monkeypatch: pytest.MonkeyPatch) -> None:
    # 20 items: as many of every class, so that class weights are 1.
    monkeypatch.setattr(race, "BATCH", 4)
    contestants = {
        "harness": (Contestant("harness", "ours", processes=2, threads=1, loader_workers=0), PYTHON),
        "naive": (Contestant("naive", "naive", threads=1, loader_workers=1), PYTHON),
        "replication": (Contestant("replication", "replication", threads=1, loader_workers=0), PYTHON),
    }
    losses: dict[str, list[list[float]]] = {name: [] for name in contestants}
    with race.started("su4", contestants, 5, 2, dropout=0.0, shuffled=False) as running:
        for name, one in running.items():
            for _ in range(2):
                losses[name].append(one.epoch()[1])
                one.ready()
    assert [len(epoch) for epoch in losses["harness"]] == [2, 2]
    assert losses["harness"][0] != losses["harness"][1]
    assert differences(losses["naive"], losses["harness"]) < 1e-4
    assert differences(losses["replication"], losses["harness"]) < 1e-4


def test_a_driver_that_fails_is_quoted() -> None:
    contestants = {"broken": (Contestant("broken", "no_such_driver", threads=1, loader_workers=0), PYTHON)}
    with (
        pytest.raises(HarnessError, match=r"broken ended before its training was over[\s\S]*no_such_driver"),
        race.started("su4", contestants, 1, 1, dropout=0.0, shuffled=False),
    ):
        pass
