"""The probe measures, and leaves the process alone."""

from __future__ import annotations

import time

import pytest
import torch

from harness.errors import TrainingError
from harness.training.probe import probe_network
from tests.toys import settings_of

ROWS = {"MFCC": (0, 4), "LM": (4, 8), "chroma": (8, 10), "contrast": (10, 11), "tonnetz": (11, 12)}


@pytest.mark.parametrize(
    ("model", "shape"), [("su4", (1, 12, 8)), ("su4-stacked", (1, 12, 8)), ("resnet18", (3, 32, 32))]
)
def test_speed_is_positive_and_takes_about_the_time_given(model: str, shape: tuple[int, int, int]) -> None:
    state = torch.get_rng_state()
    start = time.perf_counter()
    found = probe_network(settings_of(model), shape, 3, "cpu", seconds=0.1, plane_rows=ROWS)
    assert found.items_per_second > 0
    assert found.parameters > 10_000
    assert time.perf_counter() - start < 20
    assert torch.equal(torch.get_rng_state(), state)


def test_larger_inputs_are_slower() -> None:
    small, large = (probe_network(settings_of(), (1, rows, rows), 3, "cpu", seconds=0.3) for rows in (8, 64))
    assert large.items_per_second < small.items_per_second


def test_unknown_device() -> None:
    with pytest.raises(TrainingError, match="--device cuda:99"):
        probe_network(settings_of(), (1, 8, 8), 3, "cuda:99")
