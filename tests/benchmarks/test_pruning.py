"""The committed figures of pruning: the README's table follows from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.record import read
from benchmarks.wanted import TARGETS_FILE, read_targets

README = Path(__file__).parents[2] / "benchmarks" / "README.md"


@pytest.fixture(scope="module")
def measured() -> dict[str, Any]:
    found = read("pruning")
    assert found is not None
    return found


@pytest.mark.parametrize("pruner", ["halving", "median", "percentile"])
def test_the_readme_has_the_measured_medians_and_ranges(measured: dict[str, Any], pruner: str) -> None:
    figures = measured["pruners"][pruner]
    share = {name: round(100 * figures["share_of_epochs"][name]) for name in ("median", "min", "max")}
    lost = {name: f"{figures['points_lost'][name]:.2f}" for name in ("median", "min", "max")}
    row = (
        f"| {pruner} | {share['median']} % ({share['min']} to {share['max']}) | "
        f"{lost['median']} ({lost['min']} to {lost['max']}) |"
    )
    assert row in README.read_text(encoding="utf-8")
    assert figures["points_lost"]["n"] == len(measured["runs"]) == 5


def test_the_worst_seed_decides_whether_halving_keeps_the_accuracy(measured: dict[str, Any]) -> None:
    [target] = [
        one for one in read_targets(TARGETS_FILE.read_text(encoding="utf-8")) if one.reduce == "loss of halving"
    ]
    losses = [
        (run["none"]["chosen"] - run["halving"]["chosen"]) / run["none"]["sd_over_folds"] for run in measured["runs"]
    ]
    found = target.find(measured)
    assert found["median"] == max(losses)
    assert sum(loss <= 1 for loss in losses) == 4
    assert all(loss > 0 for loss in losses)
    assert not target.met(found["median"])
