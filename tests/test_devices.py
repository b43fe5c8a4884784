"""Which devices train: every GPU that is visible, or those that are named."""

from __future__ import annotations

import pytest
import torch

from harness.devices import resolve_devices, worker_devices
from harness.errors import TrainingError


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> int:
    """Pretend that this machine has as many GPUs."""
    count: int = request.param
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    return count


@pytest.mark.parametrize(
    ("gpus", "asked", "found"),
    [
        (0, "auto", ("cpu",)),
        (1, "auto", ("cuda",)),
        (4, "auto", ("cuda:0", "cuda:1", "cuda:2", "cuda:3")),
        (4, "cuda:1,cuda:3", ("cuda:1", "cuda:3")),
        (4, "cuda:3, cuda:1", ("cuda:3", "cuda:1")),
        (4, "cuda", ("cuda",)),
        (4, "cpu", ("cpu",)),
    ],
    indirect=["gpus"],
)
@pytest.mark.usefixtures("gpus")
def test_devices_by_name(asked: str, found: tuple[str, ...]) -> None:
    assert resolve_devices(asked) == found


@pytest.mark.parametrize("gpus", [2], indirect=True)
@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ("cuda:0,cuda:2", "this machine has 2 CUDA devices"),
        ("cuda:0,cuda:0", "a device is named twice; use --workers"),
        ("cuda,cuda:0", "a device is named twice"),
        ("cpu,cuda:0", "name devices of one kind"),
        ("cuda:0,", "expected auto, cpu, cuda, cuda:N or mps"),
        ("auto,cpu", "expected auto, cpu, cuda, cuda:N or mps"),
    ],
)
@pytest.mark.usefixtures("gpus")
def test_devices_that_are_refused(asked: str, why: str) -> None:
    with pytest.raises(TrainingError, match=why):
        resolve_devices(asked)


def test_one_worker_for_each_gpu_unless_more_are_asked_for() -> None:
    two = ("cuda:0", "cuda:1")
    assert worker_devices(two, None, 1) == two
    assert worker_devices(two, 5, 1) == ("cuda:0", "cuda:1", "cuda:0", "cuda:1", "cuda:0")
    assert worker_devices(two, 1, 1) == ("cuda:0",)
    assert worker_devices(("cpu",), 3, 1) == ("cpu", "cpu", "cpu")
    assert set(worker_devices(("cpu",), None, 1)) == {"cpu"}
