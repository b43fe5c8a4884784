"""Counts that can be checked by hand, ceilings that do what they say, and a floor that knows when it is wrong."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from benchmarks import peak
from benchmarks.counting import Counted, counted
from benchmarks.floor import counted_step, verdict
from benchmarks.peak import ROUNDS, arithmetic, instruction_loop, memory
from benchmarks.step_profile import kind_floors


def test_operations_and_bytes_by_hand() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1, bias=False), nn.Flatten(), nn.Linear(24, 5, bias=False))
    count = counted(model, (1, 3, 4), batch=2, element=2)
    # Convolution: 18 weights at 12 places, forward and weight gradient; linear: 120 weights, three passes; two items.
    assert count.convolution == 2 * (2 * 2 * 18 * 12)
    assert count.operations == count.convolution + 2 * (3 * 2 * 120)
    assert count.network_bytes == 4 * 2 * (24 + 5) * 2 + (18 + 120) * (2 * 2 + 4)
    assert count.optimizer_bytes == 20 * (18 + 120)


@pytest.mark.parametrize(("bandwidth", "seconds"), [(10.0, 10 + 3.0), (2.0, 20 + 15.0)])
def test_the_floor_overlaps_operations_with_bytes_but_not_with_the_optimiser(bandwidth: float, seconds: float) -> None:
    assert Counted(100, 40, 30).floor_seconds(10.0, bandwidth) == seconds


def test_the_floors_of_the_kinds_share_the_counts() -> None:
    floors = kind_floors(Counted(100, 40, 30, convolution=80), 10.0, 5.0)
    assert floors == {"convolution": 8.0, "linear": 2.0, "optimiser": 6.0}


def test_bfloat16_halves_the_bytes_of_the_network_but_not_of_the_optimiser() -> None:
    wide, narrow = counted_step("float32"), counted_step("bfloat16")
    assert wide.operations == narrow.operations
    assert wide.optimizer_bytes == narrow.optimizer_bytes
    weights = wide.optimizer_bytes // 20
    assert wide.network_bytes - 4 * weights == 2 * (narrow.network_bytes - 4 * weights)


def test_a_step_below_its_floor_is_said_to_be_impossible() -> None:
    assert verdict(0.5) == "the step takes 2.00 times its floor"
    assert verdict(1.01).startswith("WRONG")


def test_contestants_count_what_they_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peak, "NUMBERS", 1000)
    monkeypatch.setattr(peak, "SIDES", (16,))
    contests = {**arithmetic(torch.float32, torch.device("cpu")), **memory(torch.device("cpu"))}
    amounts = {name: contest.amount for name, contest in contests.items() if "loop" not in name}
    assert amounts == {
        "product 16": 2 * 16**3,
        "linear 16": 2 * 16**3,
        "convolution 32 x 85 x 41": 2 * 32 * 85 * 41 * 32 * 32 * 9,
        "convolution 64 x 43 x 21": 2 * 32 * 43 * 21 * 64 * 64 * 9,
        "convolution 256 x 32 x 32": 2 * 8 * 32 * 32 * 256 * 256 * 9,
        "triad a = b + s c": 3 * 4 * 1000,
        "update a += s b": 3 * 4 * 1000,
        "copy": 2 * 4 * 1000,
        "sum": 4 * 1000,
    }
    for name in ("product 16", "linear 16", "convolution 64 x 43 x 21", "triad a = b + s c", "update a += s b", "copy"):
        contests[name].action()


def test_the_instruction_loop_does_the_operations_it_counts() -> None:
    pytest.importorskip("llvmlite")
    from llvmlite import binding

    from benchmarks.peak import _compiled, _program

    run, _engine = _compiled(_program("float32", 4), binding.get_host_cpu_features())
    # 12 sums begin at s and gain s * s a round; the result is one lane of their sum.
    assert run(10, 0.5) == pytest.approx(12 * (0.5 + 10 * 0.25))
    for width in (256, 512):
        contest = instruction_loop("float32", width)
        assert contest is None or contest.amount == ROUNDS * 12 * (width // 32) * 2
