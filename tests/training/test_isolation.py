"""A training's corner of the process is set up, and left as it was found."""

from __future__ import annotations

import warnings

import pytest
import torch

from harness.devices import default_workers, features_device, open_device, resolve_device, widest_float
from harness.errors import TrainingError
from harness.training.isolation import device_name, isolated

CPU = torch.device("cpu")


def switches() -> tuple[object, ...]:
    return (
        torch.get_num_threads(),
        torch.get_deterministic_debug_mode(),
        torch.utils.deterministic.fill_uninitialized_memory,
        torch.get_float32_matmul_precision(),
        torch.backends.cudnn.benchmark,
        torch.backends.cudnn.deterministic,
        torch.backends.cudnn.allow_tf32,
        warnings.showwarning,
        list(warnings.filters),
    )


def test_everything_is_put_back_even_after_an_error() -> None:
    state, before = torch.get_rng_state(), switches()
    seen = []

    def fail() -> None:
        with isolated(CPU, 3, 1 + torch.get_num_threads()):
            seen.append(switches())
            torch.rand(5)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert seen[0] != before
    assert switches() == before
    assert torch.equal(torch.get_rng_state(), state)


def test_inside_numbers_follow_the_seed_and_threads_are_set() -> None:
    def draw(seed: int) -> list[float]:
        with isolated(CPU, seed, 1):
            assert torch.get_num_threads() == 1
            assert torch.are_deterministic_algorithms_enabled()
            return torch.rand(3).tolist()

    torch.manual_seed(99)
    first = draw(5)
    torch.rand(100)
    assert draw(5) == first
    assert draw(6) != first


def test_non_determinism_is_collected_once_and_other_warnings_pass() -> None:
    def warn() -> list[str]:
        with isolated(CPU, 0, 1) as complaints:
            for _ in range(3):
                warnings.warn("pool_backward does not have a deterministic implementation. You can ...", stacklevel=1)
            warnings.warn("something else", stacklevel=1)
        return complaints

    with pytest.warns(UserWarning, match="something else") as seen:
        complaints = warn()
    assert complaints == ["pool_backward does not have a deterministic implementation."]
    assert [str(warning.message) for warning in seen] == ["something else"]


def test_an_operation_without_deterministic_kernel_is_told_not_fatal() -> None:
    with isolated(CPU, 0, 1) as complaints:
        torch.zeros(4).put_(torch.tensor([1]), torch.tensor([2.0]), accumulate=False)
    assert len(complaints) == 1
    assert "put_" in complaints[0]


def test_devices() -> None:
    assert open_device("cpu") == CPU
    for name in ("gpu", "meta", "cuda:x", "CPU"):
        with pytest.raises(TrainingError, match=f"--device {name}: expected auto, cpu, cuda, cuda:N or mps"):
            open_device(name)
    with pytest.raises(TrainingError, match=r"--device cuda:99: this machine has \d+ CUDA devices; use --device cpu"):
        open_device("cuda:99")


def test_mps_is_used_only_where_it_is_named_and_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(TrainingError, match="--device mps: this machine has no GPU of Apple's; use --device cpu"):
        resolve_device("mps")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert resolve_device("mps") == "mps"
    assert resolve_device("auto") == "cpu"
    device = open_device("mps")
    assert device.type == "mps"
    assert device_name(device).endswith(" (mps)")
    assert default_workers("mps", 1) == 1
    # It has no float64: features are computed on the CPU, sums in float32.
    assert features_device("mps") == "cpu"
    assert (widest_float(device), widest_float(CPU)) == (torch.float32, torch.float64)


def test_generators_of_mps_are_seeded_and_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[object] = []
    monkeypatch.setattr(torch.mps, "get_rng_state", lambda: "before")
    monkeypatch.setattr(torch.mps, "set_rng_state", called.append)
    monkeypatch.setattr(torch.mps, "manual_seed", called.append)
    with isolated(torch.device("mps"), 3, 1):
        called.append("within")
    assert called == [3, "within", "before"]


def test_the_processor_has_a_name() -> None:
    assert device_name(CPU).strip()
